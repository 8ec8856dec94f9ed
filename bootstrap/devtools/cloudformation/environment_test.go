package cloudformation_test

import (
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
)

// program is what a container runs: the variables that it may and must have, and how it reads them.
type program struct {
	image     string
	variables []config.Variable
	load      []func(context.Context) error
}

func reads[C any](p program) program {
	p.variables = append(p.variables, config.Variables[C]()...)
	p.load = append(p.load, func(ctx context.Context) error { _, err := config.Load[C](ctx); return err })
	return p
}

var programs = map[string]program{
	"delivery":   reads[config.Sender](program{image: "delivery"}),
	"settlement": reads[config.Settler](program{image: "delivery"}),
	"feedback":   reads[config.Receiver](program{image: "delivery"}),
	"dispatcher": reads[config.Dispatcher](program{image: "dispatcher"}),
	"batch":      reads[config.Migrate](reads[config.Import](reads[config.Render](program{image: "batch"}))),
	"balsong":    reads[config.Words](reads[config.Status](reads[config.Statement](reads[config.Retention](reads[config.SendTest](reads[config.Preview](reads[config.Starting](program{image: "balsong"}))))))),
}

// account is what stands in for a real one.
var account = cloudformation.Values{
	"Name": "balsong", "AWS::Region": "ap-northeast-2", "AWS::AccountId": "123456789012", "AWS::Partition": "aws",
	"DatabaseAddress": "balsong.abc.ap-northeast-2.rds.amazonaws.com", "Bucket": "balsong-123456789012-ap-northeast-2",
	"Keyset": "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:balsong/keyset-AbCdEf", "KeysetKey": "arn:aws:kms:ap-northeast-2:123456789012:key/1",
	"Cluster.Arn": "arn:aws:ecs:ap-northeast-2:123456789012:cluster/balsong", "NotStarted.Arn": "arn:aws:sqs:ap-northeast-2:123456789012:balsong-not-started",
	"PrivateSubnets": "subnet-1,subnet-2,subnet-3", "TaskGroup": "sg-1", "SchedulerRole": "arn:aws:iam::123456789012:role/balsong-scheduler", "Schedules": "balsong",
	"SesTopic": "arn:aws:sns:ap-northeast-2:123456789012:balsong-ses", "SmsTopic": "arn:aws:sns:ap-northeast-2:123456789012:balsong-sms", "SesConfigurationSet": "balsong-bills",
	"ReportsQueue": "https://sqs.ap-northeast-2.amazonaws.com/123456789012/balsong-reports",
	"WebhookHost":  "feedback.example.com",
	"Providers":    "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:balsong/providers-AbCdEf",
}

// everything are parameters with which every channel is used.
func everything() cloudformation.Values {
	all := cloudformation.Values{
		"SmtpAddress": "relay.example.com:587", "SmtpFrom": "billing@example.com", "SmtpUser": "balsong", "SmsUrl": "https://sms.example.com", "PushUrl": "https://push.example.com",
		"TemplatesDirectory": "/words", "Webhooks": "yes", "Bounces": "yes", "Complaints": "complaints@example.com",
	}
	for name, value := range account {
		all[name] = value
	}
	return all
}

func services(t *testing.T, dir string) (template cloudformation.Template, ours []cloudformation.Container) {
	t.Helper()
	templates := read(t, dir)
	for _, c := range cloudformation.Containers(templates) {
		if c.Ours() {
			ours = append(ours, c)
		}
	}
	i := slices.IndexFunc(templates, func(t cloudformation.Template) bool { return t.File == "services.yaml" })
	return templates[i], ours
}

// fromAWS are variables that are read by AWS's own library.
var fromAWS = []string{"AWS_REGION"}

func TestEachTaskHasTheVariablesOfItsProgram(t *testing.T) {
	t.Parallel()
	for _, sentence := range wrongVariables(t, deploy) {
		t.Error(sentence)
	}
}

func wrongVariables(t *testing.T, dir string) (wrong []string) {
	t.Helper()
	template, containers := services(t, dir)
	if len(containers) != len(programs) {
		t.Fatalf("%d containers of ours, and %d programs", len(containers), len(programs))
	}
	for _, c := range containers {
		p := programs[c.Name]
		if c.Image() != p.image {
			wrong = append(wrong, c.Name+" runs the image "+c.Image())
		}
		given, err := c.Environment(template, everything().WithDefaults(template))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range given {
			i := slices.IndexFunc(p.variables, func(v config.Variable) bool { return v.Name == name })
			switch {
			case i < 0 && !slices.Contains(fromAWS, name):
				wrong = append(wrong, c.Name+" does not read "+name)
			case i >= 0 && p.variables[i].Secret && !isReference(value) && (name != "DATABASE_URL" || hasPassword(value)):
				wrong = append(wrong, c.Name+": "+name+" stands in the template")
			}
		}
		for _, v := range p.variables {
			if _, there := given[v.Name]; v.Required && !there {
				wrong = append(wrong, c.Name+" needs "+v.Name)
			}
		}
	}
	return wrong
}

// A gateway's variable that no template knows comes in one text: the template is not changed for each.
func TestFurtherVariablesOfGatewaysReachWhoCallsThem(t *testing.T) {
	t.Parallel()
	template, containers := services(t, deploy)
	for settings, want := range map[string]string{"none": "", "parameter": "ssm:/balsong/gateways"} {
		values := everything()
		values["GatewaySettings"] = settings
		for _, c := range containers {
			given, err := c.Environment(template, values.WithDefaults(template))
			if err != nil {
				t.Fatal(err)
			}
			reads := slices.ContainsFunc(programs[c.Name].variables, func(v config.Variable) bool { return v.Name == "BALSONG_GATEWAYS" })
			if given["BALSONG_GATEWAYS"] != want && reads || reads != (c.Name == "delivery" || c.Name == "balsong" || c.Name == "feedback") {
				t.Errorf("%s, %s: %q", settings, c.Name, given["BALSONG_GATEWAYS"])
			}
		}
	}
}

func isReference(value string) bool {
	return strings.HasPrefix(value, "secretsmanager:") || strings.HasPrefix(value, "ssm:")
}

func hasPassword(url string) bool {
	user, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "@")
	return strings.Contains(user, ":")
}

func TestAVariableThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	for _, b := range []broken{
		{"services", "Name: BALSONG_S3_BUCKET", "Name: BALSONG_S3_BUKCET", "delivery does not read BALSONG_S3_BUKCET"},
		{"services", "Name: BALSONG_S3_BUCKET", "Name: BALSONG_S3_BUKCET", "batch needs BALSONG_S3_BUCKET"},
		{"services", "Name: BALSONG_DELIVERY_DRAIN", "Name: BALSONG_SETTLE_SWEEP", "delivery does not read BALSONG_SETTLE_SWEEP"},
		{"services", `"secretsmanager:${Secret}#sms_token"`, `"hunter2"`, "delivery: BALSONG_SMS_TOKEN stands in the template"},
		{"services", "postgres://balsong@", "postgres://balsong:hunter2@", "dispatcher: DATABASE_URL stands in the template"},
		{"services", "/batch:", "/delivery:", "batch runs the image delivery"},
	} {
		t.Run(b.mistake, func(t *testing.T) {
			t.Parallel()
			if all := strings.Join(wrongVariables(t, b.copy(t)), "\n"); !strings.Contains(all, b.want) {
				t.Errorf("found %q, wanted %q", all, b.want)
			}
		})
	}
}

// What an account holds stands in files here, so that each program reads its whole configuration as it does there.
func TestEachProgramAcceptsWhatItsTaskIsGiven(t *testing.T) {
	template, containers := services(t, deploy)
	server, _ := porttest.Certificate()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{
		"BALSONG_DB_CA":         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]})),
		"BALSONG_KAFKA_BROKERS": "b-1.balsong.kafka.ap-northeast-2.amazonaws.com:9098,b-2.balsong.kafka.ap-northeast-2.amazonaws.com:9098", "BALSONG_KEYSET": string(keyset),
	}
	channels := map[string]cloudformation.Values{"every channel": everything(), "the defaults": account}
	for used, values := range channels {
		for _, c := range containers {
			given, err := c.Environment(template, values.WithDefaults(template))
			if err != nil {
				t.Fatal(err)
			}
			t.Run(c.Name+" with "+used, func(t *testing.T) {
				for name, value := range given {
					if isReference(value) {
						content := stored[name]
						if content == "" {
							content = "hunter2"
						}
						file := filepath.Join(t.TempDir(), "stored")
						if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
							t.Fatal(err)
						}
						value = "file:" + file
					}
					if name == "BALSONG_KEYSET_KMS_KEY" {
						value = "" // only AWS can unwrap
					}
					t.Setenv(name, value)
				}
				for _, load := range programs[c.Name].load {
					if err := load(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}
