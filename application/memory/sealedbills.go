package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// SealedBills is the store as port.SealedBills. Operations: sealedBills.sealed, sealedBills.unreached, sealedBills.refused.
func (s *Store) SealedBills() port.SealedBills { return sealedBills{s} }

type sealedBills struct{ s *Store }

func (b bill) sealed() port.SealedBill {
	return port.SealedBill{Data: slices.Clone(b.data), Destinations: slices.Clone(b.destinations), Statement: slices.Clone(b.statement)}
}

func (p sealedBills) Sealed(ctx context.Context, target key.Target) (port.SealedBill, error) {
	return read(ctx, p.s, "sealedBills.sealed", func() (port.SealedBill, error) {
		b, ok := p.s.bills[target]
		if !ok {
			return port.SealedBill{}, fmt.Errorf("%w: there is no bill %s", port.ErrNotFound, target)
		}
		return b.sealed(), nil
	})
}

func (p sealedBills) Unreached(ctx context.Context, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
	return read(ctx, p.s, "sealedBills.unreached", func() ([]port.UnreachedBill, error) {
		var keys []key.Target
		for k, b := range p.s.bills {
			if k.Month == month && k.CopyNumber() == 0 && k.UserID > after && p.s.isUnreached(b, onTheWay) {
				keys = append(keys, k)
			}
		}
		slices.SortFunc(keys, key.Target.Compare)
		var found []port.UnreachedBill
		for _, k := range keys[:min(limit, len(keys))] {
			b := p.s.bills[k]
			target, err := p.s.restored(b)
			if err != nil {
				return nil, err
			}
			u := port.UnreachedBill{SealedBill: b.sealed(), Customer: b.customer, Target: target, RenderError: b.renderFailure}
			for _, row := range p.s.rowsOf(k) {
				if row.Channel != "" {
					u.Last = row
				}
			}
			found = append(found, u)
		}
		return found, nil
	})
}

// isUnreached reports whether nobody was reached by a bill, as far as is known, and, unless onTheWay, nothing more happens for it by itself.
func (s *Store) isUnreached(b bill, onTheWay bool) bool {
	if b.state.Dispatch == billing.Succeeded {
		_, undelivered := reportedAs(b.state, s.reports[b.state.Key])
		return undelivered
	}
	return onTheWay || port.Ended(b.state)
}

func (p sealedBills) Refused(ctx context.Context, month key.Month, customer string) ([]port.Reject, error) {
	return read(ctx, p.s, "sealedBills.refused", func() ([]port.Reject, error) {
		var found []port.Reject
		for _, r := range p.s.rejects[month] {
			if customer != "" && r.Customer == customer && !r.resolved {
				found = append(found, r.Reject)
			}
		}
		slices.SortFunc(found, func(a, b port.Reject) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
		return found, nil
	})
}
