package cloudformation_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// newAccount is an account whose answers are written down, in testdata/aws.
func newAccount(t *testing.T, environment ...string) cloud {
	t.Helper()
	dir := t.TempDir()
	answers, err := filepath.Abs("testdata/aws")
	if err == nil {
		err = os.Symlink(answers, filepath.Join(dir, "aws"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return cloud{t, append(append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "STATE="+dir, "AWS_REGION="+region, "PATIENCE=1", "PAUSE=0.1"), environment...)}
}

// requests are those that the account saw, one a line.
func (c cloud) requests() string {
	c.Helper()
	for _, entry := range c.environment {
		if dir, is := strings.CutPrefix(entry, "STATE="); is {
			said, err := os.ReadFile(filepath.Join(dir, "asked"))
			if err != nil {
				c.Fatal(err)
			}
			return string(said)
		}
	}
	return ""
}

// asked are the requests that the account saw. AWS's own command line must know each.
func (c cloud) asked() string {
	c.Helper()
	said := c.requests()
	if refused := refusedByAWS(c.T, said); refused != "" {
		c.Error(refused)
	}
	return said
}

// refusedByAWS is what AWS's own command line says about requests that it would not send.
func refusedByAWS(t *testing.T, requests string, how ...string) string {
	t.Helper()
	program, err := filepath.Abs("testdata/check_requests.py")
	if err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(tool(t, "BALSONG_TEST_AWS")), "python3"), append([]string{program}, how...)...)
	check.Dir = t.TempDir()
	requests = strings.ReplaceAll(requests, "file:///dev/stdin", "file://stdin")
	check.Stdin = strings.NewReader(requests)
	for _, file := range regexp.MustCompile(`file://([a-z./-]+)`).FindAllStringSubmatch(requests, -1) {
		path := filepath.Join(check.Dir, file[1])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("content"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	check.Env = append(os.Environ(), "AWS_DEFAULT_REGION="+region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	var refused strings.Builder
	check.Stderr = &refused
	if err := check.Run(); err != nil {
		t.Fatalf("%v: %s", err, refused.String())
	}
	return refused.String()
}
