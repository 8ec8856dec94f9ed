package cloudformation_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
	"github.com/balsong/balsong/bootstrap/devtools/repotest"
)

const deploy = "../../../deploy/aws"

func read(t *testing.T, dir string) []cloudformation.Template {
	t.Helper()
	templates, err := cloudformation.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func TestTheTemplatesKeepEveryRule(t *testing.T) {
	t.Parallel()
	for _, sentence := range cloudformation.Check(read(t, deploy)) {
		t.Error(sentence)
	}
}

// broken are templates with one mistake each, and what must be said about it.
type broken struct{ file, old, mistake, want string }

func TestEachRuleFindsItsMistake(t *testing.T) {
	t.Parallel()
	for _, b := range []broken{
		{"access", "Action: rds-db:connect", `Action: "rds-db:*"`, `Action "rds-db:*" without a reason`},
		{"access", `Resource: !ImportValue { "Fn::Sub": "${Name}-Providers" }`, `Resource: "*"`, `Resource "*" without a reason`},
		{"access", ` # wildcard: the action knows no resource`, ``, "without a reason"},
		{"data", `Principal: "*" # wildcard: it denies`, `Principal: "*"`, `Principal "*" without a reason`},
		{"data", "id: CKV_AWS_18, comment: ", "id: CKV_AWS_18, because: ", "CKV_AWS_18 is suppressed without a reason"},
		{"services", `"${Name}-DataKey"`, `"${Name}-DataKeys"`, `imports "DataKeys", which no template before it exports`},
		{"network", `"${Name}-TaskGroup" }`, `"${Name}-Tasks" }`, `imports "TaskGroup", which no template before it exports`},
		{"services", "  SmtpUser:\n    Type: String", "  SmtpPassword:\n    Type: String", "the parameter SmtpPassword is a secret"},
		{"data", "      GenerateSecretString: {", "      SecretString: hunter2\n      Description: {", "a secret's value stands in the template"},
		{"data", "BlockPublicPolicy: true", "BlockPublicPolicy: false", "the bucket may be public: BlockPublicPolicy"},
		{"services", `User: "65532:65532"`, `User: "0"`, "container delivery: it does not run as 65532"},
		{"services", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false", "its root filesystem can be written"},
		{"services", "Drop: [ALL]", "Drop: [NET_RAW]", "it keeps capabilities"},
		{"services", "ContainerPath: /tmp", "ContainerPath: /var/tmp", "container batch: what goes into the bucket has no /tmp"},
		{"services", "awslogs-group: !Ref BatchLog, ", "", "container batch: nothing keeps its log"},
		{"services", "          StopTimeout: 90", "          PortMappings: [{ ContainerPort: 9464 }]\n          StopTimeout: 90", "it maps a port"},
		{"network", "Scheme: internal", "Scheme: internet-facing", "LmtpBalancer: the internet reaches it, and it does not look at paths"},
		{"network", "SecurityGroups: [!Ref LmtpGroup]", "SecurityGroups: []", "LmtpBalancer: it has no security group"},
		{"network", "Protocol: HTTPS", "Protocol: HTTP", "WebhookListener: it takes requests without TLS 1.2"},
		{"network", "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08", "WebhookListener: it takes requests without TLS 1.2"},
		{"network", `Type: fixed-response, FixedResponseConfig: { StatusCode: "404" }`, "Type: forward, TargetGroupArn: !Ref WebhookTargets", "WebhookListener: what is no report goes on"},
		{"network", `Values: ["/reports/*"]`, `Values: ["/*"]`, "WebhookRule: what is no report goes on"},
		{"network", "Values: [POST]", "Values: [POST, GET]", "WebhookRule: what is no report goes on"},
		{"network", "HealthCheckPath: /healthz", "HealthCheckPath: /readyz", `WebhookTargets: it asks "/readyz", which the webhooks do not answer`},
		{"network", "ToPort: 2424, SourceSecurityGroupId: !Ref LmtpGroup", "ToPort: 2424, CidrIp: !Ref LmtpFrom", "FeedbackFromLmtp: somebody who is no load balancer may connect to a task"},
		{"network", "FromPort: 8080, ToPort: 8080, SourceSecurityGroupId", "FromPort: 8080, ToPort: 8080, CidrIp: 0.0.0.0/0, Unused", "FeedbackFromWebhooks: somebody who is no load balancer may connect to a task"},
		{"network", "      Protocol: TCP\n      Port: 2424\n      HealthCheckProtocol", "      Protocol: TCP\n      Port: 24\n      HealthCheckProtocol", `LmtpTargets sends to port "24", and the service listens at 2424`},
		{"services", `BALSONG_FEEDBACK_ADDR, Value: !If [WebhooksTaken, ":8080"`, `BALSONG_FEEDBACK_ADDR, Value: !If [WebhooksTaken, ":8443"`, "BALSONG_FEEDBACK_ADDR is :8443, which no port is mapped for"},
		{"services", "{ ContainerPort: 2424 }", "{ ContainerPort: 24 }", "BALSONG_FEEDBACK_LMTP_ADDR is :2424, which no port is mapped for"},
		{"services", "StopTimeout: 90", "StopTimeout: 60", "StopTimeout of 60 s is shorter than delivery needs with a drain of 60s: 1m30s"},
		{"services", "StopTimeout: 90", "StopTimeout: 300", `StopTimeout is "300" (want seconds, on Fargate at most 120)`},
		{"services", "Value: 60s", "Value: 100s", "shorter than delivery needs with a drain of 100s"},
		{"services", "Enable: true, Rollback: true", "Enable: true, Rollback: false", "is not rolled back"},
		{"services", "AssignPublicIp: DISABLED", "AssignPublicIp: ENABLED", "its tasks have public addresses"},
		{"services", `Mode: "OFF"`, "Mode: FLEXIBLE", "it may begin later"},
		{"services", "DeadLetterConfig: { Arn: !GetAtt NotStarted.Arn }", "Input: ''", "a start that failed is forgotten"},
		{"services", "MaximumEventAgeInSeconds: 600", "MaximumEventAgeInSeconds: 86400", "its retries are not bounded"},
		{"services", "task-definition/${Name}-dispatcher\" }", "task-definition/${Name}-dispatcher:1\" }", "BALSONG_RUN_ECS_TASK_DEFINITION has a revision"},
		{"services", "Default: cron(0 0/2 * * ? *)", "Default: cron(0 0/2 * * * *)", "Dispatch: ScheduleExpression: "},
		{"services", "ScheduleExpression: !Ref DispatchSchedule", "ScheduleExpression: cron(0 8 * * *)", "Dispatch: ScheduleExpression: "},
		{"services", "Default: Asia/Seoul", "Default: Asia/Soul", "ScheduleExpressionTimezone: "},
		{"services", "Default: Asia/Seoul", "Default: Local", "ScheduleExpressionTimezone: "},
		{"services", "ScheduleExpressionTimezone: !Ref ScheduleZone", "Name: dispatch", "it has no ScheduleExpressionTimezone"},
		{"data", "MultiAZ: true", "MultiAZ: false", "MultiAZ is not true"},
		{"data", `synchronous_commit: "on"`, `synchronous_commit: "off"`, `synchronous_commit is "off" (want on)`},
		{"data", "DBParameterGroupName: !Ref DatabaseParameters", "DBParameterGroupName: default.postgres18", "its parameters are those of no group"},
		{"data", "Type: AWS::RDS::DBParameterGroup", "Type: AWS::RDS::DBClusterParameterGroup", "its parameters are those of no group"},
		{"data", "ConfigurationInfo: { Arn: !GetAtt KafkaConfiguration.Arn, Revision: !GetAtt KafkaConfiguration.LatestRevision.Revision }", "EnhancedMonitoring: DEFAULT", "its configuration is none"},
		{"data", "AllowMajorVersionUpgrade: true", "AllowMajorVersionUpgrade: false", "AllowMajorVersionUpgrade is not true"},
		{"data", "      Name: !Ref Name\n      # No KafkaVersionsList", "      KafkaVersionsList: [!Ref KafkaVersion]\n      Name: !Ref Name\n      # No KafkaVersionsList", "keeps Kafka from being upgraded"},
		{"data", "min.insync.replicas=2", "min.insync.replicas=1", "min.insync.replicas=2 is missing"},
		{"data", "ClientBroker: TLS,", "ClientBroker: TLS_PLAINTEXT,", "clients may connect without TLS"},
		{"access", "dispatch-results.v1", "dispatch-results.v2", "dispatch-results.v2 is no topic"},
		{"access", "${Groups}/balsong-delivery", "${Groups}/delivery", "is no topic or group"},
		{"services", `!If [Restored, !Ref DatabaseAddress, !ImportValue { "Fn::Sub": "${Name}-DatabaseAddress" }]`, `!ImportValue { "Fn::Sub": "${Name}-DatabaseAddress" }`, "DatabaseAddress cannot be that of a restored database"},
		{"access", "!Ref DatabaseResourceId,", "!Ref GitHubProvider,", "DatabaseResourceId cannot be that of a restored database"},
		{"alarms", "!Ref Database,", "!Ref Mail,", "Database cannot be that of a restored database"},
		{"services", "DynamicScalingOutSuspended: !If [Suspended, true, false]", "DynamicScalingOutSuspended: false", "no parameter decides on DynamicScalingOutSuspended"},
		{"access", `"${Name}-event-log-read"
      Roles: [!Ref OperatorRole]`, `"${Name}-event-log-read"
      Roles: [!Ref BatchRole]`, "the role of balsong may not read dispatch-requests.v1.dlq"},
		{"access", "${Bucket}/????-??/copy-*", "${Bucket}/*", "the whole bucket"},
		{"access", "Action: s3:DeleteObject\n            Resource: !Sub [\"arn:${AWS::Partition}:s3:::${Bucket}/????-??/*\"", "Action: s3:DeleteObject\n            Resource: !Sub [\"arn:${AWS::Partition}:s3:::${Bucket}/export/*\"", "export/* is removed by its lifecycle"},
		{"access", "\"${Name}-export\"\n      Roles: [!Ref OperatorRole]", "\"${Name}-export\"\n      Roles: [!Ref OperatorRole, !Ref BatchRole]", "export/ belongs to the role of balsong alone"},
	} {
		t.Run(b.mistake+" in "+b.file, func(t *testing.T) {
			t.Parallel()
			if all := strings.Join(cloudformation.Check(read(t, b.copy(t))), "\n"); !strings.Contains(all, b.want) {
				t.Errorf("found %q, wanted %q", all, b.want)
			}
		})
	}
}

// copy is the directory of the templates with the mistake in one of them.
func (b broken) copy(t *testing.T) string {
	t.Helper()
	return filepath.Join(repotest.Broken(t, "../../..", "deploy/aws/"+b.file+".yaml", b.old, b.mistake, "deploy/aws"), "deploy/aws")
}
