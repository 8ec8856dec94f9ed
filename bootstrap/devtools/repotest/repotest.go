// Package repotest has what checks of the repository share: copies with a fault, on which a check is tried, and tools.
package repotest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Broken returns a directory that has what is below root under some names. In one file of it a text, which it must have, is
// another; the name below which that file lies is a copy, all else are links.
func Broken(t testing.TB, root, file, old, changed string, names ...string) string {
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
		case err != nil || name == file:
		case strings.HasPrefix(file, name+"/"):
			err = os.CopyFS(to, os.DirFS(from))
		default:
			err = os.Symlink(from, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not contain %q: the test breaks nothing", file, old)
	}
	if err := os.WriteFile(filepath.Join(dir, file), []byte(strings.ReplaceAll(string(text), old, changed)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Tool is the program that a variable names. The test is skipped where it names none: a target of make installs it.
func Tool(t testing.TB, variable, target string) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skipf("SKIPPED: %s names no program (`%s` installs it)", variable, target)
	}
	return program
}
