package porttest_test

import (
	"context"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/key"
)

// brokenRetention removes another month too, a month that is open, or audit data that is too young.
type brokenRetention struct {
	port.Retention
	months port.Months
	next   bool
	open   bool
	young  bool
	blind  bool
}

func (b brokenRetention) Size(ctx context.Context, month key.Month) (port.MonthSize, error) {
	if b.blind {
		return port.MonthSize{}, ctx.Err()
	}
	return b.Retention.Size(ctx, month)
}

func (b brokenRetention) Drop(ctx context.Context, month key.Month) error {
	if b.open {
		if err := b.months.Close(ctx, month); err != nil {
			return err
		}
	}
	if b.next {
		if err := b.months.Close(ctx, month+1); err != nil {
			return err
		}
		if err := b.Retention.Drop(ctx, month+1); err != nil {
			return err
		}
	}
	return b.Retention.Drop(ctx, month)
}

func (b brokenRetention) DropAudit(ctx context.Context, before key.Month) error {
	if b.young {
		before += 2
	}
	return b.Retention.DropAudit(ctx, before)
}

func TestTheRetentionSuiteRejectsBrokenStores(t *testing.T) {
	t.Parallel()
	spoil := func(b brokenRetention) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Retention, b.months = s.Retention, s.Months
			s.Retention = b
		}
	}
	rejects(t, "Retention", []broken{
		{"drops the next month too", spoil(brokenRetention{next: true}), []string{"drops a closed month for good, and no other"}},
		{"drops open months", spoil(brokenRetention{open: true}), []string{"drops nothing of an open month"}},
		{"drops young audit data", spoil(brokenRetention{young: true}), []string{"keeps audit data until it is dropped itself"}},
		{"measures nothing", spoil(brokenRetention{blind: true}), []string{"measures what there is of a month"}},
	})
}
