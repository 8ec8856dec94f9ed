package command_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/command"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child/childtest"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// This test binary behaves as a command where it is called by its name: see program.
func TestMain(m *testing.M) {
	child.Main()
	roots := map[string]func() *cobra.Command{"balsong": operatorcmd.NewCommand, "balsong-dev": command.New}
	if root, is := roots[filepath.Base(os.Args[0])]; is {
		os.Exit(cli.Run(context.Background(), root(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// program makes both commands in a directory and returns the path of one: links to this test binary.
func program(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, command := range []string{"balsong", "balsong-dev"} {
		if err := os.Symlink(os.Args[0], filepath.Join(dir, command)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, name)
}

// balsong is the command with a temporary directory of its own, which must be
// empty afterwards.
func balsong(t *testing.T, arguments ...string) (cmd *exec.Cmd, temporary string) {
	t.Helper()
	temporary, err := os.MkdirTemp(child.TempDir(), "command-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temporary) })
	if err := os.Chmod(temporary, 0o711); err != nil {
		t.Fatal(err)
	}
	cache, err := cachedir.Default()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(program(t, "balsong-dev"), arguments...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary, "DATABASE_URL=", cachedir.Variable+"="+cache)
	cmd.Stderr = t.Output()
	return cmd, temporary
}

func isEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

func TestCommandRunsWithThePartsAndItsCodeComesBack(t *testing.T) {
	t.Parallel()
	cmd, temporary := balsong(t, "localenv", "--", "sh", "-c", `env | grep ^BALSONG_; touch "$TMPDIR/left"; sleep 600 & exit 7`)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("err = %v, want exit status 7", err)
	}
	for _, name := range []string{"DATABASE_URL", "KAFKA_BROKERS", "KAFKA", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_REGION"} {
		if !bytes.Contains(out, []byte("BALSONG_TEST_"+name+"=")) {
			t.Errorf("the command got no BALSONG_TEST_%s", name)
		}
	}
	if bytes.Contains(out, []byte("BALSONG_CHILD")) {
		t.Error("the command was told that it is a child")
	}
	if !isEmpty(temporary) {
		t.Error("temporary files are left")
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	t.Parallel()
	cmd, temporary := balsong(t, "localenv", "--", "sh", "-c", `trap 'echo caught; exit 5' TERM; echo $$; while :; do sleep 600 & wait; done`)
	out, pid := startAndReadPID(t, cmd)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil || string(rest) != "caught\n" {
		t.Errorf("the command wrote %q, %v", rest, err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("err = %v, want exit status 5", err)
	}
	childtest.WaitGone(t, pid)
	if !isEmpty(temporary) {
		t.Error("temporary files are left")
	}
}

// startAndReadPID starts cmd and reads the process id that it writes first.
func startAndReadPID(t *testing.T, cmd *exec.Cmd) (rest io.Reader, pid int) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buffered := bufio.NewReader(stdout)
	line, err := buffered.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return buffered, pid
}

// Nothing of a killed run is left: not the command, not what it started, not
// the components, not the files.
func TestNothingIsLeftWhenPartsIsKilled(t *testing.T) {
	t.Parallel()
	cmd, temporary := balsong(t, "localenv", "--", "sh", "-c", `sleep 600 & echo $!; wait`)
	_, grandchild := startAndReadPID(t, cmd)
	started := descendants(t, cmd.Process.Pid)
	if len(started) < 5 {
		t.Fatalf("descendants %v, want the command, its child, the caretaker, PostgreSQL and S3", started)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pid := range append(started, grandchild) {
		childtest.WaitGone(t, pid)
	}
	waittest.Until(t, "the removal of the temporary files", func() bool { return isEmpty(temporary) })
}

func TestPartsStayUntilASignal(t *testing.T) {
	t.Parallel()
	cmd, temporary := balsong(t, "localenv")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buffered := bufio.NewReader(stdout)
	for range 7 {
		line, err := buffered.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "BALSONG_TEST_") {
			t.Fatalf("line %q, %v", line, err)
		}
	}
	started := descendants(t, cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGINT: %v", err)
	}
	for _, pid := range started {
		childtest.WaitGone(t, pid)
	}
	if !isEmpty(temporary) {
		t.Error("temporary files are left")
	}
}

func TestPartsSayWhatCannotStart(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"/nowhere/bin":  {"localenv", "--postgres=/nowhere/bin", "--", "true"},
		"rabbit":        {"localenv", "--kafka=rabbit", "--", "true"},
		"no-such-thing": {"localenv", "--", "no-such-thing"},
		"put -- before": {"localenv", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, temporary := balsong(t, arguments...)
			var out bytes.Buffer
			cmd.Stderr = &out
			if err := cmd.Run(); err == nil {
				t.Error("it started")
			}
			if !strings.Contains(out.String(), name) {
				t.Errorf("the message does not name %q: %s", name, out.String())
			}
			if !isEmpty(temporary) {
				t.Error("temporary files are left")
			}
		})
	}
}

// descendants are the process ids of all that a process has started, as /proc
// tells.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(tasks) == 0 {
		t.Skipf("this system does not list child processes: %v", err)
	}
	var found []int
	for _, task := range tasks {
		content, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for word := range strings.FieldsSeq(string(content)) {
			next, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			found = append(append(found, next), descendantsOf(t, next)...)
		}
	}
	return found
}

func descendantsOf(t *testing.T, pid int) []int {
	t.Helper()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/task", pid)); err != nil {
		return nil
	}
	return descendants(t, pid)
}
