package memory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
)

func fired(c <-chan time.Time) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestTheClockFiresWhatHasBecomeDue(t *testing.T) {
	t.Parallel()
	c := memory.NewClock(start)
	soon, later, now := c.After(time.Second), c.After(time.Minute), c.After(0)
	if !fired(now) || fired(soon) {
		t.Error("before it moved: the timer without a pause has not fired, or another one has")
	}
	c.Advance(time.Second)
	if !c.Now().Equal(start.Add(time.Second)) || !fired(soon) || fired(later) {
		t.Errorf("after a second it shows %s", c.Now())
	}
	c.Set(start.Add(time.Hour))
	if !fired(later) || fired(soon) {
		t.Error("after an hour: a timer has not fired, or twice")
	}
}

func TestAwaitTimersWaitsForWhoeverGoesToWait(t *testing.T) {
	t.Parallel()
	c := memory.NewClock(start)
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-c.After(time.Second)
		<-c.After(time.Second)
	}()
	for range 2 {
		if err := c.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Second)
	}
	<-done
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.AwaitTimers(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}
