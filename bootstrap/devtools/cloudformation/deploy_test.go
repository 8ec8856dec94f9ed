package cloudformation_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/schedule"
)

func TestAStackIsDeployedByItsName(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "BALSONG_NAME=other", "NAME=DESKTOP-1")
	for _, arguments := range [][]string{{"networks"}, {}, {"network", "NatGateways"}, {"network", "NatGateway=one"}, {"alarms", "mail=a@example.com"}, {"delete"}, {"delete", "everything"}, {"parameters", "A=1"}} {
		if said, code := c.deploys(arguments...); code != 2 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
	ca := filepath.Join(c.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("-----BEGIN CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.environment = append(c.environment, "RDS_CA_URL=file://"+ca)
	for _, arguments := range [][]string{{"network", "NatGateways=each-zone"}, {"parameters"}} {
		if said, code := c.deploys(arguments...); code != 0 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
	if asked := c.asked(); !strings.Contains(asked, `"--parameter-overrides","Name=other","NatGateways=each-zone"`) || !strings.Contains(asked, `"--name","/other/kafka-brokers"`) {
		t.Errorf("it asked %s", asked)
	}
}

func (c cloud) deploys(arguments ...string) (said string, code int) {
	c.Helper()
	return c.run("bash", append([]string{filepath.Join(deploy, "deploy.sh")}, arguments...)...)
}

func TestADeploymentIsFollowedToItsEndAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	const begins = `"deploy".*"execute-change-set"`
	var requests strings.Builder
	for name, want := range map[string]struct {
		status, arguments string
		code              int
		said, asked       string // expressions
		never             string
	}{
		"a new stack": {"NONE CREATE_IN_PROGRESS CREATE_COMPLETE", "network", 0, `balsong-network in account 123456789012, ap-northeast-2\s(?s:.*)CREATE_IN_PROGRESS: Database Kafka`, begins, "disable-rollback"},
		"what is under way is waited for, then changed": {
			"CREATE_IN_PROGRESS CREATE_COMPLETE UPDATE_COMPLETE", "access", 0, `CREATE_IN_PROGRESS`, `"list-stack-resources".*` + begins, "delete-stack",
		},
		"a first deployment that failed is deleted": {
			"ROLLBACK_COMPLETE DELETE_IN_PROGRESS NONE CREATE_COMPLETE", "network", 0, `is ROLLBACK_COMPLETE: what its first deployment left is deleted`, `"delete-stack".*` + begins, "disable-rollback",
		},
		"what cannot be taken back is named": {
			"UPDATE_COMPLETE UPDATE_ROLLBACK_IN_PROGRESS UPDATE_ROLLBACK_FAILED", "network", 1, `there is no capacity\s(?s:.*)aws cloudformation continue-update-rollback --stack-name balsong-network\s`, begins, "delete-stack",
		},
		"and nothing is tried before it is": {"UPDATE_ROLLBACK_FAILED", "network", 1, `continue-update-rollback --stack-name balsong-network\s`, `"list-stack-resources"`, `"deploy"`},
		"what cannot be deleted is named":   {"ROLLBACK_FAILED DELETE_FAILED", "network", 1, `there is no capacity\s+.*DELETE_FAILED`, `"delete-stack"`, `"deploy"`},
		"what could not be deleted stays":   {"DELETE_FAILED", "network", 1, `deploy.sh delete network`, `"describe-stacks"`, `"deploy"`},
		"the reason of a failure":           {"NONE ROLLBACK_IN_PROGRESS ROLLBACK_COMPLETE", "network", 1, `Kafka\s+there is no capacity\s+.*is ROLLBACK_COMPLETE`, begins, "delete-stack"},
		"services keep their first logs":    {"NONE CREATE_FAILED", "services ImageTag=1", 1, `/balsong/delivery`, `"execute-change-set".*"--disable-rollback"`, "delete-stack"},
		"services are rolled back later":    {"UPDATE_COMPLETE UPDATE_ROLLBACK_COMPLETE", "services", 1, `is UPDATE_ROLLBACK_COMPLETE`, begins, "disable-rollback"},
		"a session that ended":              {"LOST", "network", 1, `ExpiredToken`, `"describe-stacks"`, `"deploy"`},
		"a database is protected at last":   {"NONE NONE CREATE_COMPLETE CREATE_COMPLETE UPDATE_COMPLETE", "data", 0, ``, `"DeletionProtection=false".*"execute-change-set".*"DeletionProtection=true".*"execute-change-set"`, "delete-stack"},
		"and stays protected":               {"UPDATE_COMPLETE", "data KafkaStorage=200", 0, ``, `"KafkaStorage=200","DeletionProtection=true"`, "DeletionProtection=false"},
		"unless it is to be deleted":        {"UPDATE_COMPLETE", "data DeletionProtection=false", 0, ``, `"DeletionProtection=false"`, "DeletionProtection=true"},
		"a stack is deleted":                {"DELETE_IN_PROGRESS NONE", "delete data", 0, `balsong-data is deleted`, `"delete-stack"`, `"deploy"`},
		"a stack that is not there":         {"NONE", "delete data", 0, `there is no stack balsong-data here`, `"describe-stacks"`, `"delete-stack"`},
		"a stack that is used is not":       {"DELETE_FAILED", "delete network", 1, `there is no capacity`, `"delete-stack"`, `"deploy"`},
		"a delete that goes on is followed": {"DELETE_IN_PROGRESS DELETE_IN_PROGRESS NONE", "delete alarms", 0, `DELETE_IN_PROGRESS: Database Kafka`, `"delete-stack"`, `"deploy"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAccount(t, "STATUS="+want.status)
			said, code := c.deploys(strings.Fields(want.arguments)...)
			if code != want.code || !regexp.MustCompile(want.said).MatchString(said) {
				t.Errorf("exit code %d:\n%s", code, said)
			}
			asked := c.requests()
			requests.WriteString(asked)
			if !regexp.MustCompile(`(?s)`+want.asked).MatchString(asked) || strings.Contains(asked, want.never) {
				t.Errorf("it asked %s", asked)
			}
		})
	}
	if refused := refusedByAWS(t, requests.String()); refused != "" { // of all at once: the command line needs a second to start
		t.Error(refused)
	}
}

// The script computes by itself what domain/schedule would say.
func TestTheAlarmAboutRunsFollowsTheSchedule(t *testing.T) {
	t.Parallel()
	c := newAccount(t)
	silence := func(expression string) string {
		said, _ := c.run("bash", "-euc", `eval "$(sed -n '/^silence() {/,/^}/p' `+filepath.Join(deploy, "deploy.sh")+`)"; silence "$1"`, "bash", expression)
		return strings.TrimSpace(said)
	}
	for _, text := range []string{"cron(0 0/2 * * ? *)", "rate(30 minutes)", "rate(1 hour)", "rate(2 days)", "cron(0 8,12,16 * * ? *)", "cron(15 8-20/4 ? * * *)", "cron(*/10 9-17 * * ? *)", "cron(30 9 * * ? *)", "cron(5,50 1-3,22 * * ? *)"} {
		expression, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var longest time.Duration
		starts := expression.Next(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.UTC, 200)
		for i := range len(starts) - 1 {
			longest = max(longest, starts[i+1].Sub(starts[i]))
		}
		if want, got := fmt.Sprint(int(longest.Seconds()*1.5)), silence(text); got != want {
			t.Errorf("%s: %s, wanted %s", text, got, want)
		}
	}
	for _, text := range []string{"cron(0 8 25 * ? *)", "cron(0 8 ? * MON-FRI *)", "cron(0 8 * * ? 2026)", "at(2026-12-25T08:00:00)"} {
		if got := silence(text); got != "" {
			t.Errorf("%s: %s", text, got)
		}
	}
	daily := newAccount(t, "EXPRESSION=rate(1 day)")
	if said, code := daily.deploys("services", "DispatchSchedule=rate(1 day)"); code != 0 || !strings.Contains(daily.requests(), `"NoRunAfter=129600"`) {
		t.Errorf("exit code %d: %s", code, said)
	}
	weekdays := newAccount(t, "EXPRESSION=cron(0 8 ? * MON-FRI *)")
	if said, code := weekdays.deploys("alarms", "NoRunAfter=300000"); code != 0 || !strings.Contains(said, "deploy.sh alarms NoRunAfter=SECONDS") || !strings.Contains(weekdays.requests(), `"SettlementTasks=2","NoRunAfter=300000"`) {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func TestAKeysetThatIsThereIsNeverReplaced(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "VERSIONS=1", "TMPDIR="+t.TempDir())
	if said, code := c.deploys("keyset"); code != 0 || !strings.Contains(said, "left as it is") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if asked := c.asked(); strings.Contains(asked, "put-secret-value") {
		t.Errorf("it asked %s", asked)
	}
}
