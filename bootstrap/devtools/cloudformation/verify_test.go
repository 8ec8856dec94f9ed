package cloudformation_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestVerifyPassesWhereAllIsWell(t *testing.T) {
	t.Parallel()
	c := newAccount(t, `LOG={"months": [{"dispatch": {"SUCCEEDED": 5}}]}`)
	said, code := c.run("bash", filepath.Join(deploy, "verify.sh"), "--act")
	if asked := c.asked(); strings.Contains(asked, "--alarm-name-prefix") { // another installation's alarms may begin with the same words
		t.Errorf("it asked %s", asked)
	}
	if code != 0 || strings.Contains(said, "FAIL") || strings.Contains(said, "SKIPPED") || strings.Count(said, "PASS") < 25 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

func TestVerifyChangesNothingUnlessItIsTold(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "ILL=true")
	said, code := c.run("bash", filepath.Join(deploy, "verify.sh"))
	if code != 1 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if strings.Contains(said, "hunter2") {
		t.Error("it shows a secret")
	}
	for _, line := range []string{
		`FAIL +stack alarms +nothing, wanted complete`, `FAIL +settings of gateways +these stand in /balsong/gateways, which is not encrypted: BALSONG_NHN_SECRET_KEY$`, `FAIL +scaling is on +it is suspended`, `FAIL +database +available False True True, wanted`, `FAIL +no start failed +3.0 in the queue`, `SKIPPED failover`,
		`FAIL +flow log +ACTIVE Access error`, `FAIL +alarms have data +balsong-KafkaDisk1$`, `FAIL +told of Critical +not confirmed: oncall@example.com`, `FAIL +told of Warning`, `FAIL +on call +application-autoscaling:RegisterScalableTarget: implicitDeny, wanted allowed; ecs:UpdateService`,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(said) {
			t.Errorf("no line %q in:\n%s", line, said)
		}
	}
	if acted := regexp.MustCompile(`"(run-task|stop-task|reboot-db-instance|put-metric-data|set-alarm-state)".*`).FindString(c.asked()); acted != "" {
		t.Errorf("without --act it did %q", acted)
	}
	if said, code := c.run("bash", filepath.Join(deploy, "verify.sh"), "--all"); code != 2 {
		t.Errorf("--all: exit code %d: %s", code, said)
	}
}

func TestVerifySkipsWhatASoundInstallationCannotShowYet(t *testing.T) {
	t.Parallel()
	said, code := newAccount(t, "NEW=true").run("bash", filepath.Join(deploy, "verify.sh"))
	for _, line := range []string{
		`SKIPPED schedule fires +it was changed 10 minutes ago`, `SKIPPED secret providers +no gateway needs one`, `SKIPPED settings of gateways +there are none`, `SKIPPED alarms have data +balsong-KafkaDisk1: not yet`,
	} {
		if !regexp.MustCompile(line).MatchString(said) {
			t.Errorf("no line %q in:\n%s", line, said)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

// A disk that has grown is known to the alarm once deploy.sh has told it.
func TestWhatAlarmsTakeFromTheInstallationIsToldByDeploymentAndSeenByVerify(t *testing.T) {
	t.Parallel()
	if said, _ := newAccount(t, "KNOWN=100").run("bash", filepath.Join(deploy, "verify.sh")); !regexp.MustCompile(`FAIL +what alarms know +DatabaseStorage=100 .*wanted DatabaseStorage=200 `).MatchString(said) {
		t.Errorf("verify says:\n%s", said)
	}
	c := newAccount(t)
	for _, arguments := range [][]string{{"alarms", "Mail=oncall@example.com"}, {"services", "SettlementTasks=0"}} {
		if said, code := c.deploys(arguments...); code != 0 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
	told := `"Name=balsong","DatabaseStorage=200","ScheduleState=ENABLED","SettlementTasks=2","NoRunAfter=10800"`
	if asked := c.asked(); !strings.Contains(asked, told+`,"Mail=oncall@example.com"`) || strings.Count(asked, told) != 2 {
		t.Errorf("it asked %s", asked)
	}
	none := newAccount(t, "ILL=true") // has no stack of alarms
	if said, code := none.deploys("services", "ImageTag=1.0.0"); code != 0 {
		t.Errorf("exit code %d: %s", code, said)
	}
	if asked := none.asked(); strings.Contains(asked, `"DatabaseStorage=`) {
		t.Errorf("it asked %s", asked)
	}
	for database, account := range map[string]cloud{"balsong-restored": newAccount(t, "RESTORED=balsong-restored"), "balsong": newAccount(t)} {
		if said, code := account.deploys("alarms"); code != 0 {
			t.Errorf("exit code %d: %s", code, said)
		}
		if asked := account.requests(); !strings.Contains(asked, `"--db-instance-identifier","`+database+`"`) {
			t.Errorf("it asked %s", asked)
		}
	}
}
