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

// brokenDossiers change what they find.
type brokenDossiers struct {
	port.Dossiers
	sealed    func(b *port.SealedBill)
	refused   func(refused []port.Reject) []port.Reject
	unreached func(ctx context.Context, d port.Dossiers, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error)
}

func (b brokenDossiers) Sealed(ctx context.Context, target key.Target) (port.SealedBill, error) {
	bill, err := b.Dossiers.Sealed(ctx, target)
	if b.sealed != nil {
		b.sealed(&bill)
	}
	return bill, err
}

func (b brokenDossiers) Refused(ctx context.Context, month key.Month, customer string) ([]port.Reject, error) {
	refused, err := b.Dossiers.Refused(ctx, month, customer)
	if b.refused != nil {
		refused = b.refused(refused)
	}
	return refused, err
}

func (b brokenDossiers) Unreached(ctx context.Context, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
	if b.unreached == nil {
		return b.Dossiers.Unreached(ctx, month, after, limit, onTheWay)
	}
	return b.unreached(ctx, b.Dossiers, month, after, limit, onTheWay)
}

func TestTheDossiersSuiteRejectsBrokenDossiers(t *testing.T) {
	t.Parallel()
	dossiers := func(b brokenDossiers) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Dossiers = s.Dossiers
			s.Dossiers = b
		}
	}
	filtered := func(keep func(u *port.UnreachedBill) bool) brokenDossiers {
		return brokenDossiers{unreached: func(ctx context.Context, d port.Dossiers, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
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
	rejects(t, "Dossiers", []broken{
		{"which lose a destination", dossiers(brokenDossiers{sealed: func(b *port.SealedBill) { b.Destinations = nil }}), []string{"reads what is kept sealed about a bill"}},
		{"which take everybody as on the way", dossiers(brokenDossiers{unreached: func(ctx context.Context, d port.Dossiers, month key.Month, after int64, limit int, _ bool) ([]port.UnreachedBill, error) {
			return d.Unreached(ctx, month, after, limit, true)
		}}), []string{"lists exactly those for whom nothing more happens by itself"}},
		{"which forget the UNKNOWN", dossiers(filtered(func(u *port.UnreachedBill) bool { return u.Target.Status() != billing.Unknown })), []string{
			"lists exactly those for whom nothing more happens by itself",
		}},
		{"which tell of one refused row alone", dossiers(brokenDossiers{refused: func(refused []port.Reject) []port.Reject {
			return refused[:min(1, len(refused))]
		}}), []string{"tells which rows of a customer were refused and did not come in since"}},
		{"which repeat the first page", dossiers(brokenDossiers{unreached: func(ctx context.Context, d port.Dossiers, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
			return d.Unreached(ctx, month, max(0, after-1), limit, onTheWay)
		}}), []string{"pages through the month, each bill once"}},
		{"which forget the last try", dossiers(filtered(func(u *port.UnreachedBill) bool {
			u.Last = attempt.Row{}
			return true
		})), []string{"tells the last try that had a channel"}},
	})
}
