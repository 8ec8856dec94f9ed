package memory

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Backlog is the store as port.Backlog. Operations: backlog.due, backlog.next_due, backlog.in_flight,
// backlog.unrendered.
func (s *Store) Backlog() port.Backlog { return backlog{s} }

type backlog struct{ s *Store }

func (s *Store) committed(k key.Target) (bill, bool) {
	b, ok := s.bills[k]
	return b, ok
}

func (p backlog) Due(ctx context.Context, month key.Month, now time.Time, limit int) (int, error) {
	return read(ctx, p.s, "backlog.due", func() (int, error) {
		due := 0
		for _, k := range p.s.due(month, port.Cursor{}, p.s.committed) {
			if due == limit || p.s.bills[k].state.AvailableAt.After(now) {
				break
			}
			due++
		}
		return due, nil
	})
}

func (p backlog) NextDue(ctx context.Context, month key.Month) (time.Time, error) {
	return read(ctx, p.s, "backlog.next_due", func() (time.Time, error) {
		due := p.s.due(month, port.Cursor{}, p.s.committed)
		if len(due) == 0 {
			return time.Time{}, nil
		}
		return p.s.bills[due[0]].state.AvailableAt, nil
	})
}

func (p backlog) InFlight(ctx context.Context, month key.Month, limit int) (int, error) {
	return read(ctx, p.s, "backlog.in_flight", func() (int, error) {
		n := 0
		for k, b := range p.s.bills {
			if n < limit && k.Month == month && b.state.Dispatch == billing.Requested {
				n++
			}
		}
		return n, nil
	})
}

func (p backlog) Unrendered(ctx context.Context, month key.Month) (int, error) {
	return read(ctx, p.s, "backlog.unrendered", func() (int, error) {
		n := 0
		for k, b := range p.s.bills {
			if k.Month == month && b.state.Batch == billing.Imported {
				n++
			}
		}
		return n, nil
	})
}

// Requests is the store as port.Requests. Operation: requests.unclaimed.
func (s *Store) Requests() port.Requests { return requests{s} }

type requests struct{ s *Store }

func (p requests) Unclaimed(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error) {
	return read(ctx, p.s, "requests.unclaimed", func() ([]key.Target, error) {
		var unclaimed []key.Target
		for k, b := range p.s.bills {
			if k.Month != month || k.UserID <= after {
				continue
			}
			if b.state.Dispatch != billing.Requested || !b.state.RequestedAt.Before(before) {
				continue
			}
			current := key.Delivery{Month: k.Month, UserID: k.UserID, Attempt: b.state.Attempt, Round: b.state.Round}
			if _, ok := p.s.row(current); !ok {
				unclaimed = append(unclaimed, k)
			}
		}
		slices.SortFunc(unclaimed, key.Target.Compare)
		return unclaimed[:min(limit, len(unclaimed))], nil
	})
}
