package cloudformation_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAHaltTakesTheTasksAwayUntilItIsSet(t *testing.T) {
	t.Parallel()
	halt := filepath.Join(deploy, "halt.sh")
	c := newAccount(t)
	if said, code := c.run("bash", halt, "--reason", "wrong amounts", "--actor", "kim"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	order := regexp.MustCompile(`(?s)"register-scalable-target".*DynamicScalingOutSuspended=true.*"update-service".*"--desired-count","0".*"run-task".*\\"halt\\",\\"--reason\\",\\"wrong amounts\\".*"register-scalable-target".*DynamicScalingOutSuspended=false`)
	if asked := c.asked(); !order.MatchString(asked) {
		t.Errorf("it asked %s", asked)
	}
	failed := newAccount(t, "EXIT=6") // no task may start while nobody knows
	if said, code := failed.run("bash", halt, "--reason", "x"); code != 6 || !strings.Contains(said, "none starts") || strings.Contains(failed.asked(), "Suspended=false") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	stuck := newAccount(t, "STUCK=1") // the session ends before the tasks are given back
	if said, code := stuck.run("bash", halt, "--reason", "x"); code == 0 || !strings.Contains(said, "halt.sh --release") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	for _, arguments := range [][]string{{"--reason", "x"}, {"--release"}} {
		restoring := newAccount(t, "SCALING=SUSPENDED") // by the stack, for a restore
		if said, code := restoring.run("bash", append([]string{halt}, arguments...)...); code != 0 || !strings.Contains(said, "stays suspended") || strings.Contains(restoring.requests(), "Suspended=false") {
			t.Errorf("%q: exit code %d:\n%s", arguments, code, said)
		}
	}
	left := newAccount(t)
	if said, code := left.run("bash", halt, "--release"); code != 0 || !strings.Contains(left.requests(), "DynamicScalingOutSuspended=false") || strings.Contains(left.requests(), "run-task") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	for _, arguments := range [][]string{{}, {"--release", "now"}} {
		if said, code := newAccount(t).run("bash", append([]string{halt}, arguments...)...); code != 2 {
			t.Errorf("%q: exit code %d: %s", arguments, code, said)
		}
	}
}
