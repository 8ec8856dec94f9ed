package permits

import (
	"sync"

	"github.com/balsong/balsong/application/port"
)

// permit is one call's.
type permit struct {
	permits    *Permits
	generation int
	turn       *turn // nil: the provider has no rate
	once       sync.Once
}

// Begin implements port.Permit.
func (g *permit) Begin() bool {
	if !g.valid() {
		return false
	}
	if g.turn != nil {
		g.permits.budget.begin(g.turn)
	}
	return true
}

func (g *permit) valid() bool {
	g.permits.mu.Lock()
	defer g.permits.mu.Unlock()
	return g.generation == g.permits.breaker.opened
}

// Release implements port.Permit.
func (g *permit) Release(reply port.Reply) {
	g.once.Do(func() {
		g.permits.learn(g.generation, reply)
		if g.turn != nil {
			g.permits.budget.begin(g.turn) // nothing, where Begin said so before
			g.permits.budget.learn(reply)
		}
		g.permits.leave()
	})
}

// Cancel implements port.Permit.
func (g *permit) Cancel() {
	g.once.Do(func() {
		g.cancel()
		g.permits.leave()
	})
}

// cancel takes back what the breaker and the budget gave, but not the place in flight.
func (g *permit) cancel() {
	g.permits.cancel(g.generation)
	if g.turn != nil {
		g.permits.budget.cancel(g.turn)
	}
}
