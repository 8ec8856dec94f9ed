"""Makes in moto what the stacks of data and services would have made: the database's server, the schedules' group and the two services."""
import sys
from awscli.botocore.session import Session

region, endpoint = sys.argv[1:]


def client(service):
    return Session().create_client(service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test")


key = client("kms").create_key()["KeyMetadata"]["KeyId"]
ec2, rds, ecs = client("ec2"), client("rds"), client("ecs")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(VpcId=vpc, GroupName="database", Description="database")["GroupId"]
rds.create_db_subnet_group(DBSubnetGroupName="balsong", DBSubnetGroupDescription="d", SubnetIds=[subnet])
rds.create_db_parameter_group(DBParameterGroupName="balsong-data-databaseparameters-1", DBParameterGroupFamily="postgres18", Description="d")
rds.create_db_instance(
    DBInstanceIdentifier="balsong", Engine="postgres", DBInstanceClass="db.m7g.large", AllocatedStorage=200, MaxAllocatedStorage=1000, DBName="balsong",
    MasterUsername="balsong_admin", ManageMasterUserPassword=True, MasterUserSecretKmsKeyId=key, MultiAZ=True, StorageEncrypted=True, KmsKeyId=key,
    EnableIAMDatabaseAuthentication=True, DBSubnetGroupName="balsong", VpcSecurityGroupIds=[group], DBParameterGroupName="balsong-data-databaseparameters-1",
    BackupRetentionPeriod=14, PreferredBackupWindow="17:00-18:00", PreferredMaintenanceWindow="sat:18:30-sat:19:30", CACertificateIdentifier="rds-ca-rsa2048-g1",
    MonitoringInterval=60, MonitoringRoleArn="arn:aws:iam::123456789012:role/monitoring", EnablePerformanceInsights=True, PerformanceInsightsKMSKeyId=key,
    PerformanceInsightsRetentionPeriod=7, DeletionProtection=True, PubliclyAccessible=False)
client("scheduler").create_schedule_group(Name="balsong")
ecs.create_cluster(clusterName="balsong")
ecs.register_task_definition(family="balsong-delivery", networkMode="awsvpc", containerDefinitions=[{"name": "delivery", "image": "x", "memory": 512}])
for service, tasks in ("delivery", 2), ("settlement", 0), ("feedback", 0):
    ecs.create_service(cluster="balsong", serviceName=service, taskDefinition="balsong-delivery", desiredCount=tasks)
