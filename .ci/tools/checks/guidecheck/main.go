// Command guidecheck does what guides say, word for word, on a copy of the repository.
//
// It copies what git knows of, then goes through each guide from top to bottom, in one shell: a block marked diff is applied
// with git, a block marked sh is run. The first command that fails ends the check, with the guide's line. One that must fail
// is written `COMMAND || echo "exit code $?" # 3`, with the code. Nothing of the repository changes, and what a guide starts
// is ended with it. An HTML comment just before a block, which a reader does not see, may say:
//
//	<!-- not run -->          the block is passed over
//	<!-- file: NAME -->       the block, of any kind, is written to that file
//	<!-- run: COMMAND -->     this is run; it stands for something that readers do in their own way
//
// Usage:
//
//	guidecheck [-root DIR] GUIDE…
//
// Exit status: 0 the guides work, 1 one does not, 2 the check itself could not run.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	root := flag.String("root", ".", "directory of the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, *root, flag.Args(), os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "guidecheck:", err)
	if errors.As(err, new(*stepError)) {
		os.Exit(1)
	}
	os.Exit(2)
}

// stepError is a step of the guide that does not work.
type stepError struct {
	guide string
	line  int
	cause error
}

// Error implements error.
func (e *stepError) Error() string { return fmt.Sprintf("%s:%d: %v", e.guide, e.line, e.cause) }

func run(ctx context.Context, root string, guides []string, out io.Writer) error {
	folder, err := os.MkdirTemp("", "guidecheck")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	copied := filepath.Join(folder, "repository")
	if err := copyKnown(ctx, root, copied); err != nil {
		return fmt.Errorf("copy the repository: %w", err)
	}
	for _, guide := range guides {
		if err := follow(ctx, copied, guide, out); err != nil {
			return err
		}
	}
	return nil
}

// follow does what one guide says.
func follow(ctx context.Context, copied, guide string, out io.Writer) error {
	text, err := os.ReadFile(filepath.Join(copied, guide))
	if err != nil {
		return err
	}
	steps := read(string(text))
	if len(steps) == 0 {
		return fmt.Errorf("%s has no block marked diff or sh", guide)
	}
	at := filepath.Join(filepath.Dir(copied), "line") // where the shell writes how far it is
	program, err := script(guide, at, steps)
	if err != nil {
		return err
	}
	if err := shell(ctx, copied, program, out); err != nil {
		reached, _ := os.ReadFile(at)
		line, _ := strconv.Atoi(strings.TrimSpace(string(reached)))
		return &stepError{guide, line, err}
	}
	fmt.Fprintf(out, "guidecheck: %s works, %d steps\n", guide, len(steps))
	return nil
}

// shell runs a program in bash, and ends what it started and left running.
func shell(ctx context.Context, folder, program string, out io.Writer) error {
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", program)
	command.Dir, command.Stdout, command.Stderr = folder, out, out
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); name != "DATABASE_URL" && !strings.HasPrefix(name, "BALSONG_") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, "GOWORK="+filepath.Join(folder, "go.work"), "GIT_CEILING_DIRECTORIES="+filepath.Dir(folder), "MAKEFLAGS=", "MAKEOVERRIDES=")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = 20 * time.Second
	err := command.Run()
	if command.Process != nil {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // what did not end when it was asked to
	}
	return err
}

// copyKnown copies the files that git knows of, or would.
func copyKnown(ctx context.Context, root, to string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("ask git: %w", err)
	}
	for name := range bytes.SplitSeq(bytes.TrimSuffix(names, []byte{0}), []byte{0}) {
		if err := copyFile(filepath.Join(root, string(name)), filepath.Join(to, string(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // a file that was deleted and not committed is passed over
		}
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, content, info.Mode().Perm()))
}
