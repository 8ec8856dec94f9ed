package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/balsong/balsong/application/port"
)

// Permits is port.Permits without bounds; it counts. Safe for concurrent use.
type Permits struct {
	mu    sync.Mutex
	now   int
	peak  int
	calls map[port.Verdict]int
	none  int
}

var _ port.Permits = (*Permits)(nil)

// NewPermits returns permits without bounds.
func NewPermits() *Permits { return &Permits{calls: map[port.Verdict]int{}} }

// Acquire implements port.Permits.
func (p *Permits) Acquire(ctx context.Context) (func(verdict port.Verdict, made bool), error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("no permit: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now++
	p.peak = max(p.peak, p.now)
	var once sync.Once
	return func(verdict port.Verdict, made bool) {
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.now--
			if made {
				p.calls[verdict]++
			} else {
				p.none++
			}
		})
	}, nil
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
