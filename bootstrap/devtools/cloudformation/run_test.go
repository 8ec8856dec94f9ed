package cloudformation_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestATaskIsRunAndItsEndIsToldByItsExitCode(t *testing.T) {
	t.Parallel()
	c := newAccount(t, "EXIT=3", "LONG=1")
	said, code := c.run("bash", filepath.Join(deploy, "run.sh"), "batch", "import", "--month", "2026-11", "--file", "s3://b/a file.csv")
	if code != 3 || strings.Count(said, "what the task said") != 1 || strings.Count(said, "what it said then") != 1 {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	want := `{\"containerOverrides\":[{\"name\":\"batch\",\"command\":[\"import\",\"--month\",\"2026-11\",\"--file\",\"s3://b/a file.csv\"],\"environment\":[{\"name\":\"USER\",\"value\":\"kim\"},{\"name\":\"HOME\",\"value\":\"/\"}]}]}`
	if asked := c.asked(); !strings.Contains(asked, want) {
		t.Errorf("it asked %s, wanted %s", asked, want)
	}
	if said, code := c.run("bash", filepath.Join(deploy, "run.sh"), "batsh"); code != 2 {
		t.Errorf("exit code %d: %s", code, said)
	}
}
