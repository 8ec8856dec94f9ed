package settle

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Reap makes targets whose requests were lost from the topic candidates again, with the same key (R8): those that are
// REQUESTED without a ledger row for longer than the grace, if on every partition the delivery group has read past that
// time. It returns how many.
func (s *Settler) Reap(ctx context.Context) (int, error) {
	before := s.Clock.Now().Add(-s.config.ReapGrace)
	passed := false
	return s.eachMonth(ctx, func(month key.Month) (total int, err error) {
		for after := int64(0); ; {
			var keys []key.Target
			err := s.database(ctx, func(ctx context.Context) (err error) {
				keys, err = s.Requests.Unclaimed(ctx, month, before, after, s.config.Batch)
				return err
			})
			if err != nil || len(keys) == 0 {
				return total, err
			}
			if !passed {
				err := s.watch.Retry(ctx, port.ComponentEventLog, func(ctx context.Context) (err error) {
					passed, err = s.Group.ReadUpTo(ctx, before)
					return err
				})
				if err != nil || !passed {
					return total, err // still waiting in the topic: not lost yet
				}
			}
			n, err := s.requeue(ctx, keys, before)
			total += n
			if err != nil {
				return total, err
			}
			after = keys[len(keys)-1].UserID
		}
	})
}

// requeue makes those of the targets that are still REQUESTED, since before an instant and without a ledger row, candidates
// again. Returns how many.
func (s *Settler) requeue(ctx context.Context, keys []key.Target, before time.Time) (requeued int, err error) {
	// A target may be bound to a version that is younger than those kept, and no lost request brings a result naming it.
	s.versions.forget()
	err = s.database(ctx, func(ctx context.Context) error {
		find, err := s.versions.finder(ctx)
		if err != nil {
			return err
		}
		return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
			locked, err := tx.Lock(ctx, keys)
			if err != nil {
				return err
			}
			rows, err := tx.Ledger(ctx, keys)
			if err != nil {
				return err
			}
			var lost []billing.Target
			for _, t := range locked {
				version, ok := find(t.State().Policy)
				if !ok || t.Status() != billing.Requested || !t.State().RequestedAt.Before(before) || stateOf(rows[t.Key()], t.Delivery()) != "" {
					continue // settled, dispatched anew or claimed meanwhile
				}
				if err := t.Requeue(version.MaxRequeues(), s.Clock.Now()); err != nil {
					return err
				}
				lost = append(lost, t)
			}
			requeued = len(lost)
			return tx.Save(ctx, lost)
		})
	})
	if err != nil {
		return 0, err
	}
	metric.TargetsRequeued.Add(s.Metrics, requeued)
	return requeued, nil
}
