package killtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/failpoint"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// slot is a place for one process, which is started again whenever it has ended.
type slot struct {
	name   string
	role   child.Role
	points []failpoint.Point
	pause  time.Duration // before the next start
	pace   time.Duration // between two kills, so that they are spread over the run
	orders orders
	ends   bool // the process may end by itself
}

// fleet runs the slots and knows how their processes ended.
type fleet struct {
	campaign *campaign
	logs     string

	mu       sync.Mutex
	struck   map[string]bool // processes that ended by SIGKILL
	finished int             // that ended by themselves, in order
	failed   []string        // that ended otherwise
	started  int
}

// run keeps the slot filled until ctx ends, and stops its process then.
func (c *fleet) run(ctx context.Context, s slot) error {
	log, err := os.OpenFile(filepath.Join(c.logs, s.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	var last time.Time // a kill
	for n := 1; ctx.Err() == nil; n++ {
		o := s.orders
		o.Name = fmt.Sprintf("%s#%d", s.name, n)
		o.Arm = c.campaign.next(s.points)
		if !last.IsZero() {
			o.Arm.Quiet = max(0, s.pace-time.Since(last))
		}
		struck, err := c.once(ctx, s, o, log)
		if err != nil {
			return err
		}
		if struck {
			last = time.Now()
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.pause):
		}
	}
	return nil
}

// once runs one process to its end, and tells whether that was a kill.
func (c *fleet) once(ctx context.Context, s slot, o orders, log *os.File) (struck bool, err error) {
	process, err := child.Start(ctx, child.Options{Role: s.role, Spec: o, Log: log})
	if err != nil {
		c.campaign.back(o.Arm, false)
		return false, unlessEnded(ctx, fmt.Errorf("start %s: %w", o.Name, err))
	}
	stopped := false
	select {
	case <-process.Done():
	case <-ctx.Done():
		stopped = true
		err = process.Stop()
	}
	return c.note(s, o, process.Err(), stopped), err
}

// unlessEnded leaves out an error that only the end of ctx has caused.
func unlessEnded(ctx context.Context, err error) error {
	if over(ctx) {
		return nil
	}
	return err
}

// over tells whether the process was asked to end.
func over(ctx context.Context) bool { return ctx.Err() != nil }

// note tells kills from other ends.
func (c *fleet) note(s slot, o orders, end error, stopped bool) bool {
	struck := killed(end)
	c.campaign.back(o.Arm, struck)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started++
	switch {
	case struck:
		c.struck[o.Name] = true
	case end == nil && (s.ends || stopped):
		c.finished++
	default:
		c.failed = append(c.failed, fmt.Sprintf("%s: %v", o.Name, end))
	}
	return struck
}

// killed tells whether a process ended by SIGKILL.
func killed(end error) bool {
	var exit *exec.ExitError
	if !errors.As(end, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func (c *fleet) endedByKill() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := make(map[string]bool, len(c.struck))
	for name := range c.struck {
		ended[name] = true
	}
	return ended
}
