package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/balsong/balsong/application/port"
)

// Permits is port.Permits without bounds; it counts. Safe for concurrent use.
type Permits struct {
	mu      sync.Mutex
	now     int
	peak    int
	calls   map[port.Verdict]int
	none    int
	revoked int
	held    bool
}

var _ port.Permits = (*Permits)(nil)

// NewPermits returns permits without bounds.
func NewPermits() *Permits { return &Permits{calls: map[port.Verdict]int{}} }

// Acquire implements port.Permits.
func (p *Permits) Acquire(ctx context.Context) (port.Permit, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("no permit: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now++
	p.peak = max(p.peak, p.now)
	return &permit{permits: p, revoked: p.revoked}, nil
}

// HeldBack implements port.Permits.
func (p *Permits) HeldBack() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// SetHeldBack says whether calls are held back. A permit is given all the same.
func (p *Permits) SetHeldBack(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
}

// Revoke makes the permits invalid that are out.
func (p *Permits) Revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked++
}

// permit is one of Permits.
type permit struct {
	permits *Permits
	revoked int // how often Permits had revoked when it was given
	once    sync.Once
}

// Begin implements port.Permit.
func (g *permit) Begin() bool {
	g.permits.mu.Lock()
	defer g.permits.mu.Unlock()
	return g.revoked == g.permits.revoked
}

// Release implements port.Permit.
func (g *permit) Release(reply port.Reply) { g.back(func() { g.permits.calls[reply.Verdict]++ }) }

// Cancel implements port.Permit.
func (g *permit) Cancel() { g.back(func() { g.permits.none++ }) }

func (g *permit) back(count func()) {
	g.once.Do(func() {
		g.permits.mu.Lock()
		defer g.permits.mu.Unlock()
		g.permits.now--
		count()
	})
}

// Held counts the permits that are out, and the most that ever were at the same time.
func (p *Permits) Held() (now, peak int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now, p.peak
}

// Released counts the permits that came back: by verdict, and those that led to no call.
func (p *Permits) Released() (byVerdict map[port.Verdict]int, noCall int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	byVerdict = make(map[port.Verdict]int, len(p.calls))
	for verdict, n := range p.calls {
		byVerdict[verdict] = n
	}
	return byVerdict, p.none
}
