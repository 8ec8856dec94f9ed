//go:build unix

// Package localrun starts runs of the dispatcher as processes on this machine, in sessions of their own: they outlive the shell and
// the terminal of whoever starts them. What a process writes goes to a file beside its exit code.
package localrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/balsong/balsong/application/port"
)

var _ port.RunStarter = (*Starter)(nil)

// Config says what is started.
type Config struct {
	Program string // name or path
	Dir     string // of outputs and exit codes; made where it is missing
	// Command gives the program's arguments for an order, and what its environment has beside this process's, as in A=1.
	Command func(port.RunOrder) (arguments, environment []string)
}

// Starter implements port.RunStarter. A run is known as long as its files lie there, which is for a day at least. Handles are tokens.
type Starter struct{ config Config }

// New returns a starter; it does no I/O.
func New(config Config) *Starter { return &Starter{config: config} }

// tokens is the form of a token: it names files.
var tokens = regexp.MustCompile(`^[A-Za-z0-9-]{1,36}$`)

// supervise runs a program and writes its exit code to a file. A signal to the whole group reaches the program, and the shell stays
// to see how it ends.
const supervise = `trap : TERM INT HUP QUIT; "$@"; echo $? >"$0.part"; mv "$0.part" "$0"`

// Start implements port.RunStarter.
func (s *Starter) Start(ctx context.Context, token string, order port.RunOrder) (port.StartedRun, error) {
	if err := ctx.Err(); err != nil {
		return port.StartedRun{}, err
	}
	if !tokens.MatchString(token) {
		return port.StartedRun{}, fmt.Errorf("%w: a token of a run is up to 36 letters, digits and hyphens", port.ErrInvalid)
	}
	program, err := exec.LookPath(s.config.Program)
	if err != nil {
		return port.StartedRun{}, fmt.Errorf("%w: the dispatcher's program cannot be run: %w", port.ErrInvalid, err)
	}
	if err := os.MkdirAll(s.config.Dir, 0o700); err != nil {
		return port.StartedRun{}, fmt.Errorf("%w: make the directory of outputs: %w", port.ErrInvalid, err)
	}
	s.removeOld()
	output, err := s.claim(token)
	if errors.Is(err, fs.ErrExist) {
		return s.Look(ctx, token)
	}
	if err != nil {
		return port.StartedRun{}, fmt.Errorf("%w: make the file of outputs: %w", port.ErrInvalid, err)
	}
	defer func() { _ = output.Close() }()
	arguments, environment := s.config.Command(order)
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervise, s.exit(token), program}, arguments...)...) // it outlives the context
	cmd.Env = append(cmd.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return port.StartedRun{}, errors.Join(fmt.Errorf("%w: start the dispatcher: %w", port.ErrInvalid, err), os.Remove(s.output(token)))
	}
	go func() { _ = cmd.Wait() }() // where this process lives longer, nothing is left of the other one
	return port.StartedRun{Handle: token, Status: port.StartRunning, ExitCode: -1, Output: s.output(token)}, nil
}

// claim makes the file of a token's output. fs.ErrExist where the token was used. Whoever has the file open holds its lock: the run
// until it ends, and nobody afterwards. It is locked before it has its name, so that nobody finds a run that seems to have ended.
func (s *Starter) claim(token string) (output *os.File, err error) {
	if output, err = os.CreateTemp(s.config.Dir, ".start-*"); err != nil {
		return nil, err
	}
	err = syscall.Flock(int(output.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Link(output.Name(), s.output(token))
	}
	if err = errors.Join(err, os.Remove(output.Name())); err != nil {
		return nil, errors.Join(err, output.Close())
	}
	return output, nil
}

// What is kept of runs that have ended: the newest ones, and what is so young that its token must not start anything.
const (
	keptRuns = 100
	keptFor  = 24 * time.Hour
)

// removeOld removes the files of older runs. One that cannot be removed is in nobody's way.
func (s *Starter) removeOld() {
	outputs, _ := filepath.Glob(filepath.Join(s.config.Dir, "*.log")) // a bad pattern is the only error
	written := func(output string) time.Time {
		info, err := os.Stat(output)
		if err != nil {
			return time.Now() // another process has removed it
		}
		return info.ModTime() // it was written to last
	}
	slices.SortFunc(outputs, func(a, b string) int { return written(b).Compare(written(a)) })
	for _, output := range outputs[min(keptRuns, len(outputs)):] {
		token := strings.TrimSuffix(filepath.Base(output), ".log")
		if run, err := s.Look(context.Background(), token); err != nil || run.Status != port.StartEnded || time.Since(written(output)) < keptFor {
			continue
		}
		_ = errors.Join(os.Remove(output), os.Remove(s.exit(token)))
	}
}

func (s *Starter) output(token string) string { return filepath.Join(s.config.Dir, token+".log") }
func (s *Starter) exit(token string) string   { return filepath.Join(s.config.Dir, token+".exit") }

// Look implements port.RunStarter.
func (s *Starter) Look(ctx context.Context, handle string) (port.StartedRun, error) {
	if err := ctx.Err(); err != nil {
		return port.StartedRun{}, err
	}
	run := port.StartedRun{Handle: handle, Status: port.StartEnded, ExitCode: -1}
	if !tokens.MatchString(handle) {
		return port.StartedRun{}, unknown(handle)
	}
	run.Output = s.output(handle)
	output, err := os.Open(run.Output)
	if errors.Is(err, fs.ErrNotExist) {
		return port.StartedRun{}, unknown(handle)
	}
	if err != nil {
		return port.StartedRun{}, fmt.Errorf("%w: %w", port.ErrUnavailable, err)
	}
	defer func() { _ = output.Close() }()
	// Whether it still runs is looked at before the exit code: in between it may only end.
	running := errors.Is(syscall.Flock(int(output.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
	code, err := os.ReadFile(s.exit(handle))
	switch {
	case err == nil:
		if n, err := strconv.Atoi(strings.TrimSpace(string(code))); err == nil {
			run.ExitCode = n
		}
	case running:
		run.Status = port.StartRunning
	default:
		run.Ended = "its supervising shell was ended, or the machine"
	}
	return run, nil
}

func unknown(handle string) error {
	return fmt.Errorf("the started run %q: %w (it was started on another machine, or its output was removed)", handle, port.ErrNotFound)
}
