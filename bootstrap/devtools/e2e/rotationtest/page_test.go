// Package rotationtest does what the page about rotating credentials says, command for command, on real components.
package rotationtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

const page = "../../../../docs/operations/rotation.md"

// TestMain lets the test's program be balsong where it is called by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "balsong" {
		cli.Main(operatorcmd.NewCommand())
	}
	child.Main()
	os.Exit(m.Run())
}

// block is a piece of a section that is to be run.
type block struct{ language, text string }

var fence = regexp.MustCompile("(?s)```(sh|sql)\n(.*?)```")

// sections are the blocks of each section of the page, by its heading.
func sections(t *testing.T) map[string][]block {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]block{}
	for _, section := range strings.Split(string(content), "\n## ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		for _, match := range fence.FindAllStringSubmatch(body, -1) {
			found[heading] = append(found[heading], block{match[1], match[2]})
		}
	}
	return found
}

// shell runs blocks one after the other, in a directory, with an environment that each block may change.
type shell struct {
	*testing.T
	dir         string
	environment []string
	admin       *sqlx.DB
	database    string // its address for the services' first user
}

// run runs a block, and returns its output and whether all of it worked.
func (s *shell) run(b block) (string, bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Minute) // AWS's command line starts slowly on a busy machine
	defer cancel()
	if b.language == "sql" {
		_, err := s.admin.ExecContext(ctx, b.text)
		return errorText(err), err == nil
	}
	state := filepath.Join(s.dir, "state")
	cmd := exec.CommandContext(ctx, "bash", "-eu", "-c", "set -a; [ -f "+state+" ] && . "+state+"\n"+b.text+"\nexport -p > "+state)
	cmd.Dir, cmd.Env = s.dir, s.environment
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// must runs a block that has to work.
func (s *shell) must(b block) {
	s.Helper()
	if out, worked := s.run(b); !worked {
		s.Fatalf("%s\n%s", b.text, out)
	}
}

// refused runs a command that has to be refused, and to say why.
func (s *shell) refused(command, says string) {
	s.Helper()
	if out, worked := s.run(block{"sh", command}); worked || !strings.Contains(out, says) {
		s.Errorf("%s: it worked (%t), and says\n%s", command, worked, out)
	}
}

// write writes a file below the directory.
func (s *shell) write(name, content string) {
	s.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
}
