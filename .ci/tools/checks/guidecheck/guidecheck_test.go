package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func repository(t *testing.T, guide string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{"guide.md": guide, "word.txt": "one\ntwo\nthree\n"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "git", "-C", root, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return root
}

const patch = "# Guide\n\n```diff\n--- a/word.txt\n+++ b/word.txt\n@@ -1,3 +1,4 @@\n one\n two\n+and a half\n three\n```\n\n```go\nnot run\n```\n\n"

func TestAGuideIsDoneWordForWordOnACopy(t *testing.T) {
	t.Parallel()
	root := repository(t, patch+"```sh\ngrep half word.txt\n```\n")
	var out bytes.Buffer
	if err := run(t.Context(), root, []string{"guide.md"}, &out); err != nil || !strings.Contains(out.String(), "and a half") {
		t.Fatalf("%v\n%s", err, &out)
	}
	if word, err := os.ReadFile(filepath.Join(root, "word.txt")); err != nil || strings.Contains(string(word), "half") {
		t.Fatalf("the repository itself was changed (%v)", err)
	}
}

func TestAStepThatNoLongerWorksIsNamedByItsLine(t *testing.T) {
	t.Parallel()
	for guide, line := range map[string]int{
		strings.Replace(patch, " two", " zwei", 1):                                    4,
		patch + "```sh\ntrue\n```\n\n```sh\nfalse\n```\n":                             22,
		"```sh\nfalse || echo \"exit code $?\" # 3\n```\n":                            2,
		"```sh\ntrue || echo \"exit code $?\" # 3\n```\n":                             2,
		"```sh\nfalse && true # said\n```\n":                                          2,
		"<!-- run: false -->\n":                                                       1,
		"```sh\nsleep 60 & sleep=$!\n```\n\n```sh\nkill -0 $sleep\nfalse\n```\n":      6,
		"<!-- file: given.txt -->\n```json\n{}\n```\n\n```sh\n! cat given.txt\n```\n": 7,
	} {
		err := run(t.Context(), repository(t, guide), []string{"guide.md"}, &bytes.Buffer{})
		var failed *stepError
		if !errors.As(err, &failed) || failed.line != line {
			t.Errorf("want line %d: %v", line, err)
		}
	}
	if err := run(t.Context(), repository(t, "nothing\n"), []string{"guide.md"}, &bytes.Buffer{}); err == nil {
		t.Error("a guide without steps passes")
	}
}

func TestOneShellDoesTheWholeGuideAndEndsWhatItStarted(t *testing.T) {
	t.Parallel()
	guide := "<!-- file: given.txt -->\n```json\n{\"it's\": \"$HOME\"}\n```\n\n<!-- run: name=value -->\n```sh\nsleep 600 & echo \"sleeps $!\"\n```\n\n" +
		"<!-- not run -->\n```sh\nfalse\n```\n\n```sh\necho \"$name\"\n(exit 3) || echo \"exit code $?\" # 3\ncat given.txt\n```\n"
	var out bytes.Buffer
	if err := run(t.Context(), repository(t, guide), []string{"guide.md"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"value", `{"it's": "$HOME"}`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	_, after, _ := strings.Cut(out.String(), "sleeps ")
	pid, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil || syscall.Kill(pid, 0) == nil {
		t.Errorf("process %d is left (%v)", pid, err)
	}
}

func TestAFailureWithoutItsExitCodeIsRefused(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), repository(t, "```sh\nfalse || echo \"exit code $?\"\n```\n"), []string{"guide.md"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "which exit code") {
		t.Errorf("the error is %v", err)
	}
}
