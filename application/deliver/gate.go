package deliver

import (
	"context"
	"sync"

	"github.com/balsong/balsong/application/port"
)

// gate lets messages pass while it is open. It is shut while everything that goes out is halted, and until the halt has
// been read for the first time. Safe for concurrent use.
type gate struct {
	mu    sync.Mutex
	open  chan struct{} // closed while the gate is open
	shut  bool
	known bool // the halt has been read at least once
}

func newGate() *gate { return &gate{open: make(chan struct{}), shut: true} }

// set shuts or opens the gate. It reports whether that is to be logged: a change, or a halt at the first reading.
func (g *gate) set(shut bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.known
	g.known = true
	if g.shut == shut {
		return first && shut
	}
	g.shut = shut
	if shut {
		g.open = make(chan struct{})
	} else {
		close(g.open)
	}
	return !first
}

// pass waits until the gate is open; its error is the context's.
func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watchHalt reads the halt every Config.HaltPoll until the context ends. Nothing goes out before the first reading;
// while the halt cannot be read again, the last reading holds.
func (s *Service) watchHalt(ctx context.Context) {
	for {
		var halt port.Halt
		err := s.await(ctx, "database", func(ctx context.Context) (err error) {
			halt, err = s.Control.Halted(ctx)
			return err
		})
		if err == nil && s.halt.set(halt.On) {
			s.tellHalt(halt)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.Clock.After(s.config.HaltPoll):
		}
	}
}

// tellHalt logs that a halt was set or lifted.
func (s *Service) tellHalt(halt port.Halt) {
	if halt.On {
		s.Log.Warn("halted: nothing more goes out until it is lifted",
			port.Field{Key: "actor", Value: halt.Actor}, port.Field{Key: "reason", Value: halt.Reason})
		return
	}
	s.Log.Info("the halt is lifted")
}

// contentRefused counts contents refused in a row. Several of them mean that something is wrong with the keys or the
// storage, not with one bill: at Config.ContentLimit, Delivery sets the halt itself rather than pausing the month bill
// by bill.
func (s *Service) contentRefused(ctx context.Context) {
	if int(s.refused.Add(1)) < s.config.ContentLimit {
		return
	}
	by := port.Act{Actor: s.config.Source, Reason: "several contents in a row could not be authenticated", At: s.Clock.Now()}
	err := s.watch.Retry(ctx, "database", func(ctx context.Context) error { return s.Control.SetHalt(ctx, true, by) })
	if err == nil && s.halt.set(true) {
		s.tellHalt(port.Halt{On: true, Actor: by.Actor, Reason: by.Reason, Since: by.At})
	}
	s.refused.Store(0)
}
