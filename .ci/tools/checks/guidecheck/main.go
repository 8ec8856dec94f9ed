// Command guidecheck does what a guide says, word for word, on a copy of the repository.
//
// It copies what git knows of, then goes through the guide from top to bottom: a block marked diff is applied with git, a
// block marked sh is run. The first that fails ends the check, with the guide's line. Nothing of the repository changes.
//
//	guidecheck [-root DIR] GUIDE
//
// Exit status: 0 the guide works, 1 it does not, 2 the check itself could not run.
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
	"strings"
	"syscall"
)

func main() {
	root := flag.String("root", ".", "directory of the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, *root, flag.Arg(0), os.Stdout)
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

func run(ctx context.Context, root, guide string, out io.Writer) error {
	text, err := os.ReadFile(filepath.Join(root, guide))
	if err != nil {
		return err
	}
	steps := read(string(text))
	if len(steps) == 0 {
		return fmt.Errorf("%s has no block marked diff or sh", guide)
	}
	folder, err := os.MkdirTemp("", "guidecheck")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := copyKnown(ctx, root, folder); err != nil {
		return fmt.Errorf("copy the repository: %w", err)
	}
	for _, s := range steps {
		fmt.Fprintf(out, "== %s:%d\n", guide, s.line)
		if err := s.do(ctx, folder, out); err != nil {
			return &stepError{guide, s.line, err}
		}
	}
	fmt.Fprintf(out, "guidecheck: %s works, %d steps\n", guide, len(steps))
	return nil
}

// step is a block of the guide; line is that of its first line.
type step struct {
	kind, text string
	line       int
}

// read finds the blocks marked diff and sh.
func read(guide string) (steps []step) {
	var at *step
	for i, line := range strings.Split(guide, "\n") {
		switch {
		case at != nil && line == "```":
			if at.kind == "diff" || at.kind == "sh" {
				steps = append(steps, *at)
			}
			at = nil
		case at != nil:
			at.text += line + "\n"
		case strings.HasPrefix(line, "```"):
			at = &step{kind: strings.TrimPrefix(line, "```"), line: i + 2}
		}
	}
	return steps
}

func (s step) do(ctx context.Context, folder string, out io.Writer) error {
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", s.text)
	if s.kind == "diff" {
		command = exec.CommandContext(ctx, "git", "apply", "--verbose", "-")
		command.Stdin = strings.NewReader(s.text)
	}
	command.Dir, command.Stdout, command.Stderr = folder, out, out
	command.Env = append(os.Environ(), "GOWORK="+filepath.Join(folder, "go.work"), "GIT_CEILING_DIRECTORIES="+filepath.Dir(folder), "MAKEFLAGS=", "MAKEOVERRIDES=")
	return command.Run()
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
