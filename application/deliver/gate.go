package deliver

import (
	"context"
	"sync"

	"github.com/balsong/balsong/application/port"
)

// gate stands open, or is shut while everything that goes out is halted.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while the gate is open
	shut bool
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

// set shuts or opens the gate and tells whether it moved.
func (g *gate) set(shut bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == shut {
		return false
	}
	g.shut = shut
	if shut {
		g.open = make(chan struct{})
	} else {
		close(g.open)
	}
	return true
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

// watchHalt reads the halt every few seconds. While it cannot be read, what it said last holds.
func (s *Service) watchHalt(ctx context.Context) {
	for {
		halt, err := s.Control.Halted(ctx)
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

func (s *Service) tellHalt(halt port.Halt) {
	if halt.On {
		s.Log.Warn("halted: nothing more goes out until it is lifted",
			port.Field{Key: "actor", Value: halt.Actor}, port.Field{Key: "reason", Value: halt.Reason})
		return
	}
	s.Log.Info("the halt is lifted")
}

// contentRefused counts contents refused in a row; several mean that something is wrong with keys or storage, not
// with one bill: Delivery then halts everything, rather than pausing the month bill by bill.
func (s *Service) contentRefused(ctx context.Context) {
	if int(s.refused.Add(1)) < s.config.ContentLimit {
		return
	}
	halt := port.Halt{On: true, Actor: s.config.Source, Reason: "several contents in a row could not be authenticated", Since: s.Clock.Now()}
	err := s.watch.Retry(ctx, "database", func(ctx context.Context) error { return s.Control.SetHalt(ctx, halt) })
	if err == nil && s.halt.set(true) {
		s.tellHalt(halt)
	}
	s.refused.Store(0)
}
