// Package samples reads and writes the small workspaces on which the checks of the code are tried.
package samples

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Files returns the files of an archive by their names.
func Files(t testing.TB, archive string) map[string]string {
	t.Helper()
	parsed, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, file := range parsed.Files {
		out[file.Name] = string(file.Data)
	}
	return out
}

// Write writes a workspace into a directory that the test removes, and returns the directory without symbolic links.
func Write(t testing.TB, workspace map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range workspace {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var wantComment = regexp.MustCompile(`// want (".*")$`)

// Wants collects the texts of the comments `// want "…"` by "file:line".
func Wants(workspace map[string]string) map[string][]string {
	out := map[string][]string{}
	for name, text := range workspace {
		for i, line := range strings.Split(text, "\n") {
			match := wantComment.FindStringSubmatch(line)
			if match == nil {
				continue
			}
			where := fmt.Sprintf("%s:%d", name, i+1)
			for _, quoted := range strings.Split(match[1], `" "`) {
				out[where] = append(out[where], strings.Trim(quoted, `"`))
			}
		}
	}
	return out
}
