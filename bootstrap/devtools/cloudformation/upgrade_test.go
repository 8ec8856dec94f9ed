package cloudformation_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAnUpgradeMigratesBeforeTheServicesAreReplaced(t *testing.T) {
	t.Parallel()
	upgrade := filepath.Join(deploy, "upgrade.sh")
	c := newAccount(t, "STACK_ROLE=arn:aws:iam::123456789012:role/balsong-services-stack")
	if said, code := c.run("bash", upgrade, "1.2.0"); code != 0 || !strings.Contains(said, "AWS::ECS::TaskDefinition") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order := regexp.MustCompile(`(?s)"BatchImageTag=1.2.0","ScheduleState=DISABLED".*"execute-change-set".*"list-tasks".*"run-task".*\\"migrate\\".*"ImageTag=1.2.0","BatchImageTag=","ScheduleState=ENABLED".*"execute-change-set"`)
	if asked := c.asked(); !order.MatchString(asked) || strings.Count(asked, `"--role-arn","arn:aws:iam::123456789012:role/balsong-services-stack"`) != 2 {
		t.Errorf("it asked %s", asked)
	}
	for name, want := range map[string]struct {
		variable, said, never string
	}{
		"a service would be replaced": {"REPLACED=True", "not executed", "execute-change-set"},
		"it does not migrate":         {"EXIT=6", "SCHEDULE=ENABLED", `"ImageTag=1.2.0"`},
		"nobody knows what runs":      {"LOST=1", "SCHEDULE=ENABLED", `"run-task"`},
		"an image is not there":       {"UNPUSHED=balsong/delivery", "push them first: balsong/delivery:1.2.0\n", `"deploy"`},
		"nobody may see the images":   {"UNPUSHED=LOST", "AccessDeniedException", `"deploy"`},
		"a run lingers":               {"RUNS=dispatcher", "aws ecs stop-task --cluster balsong --task 4711", `"run-task"`},
		"somebody works with balsong": {"RUNS=balsong", "a balsong is under way since 2026-11-30T09:00:00+09:00: arn:", `"run-task"`},
		"a second time":               {"SCHEDULED=DISABLED", "SCHEDULE=ENABLED", `"deploy"`},
		"with images of one's own":    {"OWN=1.0.0-words-1", "1.0.0-words-1", `"deploy"`},
	} {
		c := newAccount(t, want.variable)
		if said, code := c.run("bash", upgrade, "1.2.0"); code == 0 || !strings.Contains(said, want.said) {
			t.Errorf("%s: exit code %d:\n%s", name, code, said)
		}
		if asked := c.asked(); strings.Contains(asked, want.never) {
			t.Errorf("%s: it asked %s", name, asked)
		}
	}
	own := newAccount(t, "OWN=1.0.0-words-1", "SCHEDULED=DISABLED", "SCHEDULE=DISABLED")
	if said, code := own.run("bash", upgrade, "1.2.0", "1.2.0-words-1"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order = regexp.MustCompile(`(?s)"BatchImageTag=1.2.0-words-1","ScheduleState=DISABLED".*"ImageTag=1.2.0","OwnTag=1.2.0-words-1","BatchImageTag=","ScheduleState=DISABLED"`)
	if asked := own.asked(); !order.MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
	for _, arguments := range [][]string{{}, {"1.2.0; true"}, {"1.2.0", "now then"}, {"1.2.0", "1.2.0-words-1", "now"}, {"--back"}, {"--forth"}} {
		if said, code := newAccount(t).run("bash", append([]string{upgrade}, arguments...)...); code != 2 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
}

// What is under way is named once, and waited for.
func TestAnUpgradeWaitsForTheTasksThatTheMigrationMayNotMeet(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "RUNS=dispatcher 3", "PATIENCE=60")
	said, code := c.run("bash", filepath.Join(deploy, "upgrade.sh"), "1.2.0")
	if code != 0 || strings.Count(said, "a dispatcher is under way since 2026-11-30T09:00:00+09:00") != 1 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order := regexp.MustCompile(`(?s)"--family","balsong-dispatcher".*"--family","balsong-batch".*"--family","balsong-balsong".*"run-task"`)
	if asked := c.requests(); !order.MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
}

// The alarms know of the schedule, and belong to the version; a workflow's role may not change them.
func TestAnUpgradeEndsWithTheAlarms(t *testing.T) {
	t.Parallel()
	c := newAccount(t)
	if said, code := c.run("bash", filepath.Join(deploy, "upgrade.sh"), "1.2.0"); code != 0 || !strings.Contains(said, "balsong-alarms in account") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if asked := c.requests(); !regexp.MustCompile(`(?s)"ImageTag=1.2.0".*"balsong-alarms".*"DatabaseStorage=200"`).MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
	workflow := newAccount(t, "STACK_ROLE=arn:aws:iam::123456789012:role/balsong-services-stack")
	if said, code := workflow.run("bash", filepath.Join(deploy, "upgrade.sh"), "1.2.0"); code != 0 || !strings.Contains(said, "deploy/aws/deploy.sh alarms, by somebody who may") || strings.Contains(workflow.requests(), "balsong-alarms") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

// The way back takes no template of this checkout, and leaves batch what the schema needs.
func TestAnUpgradeThatBrokeOffIsTakenBack(t *testing.T) {
	t.Parallel()
	upgrade := filepath.Join(deploy, "upgrade.sh")
	c := newAccount(t, "MADE=balsong-run-20991225T0800", "EXIT=6")
	if said, code := c.run("bash", upgrade, "1.2.0"); code == 0 || !strings.Contains(said, `SCHEDULE=ENABLED ALSO="balsong-run-20991225T0800" `+upgrade+" --back") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	c.environment = append(c.environment, "SCHEDULE=ENABLED", "ALSO=balsong-run-20991225T0800", "AHEAD=1.2.0")
	said, code := c.run("bash", upgrade, "--back")
	if code != 0 || !strings.Contains(said, "batch stays 1.2.0") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if asked := c.asked(); !regexp.MustCompile(`(?s)"get-template".*"Name=balsong","ScheduleState=ENABLED"\].*balsong-run-2099[^\n]*\\"State\\":\\"ENABLED`).MatchString(asked) || strings.Contains(asked, "services.yaml") {
		t.Errorf("it asked %s", asked)
	}
}

// What people scheduled must not start the old dispatcher between the steps either, nor be lost.
func TestAnUpgradeHoldsWhatPeopleScheduled(t *testing.T) {
	t.Parallel()
	upgrade, made := filepath.Join(deploy, "upgrade.sh"), "MADE=balsong-run-20991225T0800 balsong-run-20201225T0800"
	c := newAccount(t, made)
	said, code := c.run("bash", upgrade, "1.2.0")
	if code != 0 || !strings.Contains(said, "balsong-run-20991225T0800, at(2099-12-25T08:00:00) in Asia/Seoul, is disabled until") || !strings.Contains(said, "balsong-run-20201225T0800 is past its time and stays disabled") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	asked := c.asked()
	order := regexp.MustCompile(`(?s)ScheduleState=DISABLED.*"update-schedule".*"DISABLED.*2099.*"list-tasks".*"run-task".*ScheduleState=ENABLED.*"update-schedule"`)
	if states := regexp.MustCompile(`balsong-run-2099.*?\\"State\\":\\"(EN|DIS)ABLED`).FindAllString(asked, -1); !order.MatchString(asked) || len(states) != 2 || strings.Count(asked, `"update-schedule"`) != 3 || strings.Contains(asked, "CreationDate") {
		t.Errorf("%q; it asked %s", states, asked)
	}
	broken := newAccount(t, made, "EXIT=6")
	said, code = broken.run("bash", upgrade, "1.2.0")
	if code == 0 || !strings.Contains(said, `SCHEDULE=ENABLED ALSO="balsong-run-20991225T0800 balsong-run-20201225T0800" `+upgrade) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	broken.environment = append(broken.environment, "EXIT=0", "SCHEDULE=ENABLED", "ALSO=balsong-run-20991225T0800")
	said, code = broken.run("bash", upgrade, "1.2.0")
	if code != 0 || !strings.Contains(said, "balsong-run-20201225T0800 is disabled, and stays so") || !regexp.MustCompile(`(?s).*balsong-run-2099[^\n]*\\"State\\":\\"ENABLED`).MatchString(broken.asked()) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}
