// Package awsruntest starts and schedules runs by the operator's command where moto stands in for ECS and EventBridge Scheduler.
package awsruntest

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

const region = "ap-northeast-2"

// account makes a cluster with the dispatcher's task definition, and configures the operator's command for it.
func account(t *testing.T) *ecs.Client {
	t.Helper()
	endpoint := mototest.Start(t)
	none := filepath.Join(t.TempDir(), "none")
	admin := ecs.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	cluster, err := admin.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("balsong")})
	if err != nil {
		t.Fatal(err)
	}
	definition, err := admin.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("balsong-dispatcher"), NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		Cpu: aws.String("512"), Memory: aws.String("1024"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("dispatcher"), Image: aws.String("balsong/dispatcher"), Memory: aws.Int32(512), Cpu: 256}},
	})
	if err != nil {
		t.Fatal(err)
	}
	subnets, groups := first(t, endpoint, "DescribeSubnets", "subnetId"), first(t, endpoint, "DescribeSecurityGroups", "groupId")
	for name, value := range map[string]string{
		"DATABASE_URL": postgrestest.URL(t), "BALSONG_LOG_LEVEL": "error", "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region,
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
		"BALSONG_RUN_ON": "ecs", "BALSONG_RUN_ECS_CLUSTER": aws.ToString(cluster.Cluster.ClusterArn),
		"BALSONG_RUN_ECS_TASK_DEFINITION": aws.ToString(definition.TaskDefinition.TaskDefinitionArn), "BALSONG_RUN_ECS_SUBNETS": subnets, "BALSONG_RUN_ECS_SECURITY_GROUPS": groups,
		"BALSONG_RUN_ECS_SCHEDULE_ROLE": "arn:aws:iam::123456789012:role/balsong-scheduler",
	} {
		t.Setenv(name, value)
	}
	return admin
}

// first asks EC2's API for the things of one kind, and returns the first one's id: moto's default network has some.
func first(t *testing.T, endpoint, action, element string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader("Version=2016-11-15&Action="+action))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261130/"+region+"/ec2/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<"+element+">")
	id, _, _ := strings.Cut(rest, "<")
	if !found {
		t.Fatalf("%s: %s", action, text)
	}
	return id
}

func run(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := cli.Run(t.Context(), operatorcmd.NewCommand(), args, &out, &out); code != want {
		t.Fatalf("%v ends with %d, want %d:\n%s", args, code, want, &out)
	}
	return out.String()
}

func TestARunIsStartedAsATaskAndScheduledOnce(t *testing.T) {
	admin := account(t)
	said := run(t, core.ExitOK, "run", "start", "--linger", "--reason", "a test")
	arn, _, _ := strings.Cut(said, "\n")
	if !strings.HasPrefix(arn, "arn:aws:ecs:"+region+":") {
		t.Fatal(said)
	}
	run(t, core.ExitOK, "run", "show", arn)
	if _, err := admin.StopTask(t.Context(), &ecs.StopTaskInput{Cluster: aws.String("balsong"), Task: aws.String(arn), Reason: aws.String("by the test")}); err != nil {
		t.Fatal(err)
	}
	if said := run(t, core.ExitOK, "run", "show", arn); !strings.Contains(said, "ended with exit code 0: by the test") {
		t.Error(said)
	}
	run(t, core.ExitOK, "run", "schedule", "--at", "2099-12-25 08:00", "--zone", "Asia/Seoul", "--reason", "bills of Christmas")
	run(t, core.ExitOK, "run", "schedule", "--at", "2099-12-25 08:00", "--zone", "Asia/Seoul", "--reason", "bills of Christmas")
	run(t, core.ExitRefused, "run", "schedule", "--at", "2099-12-25 08:00", "--zone", "Asia/Tokyo", "--reason", "bills of Christmas")
	const name = "balsong-run-20991225T0800"
	if said := run(t, core.ExitOK, "run", "schedules"); !strings.Contains(said, name+"  at(2099-12-25T08:00:00) in Asia/Seoul: every open month, by ") || !strings.Contains(said, "2099-12-25 08:00:00 KST") {
		t.Error(said)
	}
	run(t, core.ExitOK, "run", "unschedule", name, "--reason", "not needed")
	run(t, core.ExitNotFound, "run", "unschedule", name, "--reason", "not needed")
	if said := run(t, core.ExitOK, "run", "schedules"); said != "nothing is scheduled\n" {
		t.Error(said)
	}
	t.Setenv("BALSONG_RUN_ECS_CLUSTER", "arn:aws:ecs:"+region+":123456789012:cluster/none")
	if said := run(t, core.ExitRefused, "run", "start", "--reason", "a cluster that is not there"); !strings.Contains(said, "ClusterNotFoundException") {
		t.Error(said)
	}
}
