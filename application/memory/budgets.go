package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Budgets is the store as port.Budgets, by the store's clock. Operations: budgets.reserve, budgets.slow, budgets.all.
func (s *Store) Budgets() port.Budgets { return budgets{s} }

type budgets struct{ s *Store }

// budget is what is kept of a provider.
type budget struct {
	limit    float64
	next     time.Time
	share    float64
	slowedAt time.Time
}

// rate is the present one.
func (b budget) rate(now time.Time) float64 {
	share := b.share
	if !b.slowedAt.IsZero() {
		share += port.BudgetRegained * max(0, now.Sub(b.slowedAt).Seconds())
	}
	return b.limit * min(1, share)
}

// Reserve implements port.Budgets.
func (p budgets) Reserve(ctx context.Context, provider string, limit float64, calls int, after time.Duration) (port.Reservation, error) {
	return read(ctx, p.s, "budgets.reserve", func() (port.Reservation, error) {
		if provider == "" || !(limit > 0) || calls < 1 {
			return port.Reservation{}, fmt.Errorf("%w: %d calls of %q at %v a second", port.ErrInvalid, calls, provider, limit)
		}
		now := p.s.clock.Now()
		b, ok := p.s.budgets[provider]
		if !ok {
			b = budget{next: now, share: 1}
		}
		b.limit = limit
		rate := b.rate(now)
		apart := time.Duration(float64(time.Second) / (rate * port.BudgetUsed(limit)))
		if ahead := now.Add(max(port.BudgetAhead, port.BudgetAheadCalls*apart)); b.next.After(ahead) {
			b.next = ahead
		}
		if earliest := now.Add(max(0, after)); b.next.Before(earliest) {
			b.next = earliest
		}
		first := b.next
		b.next = first.Add(time.Duration(calls) * apart)
		p.s.budgets[provider] = b
		return port.Reservation{First: first, Apart: apart, Calls: calls}, nil
	})
}

// Slow implements port.Budgets.
func (p budgets) Slow(ctx context.Context, provider string) (rate float64, slowed bool, err error) {
	err = p.s.do(ctx, "budgets.slow", func() error {
		now := p.s.clock.Now()
		b, ok := p.s.budgets[provider]
		if !ok || !b.slowedAt.IsZero() && now.Sub(b.slowedAt) <= port.BudgetReaction && !now.Before(b.slowedAt) {
			return nil
		}
		b.share = max(port.BudgetLeast, port.BudgetSlowed*b.rate(now)/b.limit)
		b.slowedAt = now
		p.s.budgets[provider] = b
		rate, slowed = b.limit*b.share, true
		return nil
	})
	return rate, slowed, err
}

// All implements port.Budgets.
func (p budgets) All(ctx context.Context) ([]port.Budget, error) {
	return read(ctx, p.s, "budgets.all", func() ([]port.Budget, error) {
		var all []port.Budget
		for _, provider := range slices.Sorted(maps.Keys(p.s.budgets)) {
			b := p.s.budgets[provider]
			if b.next.Before(p.s.clock.Now().Add(-24 * time.Hour)) {
				continue
			}
			all = append(all, port.Budget{Provider: provider, Limit: b.limit, Rate: b.rate(p.s.clock.Now()), SlowedAt: b.slowedAt.UTC().Truncate(time.Microsecond)})
		}
		return all, nil
	})
}
