package cloudformation_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
)

// cloud is moto with the stacks of network, access and services, and AWS's command line before it.
type cloud struct {
	*testing.T
	environment []string
}

const region = "ap-northeast-2"

func newCloud(t *testing.T) cloud {
	t.Helper()
	aws := tool(t, "BALSONG_TEST_AWS")
	c := cloud{t, append(os.Environ(), "PATH="+filepath.Dir(aws)+":"+os.Getenv("PATH"), "AWS_ENDPOINT_URL="+mototest.Start(t), "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=")}
	for _, template := range read(t, deploy) {
		name := strings.TrimSuffix(template.File, ".yaml")
		if name == "data" || name == "alarms" {
			continue // moto has no RDS attributes of a server that IAM policies and secrets need, and no configuration of MSK
		}
		text, err := template.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		if text, err = json.Marshal(forMoto(document)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name+".json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		arguments := []string{"cloudformation", "create-stack", "--stack-name", "balsong-" + name, "--template-body", "file://" + file, "--capabilities", "CAPABILITY_NAMED_IAM", "--parameters"}
		switch name {
		case "access":
			arguments = append(arguments, "ParameterKey=GitHubRepository,ParameterValue=balsong/balsong")
		case "services":
			arguments = append(arguments, "ParameterKey=ImageTag,ParameterValue=v1", "ParameterKey=Webhooks,ParameterValue=yes")
		default:
			certificate, code := c.run("aws", "acm", "request-certificate", "--domain-name", "feedback.example.com", "--query", "CertificateArn", "--output", "text")
			if code != 0 {
				t.Fatal(certificate)
			}
			arguments = append(arguments, "ParameterKey=WebhookHost,ParameterValue=feedback.example.com", // a network load balancer moto makes of no template
				"ParameterKey=WebhookCertificate,ParameterValue="+strings.TrimSpace(certificate))
		}
		if said, code := c.run("aws", arguments...); code != 0 {
			t.Fatalf("%s: %s", name, said)
		}
	}
	return c
}

// forMoto replaces the functions that moto does not compute, and what the stack of data would export.
func forMoto(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = forMoto(value[i])
		}
	case map[string]any:
		if choice, is := value["Fn::Select"].([]any); is {
			if cidr, is := choice[1].(map[string]any); is && cidr["Fn::Cidr"] != nil {
				return "10.20." + []string{"0", "16", "32", "48", "64", "80"}[int(choice[0].(float64))] + ".0/20"
			}
		}
		if _, is := value["Fn::GetAZs"]; is {
			return []any{region + "a", region + "b", region + "c"}
		}
		if imported, is := value["Fn::ImportValue"].(map[string]any); is {
			name := strings.TrimPrefix(imported["Fn::Sub"].(string), "${Name}-")
			switch {
			case strings.HasSuffix(name, "Role"):
				return "arn:aws:iam::123456789012:role/" + name
			case name == "PrivateSubnets":
				return "subnet-1,subnet-2"
			}
			return "arn:aws:example:" + region + ":123456789012:thing/" + name
		}
		for key := range value {
			value[key] = forMoto(value[key])
		}
	}
	return value
}

func (c cloud) run(program string, arguments ...string) (said string, code int) {
	c.Helper()
	command := exec.CommandContext(c.Context(), program, arguments...)
	command.Env = c.environment
	for _, entry := range c.environment { // the program is looked for where the command will look
		if path, is := strings.CutPrefix(entry, "PATH="); is && program == "aws" {
			command.Path = filepath.Join(strings.Split(path, ":")[0], "aws")
			command.Err = nil
		}
	}
	output, err := command.CombinedOutput()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return string(output), exit.ExitCode()
	} else if err != nil {
		c.Fatal(err)
	}
	return string(output), 0
}

func TestTheStacksOfNetworkAccessAndServicesAreMade(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for want, arguments := range map[string][]string{
		"90": {"ecs", "describe-task-definition", "--task-definition", "balsong-delivery", "--query", "taskDefinition.containerDefinitions[0].stopTimeout"},
		"repo:balsong/balsong:environment:production": {
			"iam", "get-role", "--role-name", "balsong-github", "--output", "text",
			"--query", `Role.AssumeRolePolicyDocument.Statement[0].Condition.StringEquals."token.actions.githubusercontent.com:sub"`,
		},
		"internet-facing": {"elbv2", "describe-load-balancers", "--output", "text", "--query", "LoadBalancers[?Type=='application'].Scheme"},
		"/healthz":        {"elbv2", "describe-target-groups", "--output", "text", "--query", "TargetGroups[].HealthCheckPath"},
	} {
		if said, code := c.run("aws", arguments...); code != 0 || !strings.Contains(said, want) {
			t.Errorf("%s: %s (exit code %d), wanted %s", strings.Join(arguments[:2], " "), said, code, want)
		}
	}
}
