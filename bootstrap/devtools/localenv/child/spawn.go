package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Command is a started process of any program.
type Command struct {
	process *os.Process
	done    chan struct{}
	err     error
}

// Spawn starts cmd so that the kernel sends it the death signal when this
// process ends (Linux; elsewhere the death signal has no effect).
func Spawn(cmd *exec.Cmd, death syscall.Signal) (*Command, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	setDeathSignal(cmd.SysProcAttr, death)
	c := &Command{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started the process for the
		// end of the parent, so this thread stays until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// PID is the process id.
func (c *Command) PID() int { return c.process.Pid }

// Done is closed when the process has ended and was waited for.
func (c *Command) Done() <-chan struct{} { return c.done }

// Err is what exec.Cmd.Wait returned. Call it after Done.
func (c *Command) Err() error { return c.err }

// Signal sends s; a process that has ended already is no error.
func (c *Command) Signal(s os.Signal) error {
	if err := c.process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Await asks at each interval whether the process serves, until it does. It
// fails when the process ends before that, with an error that is ErrEnded, or
// when ctx ends.
func (c *Command) Await(ctx context.Context, interval time.Duration, serves func() bool) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !serves() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until it answers: %w", ctx.Err())
		case <-c.done:
			return fmt.Errorf("%w: %w", ErrEnded, c.err)
		case <-ticker.C:
		}
	}
	return nil
}

// End sends one signal after the other, each when the process has not ended
// within grace after the one before.
func (c *Command) End(grace time.Duration, signals ...syscall.Signal) error {
	for _, s := range signals {
		if err := c.Signal(s); err != nil {
			return err
		}
		timer := time.NewTimer(grace)
		select {
		case <-c.done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return fmt.Errorf("process %d does not end", c.PID())
}
