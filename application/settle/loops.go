package settle

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Run consumes results, sweeps and reaps until the context ends, which is no error; it finishes the batch in hand.
func (s *Settler) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.consumeResults(ctx) })
	group.Go(func() error { return s.every(ctx, s.config.LeaseEvery, "lease sweep", s.SweepLeases) })
	group.Go(func() error { return s.every(ctx, s.config.SweepEvery, "ledger sweep", s.ledgerSweep()) })
	group.Go(func() error { return s.every(ctx, s.config.ReapEvery, "reaper", s.Reap) })
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// every calls do at once and then after each pause, until the context ends. A failure is logged; the next time tries
// again.
func (s *Settler) every(ctx context.Context, pause time.Duration, what string, do func(context.Context) (int, error)) error {
	for {
		n, err := do(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("a sweep failed; the next one tries again", port.Field{Key: "sweep", Value: what}, port.Field{Key: "error", Value: err})
		}
		if n > 0 {
			s.Log.Info("a sweep changed something", port.Field{Key: "sweep", Value: what}, port.Field{Key: "count", Value: n})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Clock.After(pause):
		}
	}
}

// months returns the open months.
func (s *Settler) months(ctx context.Context) (months []key.Month, err error) {
	err = s.watch.Retry(ctx, "database", func(ctx context.Context) error {
		months, err = s.Months.List(ctx)
		return err
	})
	return months, err
}

// SweepLeases turns claims of the open months whose leases have ended into UNKNOWN and settles their targets. It
// returns the number of claims.
func (s *Settler) SweepLeases(ctx context.Context) (int, error) {
	months, err := s.months(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, month := range months {
		for {
			var expired []key.Delivery
			err := s.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
				expired, err = s.Sweeps.ExpireLeases(ctx, month, s.config.Batch)
				return err
			})
			if err != nil {
				return total, err
			}
			total += len(expired)
			metric.LeasesExpired.Add(s.Metrics, len(expired))
			keys := make([]key.Target, len(expired))
			for i, k := range expired {
				keys[i] = k.Target()
			}
			if _, err := s.Settle(ctx, keys); err != nil {
				return total, err
			}
			if len(expired) < s.config.Batch {
				break
			}
		}
	}
	return total, nil
}

// ledgerSweep returns a sweep over the ledger rows that changed since it was last called, which settles what no event
// reported; the first call looks at everything. Later calls look at what had changed before the call before them: what
// changed since is nearly always settled by its event, and looking at it twice would be the most expensive statement of
// all.
func (s *Settler) ledgerSweep() func(context.Context) (int, error) {
	var since, until time.Time
	return func(ctx context.Context) (int, error) {
		var next time.Time // read before the sweep: what is written meanwhile is for a later one
		err := s.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
			next, err = s.Sweeps.Horizon(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		total, err := s.SweepLedger(ctx, port.Span{Since: since, Until: until})
		if err != nil {
			return total, err
		}
		if since, until = until, next; since.IsZero() {
			since = next
		}
		return total, nil
	}
}

// SweepLedger settles the targets of the open months whose ledger rows changed in a span. It returns how many targets
// changed.
func (s *Settler) SweepLedger(ctx context.Context, when port.Span) (int, error) {
	months, err := s.months(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, month := range months {
		for after := int64(0); ; {
			var keys []key.Target
			err := s.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
				keys, err = s.Sweeps.Changed(ctx, month, when, after, s.config.Batch)
				return err
			})
			if err != nil {
				return total, err
			}
			n, err := s.Settle(ctx, keys)
			total += n
			if err != nil {
				return total, err
			}
			if len(keys) < s.config.Batch {
				break
			}
			after = keys[len(keys)-1].UserID
		}
	}
	return total, nil
}

// Reap makes targets whose requests were lost from the topic candidates again, with the same key (R8): those that are
// REQUESTED without a ledger row for longer than the grace, if on every partition the delivery group has read past that
// time. It returns how many.
func (s *Settler) Reap(ctx context.Context) (int, error) {
	before := s.Clock.Now().Add(-s.config.ReapGrace)
	months, err := s.months(ctx)
	if err != nil {
		return 0, err
	}
	total, passed := 0, false
	for _, month := range months {
		for after := int64(0); ; {
			var keys []key.Target
			err := s.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
				keys, err = s.Requests.Unclaimed(ctx, month, before, after, s.config.Batch)
				return err
			})
			if err != nil {
				return total, err
			}
			if len(keys) == 0 {
				break
			}
			if !passed {
				err := s.watch.Retry(ctx, "event log", func(ctx context.Context) (err error) {
					passed, err = s.Progress.ReadUpTo(ctx, before)
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
	}
	return total, nil
}

// requeue makes those of the targets that are still REQUESTED, since before an instant and without a ledger row, candidates
// again. Returns how many.
func (s *Settler) requeue(ctx context.Context, keys []key.Target, before time.Time) (requeued int, err error) {
	// A target may be bound to a version that is younger than those kept, and no lost request brings a result naming it.
	s.versions.forget()
	err = s.watch.Retry(ctx, "database", func(ctx context.Context) error {
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
