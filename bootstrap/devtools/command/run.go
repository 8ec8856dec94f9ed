package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// commandGrace is how long a command may take to end after a signal.
const commandGrace = 30 * time.Second

// runCommand runs a command in a process group of its own, hands signals on to
// it, and leaves nothing of the group running. The error is an ExitError with
// the command's code.
func runCommand(arguments, environment []string, s *scratch, signals <-chan os.Signal) error {
	cmd := exec.Command(arguments[0], arguments[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), environment...), "TMPDIR="+s.path("tmp"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	giveBack := lendTerminal(cmd.SysProcAttr)
	defer giveBack()
	command, err := child.Spawn(cmd, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("run %s: %w", arguments[0], err)
	}
	group := command.PID()
	if err := s.holdGroup(group); err != nil {
		_ = syscall.Kill(-group, syscall.SIGKILL)
		return fmt.Errorf("run %s: %w", arguments[0], err)
	}
	forwardUntilDone(command, signals)
	// What the command left in the background goes too.
	_ = syscall.Kill(-group, syscall.SIGKILL)
	if err := s.holdGroup(0); err != nil {
		return err
	}
	return exitCode(command.Err())
}

func forwardUntilDone(command *child.Command, signals <-chan os.Signal) {
	var deadline <-chan time.Time
	for {
		select {
		case <-command.Done():
			return
		case s := <-signals:
			if number, ok := s.(syscall.Signal); ok {
				_ = syscall.Kill(-command.PID(), number)
			}
			if deadline == nil {
				deadline = time.After(commandGrace)
			}
		case <-deadline:
			_ = syscall.Kill(-command.PID(), syscall.SIGKILL)
		}
	}
}

// exitCode turns what Wait says into an ExitError, as a shell would.
func exitCode(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalled(status.Signal())
	}
	return cli.ExitError{Code: exit.ExitCode()}
}

// lendTerminal makes the command the terminal's foreground job if we are it,
// so that it can read, and gets Ctrl-C itself; the result takes the terminal
// back. Without a terminal it does nothing.
func lendTerminal(attr *syscall.SysProcAttr) (giveBack func()) {
	terminal := int(os.Stdin.Fd())
	foreground, err := unix.IoctlGetInt(terminal, unix.TIOCGPGRP)
	if err != nil || foreground != unix.Getpgrp() {
		return func() {}
	}
	attr.Foreground, attr.Ctty = true, terminal
	return func() {
		// A background job that takes the terminal gets this signal, which stops it.
		signal.Ignore(syscall.SIGTTOU)
		defer signal.Reset(syscall.SIGTTOU)
		_ = unix.IoctlSetPointerInt(terminal, unix.TIOCSPGRP, foreground)
	}
}
