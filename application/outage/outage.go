// Package outage repeats what fails because a component, such as the database, is down, until it works again. An outage is
// logged at its beginning, once a minute while it lasts, and at its end, however many callers wait.
package outage

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// The pauses between tries. A caller's bound doubles with each try, and the pause is between half of the bound and the
// whole of it, at random: thousands of callers that failed in the same moment must not come back in the same moment.
const (
	shortestPause = 100 * time.Millisecond
	firstBound    = 2 * shortestPause
	lastBound     = 5 * time.Second
)

// Watch knows which components are down. Safe for concurrent use.
type Watch struct {
	clock port.Clock
	log   port.Log

	failures Failures

	mu     sync.Mutex
	random *rand.Rand           // of the pauses; nil before the first one
	down   map[string]time.Time // component → since when it is down

	// A try that began before a component last went down or came back says nothing new: it may fail after the return, or
	// succeed after the outage has begun. A component does not go in one moment either, connection after connection: a try
	// that began less than shortestPause after the first one failed may still succeed, and means no return.
	tries   int            // numbers the tries
	changed map[string]int // the number of tries begun when a component last went or came back
}

// New returns a watch that takes every component to be up. The time of its first pause is the seed of all of them.
func New(clock port.Clock, log port.Log) *Watch {
	return &Watch{clock: clock, log: log, down: map[string]time.Time{}, changed: map[string]int{}}
}

// Retry calls do until it succeeds, fails for good, or the context ends; then it returns do's last error. It repeats do
// after ErrUnavailable, ErrConflict and ErrCommitUnknown, so do must be safe to repeat. component names what is waited for,
// such as "database".
func (w *Watch) Retry(ctx context.Context, component string, do func(ctx context.Context) error) error {
	bound := firstBound
	for {
		began := w.begin()
		at := w.clock.Now()
		err := do(ctx)
		switch {
		case err == nil:
			w.up(component, began, at)
			return nil
		case errors.Is(err, port.ErrConflict):
		case errors.Is(err, port.ErrUnavailable), errors.Is(err, port.ErrCommitUnknown):
			if ctx.Err() == nil {
				w.gone(component, began, err)
			}
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-w.clock.After(w.pause(bound)):
		}
		bound = min(bound*2, lastBound)
	}
}

// Await calls do until it succeeds, refuses the data itself (port.ErrInvalid, port.ErrContent) or the context ends.
// Everything else (a missing right, a missing table) is waited for and logged as an outage of the component: for work that
// must not be dropped because somebody has to repair something.
func (w *Watch) Await(ctx context.Context, component string, do func(ctx context.Context) error) error {
	return w.Retry(ctx, component, func(ctx context.Context) error {
		err := do(ctx)
		switch {
		case err == nil, errors.Is(err, port.ErrInvalid), errors.Is(err, port.ErrContent), errors.Is(err, port.ErrConflict), ctx.Err() != nil:
			return err
		default:
			return errors.Join(port.ErrUnavailable, err)
		}
	})
}

// Down lists the components that are down, in no particular order.
func (w *Watch) Down() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	components := make([]string, 0, len(w.down))
	for component := range w.down {
		components = append(components, component)
	}
	return components
}

// begin returns the number of a try that begins.
func (w *Watch) begin() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	return w.tries
}

// pause draws a pause from half of a bound to the whole of it.
func (w *Watch) pause(bound time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.random == nil {
		w.random = rand.New(rand.NewPCG(uint64(w.clock.Now().UnixNano()), 0)) //nolint:gosec // nothing is kept secret by it
	}
	return bound/2 + time.Duration(w.random.Int64N(int64(bound/2)+1))
}

// gone notes that a try failed because the component is down.
func (w *Watch) gone(component string, began int, err error) {
	w.mu.Lock()
	_, known := w.down[component]
	news := !known && began > w.changed[component]
	if news {
		w.down[component], w.changed[component] = w.clock.Now(), w.tries
	}
	since := w.down[component]
	w.mu.Unlock()
	if !news && !known {
		return // it came back after this try began
	}
	switch count, due := w.failures.Due(component, err.Error(), w.clock.Now()); {
	case news:
		w.log.Warn("a component is down; waiting for it, nothing is lost", port.Field{Key: "component", Value: component}, port.Field{Key: "error", Value: err})
	case due:
		w.log.Warn("a component is still down", port.Field{Key: "component", Value: component}, port.Field{Key: "error", Value: err},
			port.Field{Key: "failures", Value: count}, port.Field{Key: "for", Value: w.clock.Now().Sub(since)})
	}
}

// up notes that a try succeeded that began at a time.
func (w *Watch) up(component string, began int, at time.Time) {
	w.mu.Lock()
	since, was := w.down[component]
	news := was && began > w.changed[component] && at.Sub(since) >= shortestPause
	if news {
		delete(w.down, component)
		w.changed[component] = w.tries
	}
	w.mu.Unlock()
	if news {
		w.failures.Forget(component)
		w.log.Info("a component is back", port.Field{Key: "component", Value: component}, port.Field{Key: "after", Value: w.clock.Now().Sub(since)})
	}
}
