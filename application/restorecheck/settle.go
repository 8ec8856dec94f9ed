package restorecheck

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// settle takes each target to the highest key that the ledger shows, and settles it (R7).
func (r *run) settle(ctx context.Context) error {
	for _, month := range slices.Sorted(maps.Keys(r.known.months)) {
		if !r.known.months[month].DroppedAt.IsZero() {
			continue
		}
		done := int64(0)
		err := r.eachPage(ctx, func(ctx context.Context, after int64) ([]key.Target, error) {
			return r.Recovery.Unsettled(ctx, month, after, page)
		}, func(ctx context.Context, keys []key.Target) error {
			done += int64(len(keys))
			defer r.progress("settle "+month.String(), "bills", done)
			return r.settlePage(ctx, keys)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachPage works on pages of targets of a month until there are no more.
func (r *run) eachPage(ctx context.Context, next func(ctx context.Context, after int64) ([]key.Target, error), work func(context.Context, []key.Target) error) error {
	for after := int64(0); ; {
		var keys []key.Target
		err := r.database(ctx, func(ctx context.Context) (err error) {
			keys, err = next(ctx, after)
			return err
		})
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := work(ctx, keys); err != nil {
			return err
		}
		after = keys[len(keys)-1].UserID
	}
}

// settlePage settles a page; where a policy version is gone, all but its targets: settlement settles these once it is there again.
func (r *run) settlePage(ctx context.Context, keys []key.Target) error {
	err := r.settleTargets(ctx, keys, false)
	if errors.Is(err, policy.ErrInvalid) {
		err = r.settleTargets(ctx, keys, true)
	}
	return err
}

// settleTargets recovers the keys of targets and settles them, in one transaction; where skip is set, it settles none whose policy
// version is gone.
func (r *run) settleTargets(ctx context.Context, keys []key.Target, skip bool) error {
	var done settled
	err := r.database(ctx, func(ctx context.Context) error {
		return r.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
			done = settled{changed: map[key.Target]billing.Target{}}
			locked, err := tx.Lock(ctx, keys)
			if err != nil {
				return err
			}
			if locked, err = r.recoverKeys(ctx, tx, locked, &done); err != nil {
				return err
			}
			if err := r.settleLocked(ctx, tx, locked, skip, &done); err != nil {
				return err
			}
			return tx.Save(ctx, slices.Collect(maps.Values(done.changed)))
		})
	})
	if err != nil {
		return err
	}
	r.report.Moved += done.moved
	r.report.Held += done.held
	r.report.WithoutPolicy += done.without
	for k, state := range done.rows {
		r.would.set(k, state)
	}
	for _, t := range done.changed {
		r.report.Targets = count(r.report.Targets, t.Status())
	}
	return nil
}

// settled is what became of a page of targets.
type settled struct {
	changed              map[key.Target]billing.Target
	rows                 map[key.Delivery]attempt.State
	moved, held, without int
}

// recoverKeys takes locked targets to their highest keys and closes keys that have no row. It returns them as they are then.
func (r *run) recoverKeys(ctx context.Context, tx port.TargetTx, locked []billing.Target, done *settled) ([]billing.Target, error) {
	rows, err := tx.Ledger(ctx, keysOf(locked))
	if err != nil {
		return nil, err
	}
	now := r.Clock.Now().Truncate(time.Microsecond)
	var lost []attempt.Recovery
	for i := range locked {
		t := &locked[i]
		before := t.State()
		facts := attempt.Facts{Step: before.Step, PolicyID: before.Policy.ID, PolicyVersion: before.Policy.Version, RunID: before.RunID, Unknown: attempt.Hold}
		found, err := t.RecoverKey(rows[t.Key()])
		if err != nil {
			return nil, err
		}
		for _, k := range found.Missing {
			lost = append(lost, attempt.Lost(k, facts, now))
		}
		if found.Moved {
			done.moved++
			done.changed[t.Key()] = *t
		}
		if found.Held {
			done.held++
		}
	}
	written, err := tx.Recover(ctx, lost)
	done.rows = make(map[key.Delivery]attempt.State, len(written))
	for _, k := range written {
		done.rows[k] = attempt.Unknown
	}
	return locked, err
}

// withPolicy returns those of locked targets whose policy version the database has, as far as settling them needs it.
func (r *run) withPolicy(ctx context.Context, tx port.TargetTx, locked []billing.Target) ([]billing.Target, error) {
	rows, err := tx.Ledger(ctx, keysOf(locked))
	if err != nil {
		return nil, err
	}
	reports, err := tx.Reports(ctx, keysOf(locked))
	return slices.DeleteFunc(slices.Clone(locked), func(t billing.Target) bool {
		effective, err := t.Effective(rows[t.Key()], reports[t.Key()], r.find)
		if err == nil {
			_, err = t.Settle(effective, r.find) // of a copy
		}
		return errors.Is(err, policy.ErrInvalid)
	}), err
}

// settleLocked settles locked targets until none changes any more: an attempt that failed may be followed by one whose row is there.
func (r *run) settleLocked(ctx context.Context, tx port.TargetTx, locked []billing.Target, skip bool, done *settled) error {
	within := settle.Within{Tx: tx, Policies: r.find, Clock: r.Clock}
	for range 3 {
		if skip {
			kept, err := r.withPolicy(ctx, tx, locked)
			if err != nil {
				return err
			}
			done.without += len(locked) - len(kept)
			locked = kept
		}
		changed, err := within.Settle(ctx, locked)
		if err != nil || len(changed) == 0 {
			return err
		}
		for _, t := range changed {
			done.changed[t.Key()] = t
		}
		locked = changed
	}
	return nil
}

func keysOf(targets []billing.Target) []key.Target {
	keys := make([]key.Target, len(targets))
	for i, t := range targets {
		keys[i] = t.Key()
	}
	return keys
}
