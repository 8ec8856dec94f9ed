// Package samples reads and writes the small workspaces on which the checks of the code are tried, and copies of the repository with a fault.
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

// Change is a change of a file, by its name below the root.
type Change struct{ File, Old, New string }

// Broken returns a directory that has what is below root under some names, with a change in one file. It has links to
// everything but the name below which the file lies, which is a copy.
func Broken(t testing.TB, root string, change Change, names ...string) string {
	t.Helper()
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		from, to := filepath.Join(root, name), filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(to), 0o750)
		switch {
		case err != nil:
		case name == change.File:
			err = os.WriteFile(to, nil, 0o600) // written below
		case strings.HasPrefix(change.File, name+"/"):
			err = os.CopyFS(to, os.DirFS(from))
		default:
			err = os.Symlink(from, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, change.File))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), change.Old) {
		t.Fatalf("%s does not contain %q: the test breaks nothing", change.File, change.Old)
	}
	if err := os.WriteFile(filepath.Join(dir, change.File), []byte(strings.ReplaceAll(string(text), change.Old, change.New)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
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
