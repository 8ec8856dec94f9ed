package porttest_test

import (
	"context"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// brokenSealedBills change what they find.
type brokenSealedBills struct {
	port.SealedBills
	sealed    func(b *port.SealedBill)
	refused   func(refused []port.Reject) []port.Reject
	unreached func(ctx context.Context, d port.SealedBills, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error)
}

func (b brokenSealedBills) Sealed(ctx context.Context, target key.Target) (port.SealedBill, error) {
	bill, err := b.SealedBills.Sealed(ctx, target)
	if b.sealed != nil {
		b.sealed(&bill)
	}
	return bill, err
}

func (b brokenSealedBills) Refused(ctx context.Context, month key.Month, customer string) ([]port.Reject, error) {
	refused, err := b.SealedBills.Refused(ctx, month, customer)
	if b.refused != nil {
		refused = b.refused(refused)
	}
	return refused, err
}

func (b brokenSealedBills) Unreached(ctx context.Context, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
	if b.unreached == nil {
		return b.SealedBills.Unreached(ctx, month, after, limit, onTheWay)
	}
	return b.unreached(ctx, b.SealedBills, month, after, limit, onTheWay)
}

func TestTheSealedBillsSuiteRejectsBrokenOnes(t *testing.T) {
	t.Parallel()
	sealedBills := func(b brokenSealedBills) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.SealedBills = s.SealedBills
			s.SealedBills = b
		}
	}
	filtered := func(keep func(u *port.UnreachedBill) bool) brokenSealedBills {
		return brokenSealedBills{unreached: func(ctx context.Context, d port.SealedBills, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
			found, err := d.Unreached(ctx, month, after, limit, onTheWay)
			var kept []port.UnreachedBill
			for _, u := range found {
				if keep(&u) {
					kept = append(kept, u)
				}
			}
			return kept, err
		}}
	}
	rejects(t, "SealedBills", []broken{
		{"which lose a destination", sealedBills(brokenSealedBills{sealed: func(b *port.SealedBill) { b.Destinations = nil }}), []string{"reads what is kept sealed about a bill"}},
		{"which take everybody as on the way", sealedBills(brokenSealedBills{unreached: func(ctx context.Context, d port.SealedBills, month key.Month, after int64, limit int, _ bool) ([]port.UnreachedBill, error) {
			return d.Unreached(ctx, month, after, limit, true)
		}}), []string{"lists exactly those for whom nothing more happens by itself"}},
		{"which forget the UNKNOWN", sealedBills(filtered(func(u *port.UnreachedBill) bool { return u.Target.Status() != billing.Unknown })), []string{
			"lists exactly those for whom nothing more happens by itself",
		}},
		{"which tell of one refused row alone", sealedBills(brokenSealedBills{refused: func(refused []port.Reject) []port.Reject {
			return refused[:min(1, len(refused))]
		}}), []string{"tells which rows of a customer were refused and did not come in since"}},
		{"which repeat the first page", sealedBills(brokenSealedBills{unreached: func(ctx context.Context, d port.SealedBills, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
			return d.Unreached(ctx, month, max(0, after-1), limit, onTheWay)
		}}), []string{"pages through the month, each bill once"}},
		{"which forget the last try", sealedBills(filtered(func(u *port.UnreachedBill) bool {
			u.Last = attempt.Row{}
			return true
		})), []string{"tells the last try that had a channel"}},
	})
}
