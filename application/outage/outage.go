// Package outage waits for a part that is down and goes on by itself when it is back. It tells so once, not a
// thousand times: one line when a part goes, one when it is back, however many callers wait for it.
package outage

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// The pauses between tries.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// Watch knows which parts are down. It is safe for concurrent use.
type Watch struct {
	clock port.Clock
	log   port.Log

	mu   sync.Mutex
	down map[string]time.Time
}

// New returns a watch over parts that are all taken to be up.
func New(clock port.Clock, log port.Log) *Watch {
	return &Watch{clock: clock, log: log, down: map[string]time.Time{}}
}

// Retry calls do until it succeeds, fails for good, or the context ends. What is tried again: ErrUnavailable,
// ErrConflict and ErrCommitUnknown; do must be safe to repeat. part names what is waited for ("database", "packs").
func (w *Watch) Retry(ctx context.Context, part string, do func(ctx context.Context) error) error {
	pause := firstPause
	for {
		err := do(ctx)
		switch {
		case err == nil:
			w.up(part)
			return nil
		case errors.Is(err, port.ErrConflict):
		case errors.Is(err, port.ErrUnavailable), errors.Is(err, port.ErrCommitUnknown):
			if ctx.Err() == nil {
				w.gone(part, err)
			}
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-w.clock.After(pause):
		}
		pause = min(pause*2, maxPause)
	}
}

// Down lists the parts that are down.
func (w *Watch) Down() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	parts := make([]string, 0, len(w.down))
	for part := range w.down {
		parts = append(parts, part)
	}
	return parts
}

func (w *Watch) gone(part string, err error) {
	w.mu.Lock()
	_, known := w.down[part]
	if !known {
		w.down[part] = w.clock.Now()
	}
	w.mu.Unlock()
	if !known {
		w.log.Warn("a part is down; waiting for it, nothing is lost", port.Field{Key: "part", Value: part}, port.Field{Key: "error", Value: err})
	}
}

func (w *Watch) up(part string) {
	w.mu.Lock()
	since, was := w.down[part]
	delete(w.down, part)
	w.mu.Unlock()
	if was {
		w.log.Info("a part is back", port.Field{Key: "part", Value: part}, port.Field{Key: "after", Value: w.clock.Now().Sub(since)})
	}
}
