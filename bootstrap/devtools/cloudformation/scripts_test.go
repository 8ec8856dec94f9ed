package cloudformation_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Nothing that a script says of the installation may come from an answer that AWS did not give.
func TestAScriptWithoutASessionSaysWhatIsSo(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]struct {
		arguments   []string
		code        int
		said, never string
	}{
		"halt.sh":   {[]string{"--reason", "wrong amounts"}, 1, "DELIVERY GOES ON SENDING", "none starts"},
		"run.sh":    {[]string{"batch", "migrate"}, 1, "there is no network of balsong: are AWS_REGION and BALSONG_NAME right", "was not started"},
		"verify.sh": {nil, 2, "nothing was checked", "FAIL|SKIPPED|PASS"},
		"deploy.sh": {[]string{"network"}, 254, "ExpiredToken", "nothing to change"},
	} {
		c := newAccount(t, "SIGNED_OUT=1")
		said, code := c.run("bash", append([]string{filepath.Join(deploy, script)}, want.arguments...)...)
		if code != want.code || !strings.Contains(said, want.said) || regexp.MustCompile(want.never).MatchString(said) {
			t.Errorf("%s: exit code %d:\n%s", script, code, said)
		}
		if asked := c.requests(); strings.Contains(asked, "run-task") {
			t.Errorf("%s asked %s", script, asked)
		}
	}
}

func TestTheScriptsAreClean(t *testing.T) {
	t.Parallel()
	shellcheck := tool(t, "BALSONG_TEST_SHELLCHECK")
	scripts, err := filepath.Glob(filepath.Join(deploy, "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(err)
	}
	// Debian's version calls functions unreachable that are passed by name (SC2317).
	if said, err := exec.CommandContext(t.Context(), shellcheck, append(scripts, "--exclude=SC2015,SC2317")...).CombinedOutput(); err != nil {
		t.Errorf("%s", said)
	}
	broken := filepath.Join(t.TempDir(), "broken.sh")
	if err := os.WriteFile(broken, []byte("#!/bin/bash\nrm -rf $1/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), shellcheck, broken).CombinedOutput(); err == nil || !strings.Contains(string(said), "SC2086") {
		t.Errorf("a broken script passed: %s", said)
	}
}
