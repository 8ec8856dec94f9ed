package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	if err := run(t.Context(), root, "guide.md", &out); err != nil || !strings.Contains(out.String(), "and a half") {
		t.Fatalf("%v\n%s", err, &out)
	}
	if word, err := os.ReadFile(filepath.Join(root, "word.txt")); err != nil || strings.Contains(string(word), "half") {
		t.Fatalf("the repository itself was changed (%v)", err)
	}
}

func TestAStepThatNoLongerWorksIsNamedByItsLine(t *testing.T) {
	t.Parallel()
	for guide, line := range map[string]int{
		strings.Replace(patch, " two", " zwei", 1):        4,
		patch + "```sh\ntrue\n```\n\n```sh\nfalse\n```\n": 22,
	} {
		err := run(t.Context(), repository(t, guide), "guide.md", &bytes.Buffer{})
		var failed *stepError
		if !errors.As(err, &failed) || failed.line != line {
			t.Errorf("want line %d: %v", line, err)
		}
	}
	if err := run(t.Context(), repository(t, "nothing\n"), "guide.md", &bytes.Buffer{}); err == nil {
		t.Error("a guide without steps passes")
	}
}
