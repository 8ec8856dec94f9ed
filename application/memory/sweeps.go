package memory

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Sweeps is the store as port.Sweeps. Operations: sweeps.expire_leases, sweeps.unknown, sweeps.changed, sweeps.now,
// sweeps.in_doubt.
func (s *Store) Sweeps() port.Sweeps { return sweeps{s} }

type sweeps struct{ s *Store }

// claimedRows calls fn for each CLAIMED row of a month.
func (s *Store) claimedRows(month key.Month, fn func(row attempt.Row)) {
	for target, rows := range s.ledger {
		for _, row := range rows {
			if target.Month == month && row.State == attempt.Claimed {
				fn(row)
			}
		}
	}
}

func (p sweeps) ExpireLeases(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
	return read(ctx, p.s, "sweeps.expire_leases", func() ([]key.Delivery, error) {
		now := p.s.now()
		var over []attempt.Row
		p.s.claimedRows(month, func(row attempt.Row) {
			if !now.Before(row.LeaseUntil) {
				over = append(over, row)
			}
		})
		slices.SortFunc(over, byKey)
		var expired []key.Delivery
		for _, row := range over[:min(limit, len(over))] {
			row.State, row.Reason = attempt.Unknown, attempt.ReasonLease
			row.FinishedAt, row.ChangedAt = now, now
			p.s.put(row)
			expired = append(expired, row.Key)
		}
		return expired, nil
	})
}

func (p sweeps) Unknown(ctx context.Context, month key.Month, limit int) (int, error) {
	return read(ctx, p.s, "sweeps.unknown", func() (n int, err error) {
		for target, b := range p.s.bills {
			if target.Month == month && b.state.Dispatch == billing.Unknown {
				n++
			}
		}
		return min(n, limit), nil
	})
}

func (p sweeps) Changed(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, int64, error) {
	since, until := instant(when.Since), instant(when.Until)
	changed, err := read(ctx, p.s, "sweeps.changed", func() ([]key.Target, error) {
		var changed []key.Target
		for target, rows := range p.s.ledger {
			b, ok := p.s.bills[target]
			if !ok || target.Month != month || target.UserID <= after || agrees(b.state, rows) {
				continue
			}
			for _, row := range rows {
				if row.State != attempt.Claimed && !row.ChangedAt.Before(since) && (when.Until.IsZero() || row.ChangedAt.Before(until)) {
					changed = append(changed, target)
					break
				}
			}
		}
		slices.SortFunc(changed, key.Target.Compare)
		return changed[:min(limit, len(changed))], nil
	})
	return changed, behind(changed, limit), err
}

// behind is the user id behind which a page continues: 0 if it is the last one.
func behind(page []key.Target, limit int) int64 {
	if len(page) == 0 || len(page) < limit {
		return 0
	}
	return page[len(page)-1].UserID
}

// agrees reports whether a target surely needs no settling; where it is in doubt settling looks.
func agrees(state billing.State, rows map[key.Delivery]attempt.Row) bool {
	for _, row := range rows {
		if row.State == attempt.Succeeded {
			return state.Dispatch == billing.Succeeded
		}
	}
	if state.Dispatch.Final() {
		return true
	}
	current := rows[key.Delivery{Month: state.Key.Month, UserID: state.Key.UserID, Attempt: state.Attempt, Round: state.Round}]
	switch current.State {
	case attempt.Failed, attempt.NotSent:
		return false
	case attempt.Unknown:
		return state.Dispatch == billing.Unknown
	default:
		return true
	}
}

func (p sweeps) Horizon(ctx context.Context) (time.Time, error) {
	return read(ctx, p.s, "sweeps.horizon", func() (time.Time, error) {
		horizon := p.s.now()
		for _, open := range p.s.pending {
			for _, row := range open.written {
				if row.ChangedAt.Before(horizon) {
					horizon = row.ChangedAt
				}
			}
		}
		return horizon, nil
	})
}

func (p sweeps) Now(ctx context.Context) (time.Time, error) {
	return read(ctx, p.s, "sweeps.now", func() (time.Time, error) { return p.s.now(), nil })
}

func (p sweeps) InDoubt(ctx context.Context, month key.Month) (claimed int, until time.Time, err error) {
	err = p.s.do(ctx, "sweeps.in_doubt", func() error {
		p.s.claimedRows(month, func(row attempt.Row) {
			claimed++
			if row.LeaseUntil.After(until) {
				until = row.LeaseUntil
			}
		})
		return nil
	})
	return claimed, until, err
}
