package memory

import (
	"context"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

var _ port.Clock = (*Clock)(nil)

// Clock is a clock that stands still until it is told to move.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
	asked  chan struct{} // closed and replaced whenever somebody asks for a timer
}

type timer struct {
	at   time.Time
	fire chan time.Time
}

// NewClock returns a clock that shows an instant.
func NewClock(at time.Time) *Clock { return &Clock{now: at, asked: make(chan struct{})} }

// Now returns the instant that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After returns a channel that delivers once the clock has moved by the duration; at once for none.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	fire := make(chan time.Time, 1)
	if d <= 0 {
		fire <- c.now
		return fire
	}
	c.timers = append(c.timers, timer{at: c.now.Add(d), fire: fire})
	close(c.asked)
	c.asked = make(chan struct{})
	return fire
}

// Advance moves the clock on and fires what has become due.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.now.Add(d))
}

// Set moves the clock to an instant, back too, and fires what has become due.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(at)
}

func (c *Clock) set(at time.Time) {
	c.now = at
	waiting := c.timers[:0]
	for _, t := range c.timers {
		if t.at.After(at) {
			waiting = append(waiting, t)
			continue
		}
		t.fire <- at
	}
	clear(c.timers[len(waiting):])
	c.timers = waiting
}

// AwaitTimers waits until at least n timers of After have not fired, so that a test knows that what it watches has
// gone to wait. Returns the context's error where that does not happen.
func (c *Clock) AwaitTimers(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		enough, asked := len(c.timers) >= n, c.asked
		c.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-asked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
