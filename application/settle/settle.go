package settle

import (
	"context"
	"errors"
	"slices"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Settle settles targets, in transactions of a batch each, and returns how many changed. It waits while the database is
// down. A target that agrees with its ledger rows stays as it is.
func (s *Settler) Settle(ctx context.Context, keys []key.Target) (int, error) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, key.Target.Compare)
	keys = slices.Compact(keys)
	total := 0
	for chunk := range slices.Chunk(keys, s.config.Batch) {
		n, err := s.settleChunk(ctx, chunk)
		total += n
		if errors.Is(err, policy.ErrInvalid) {
			n, err = s.settleEach(ctx, chunk)
			total += n
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// settleEach settles targets one by one after one of them named a policy that is not among those read. It reads the
// policies again, because that one may be new. A target whose policy is truly gone is logged and left.
func (s *Settler) settleEach(ctx context.Context, keys []key.Target) (int, error) {
	s.versions.forget()
	total := 0
	for _, k := range keys {
		n, err := s.settleChunk(ctx, []key.Target{k})
		if errors.Is(err, policy.ErrInvalid) {
			s.Log.Error("a target cannot be settled", port.Field{Key: "target", Value: k.String()}, port.Field{Key: "error", Value: err})
			continue
		}
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// settleChunk settles a batch: first, in one statement, the targets that were accepted and wait for nothing else, as
// nearly all do; then the others, each decided by the domain. It returns how many changed.
func (s *Settler) settleChunk(ctx context.Context, keys []key.Target) (changed int, err error) {
	succeeded, err := s.succeedPlainly(ctx, keys)
	if err != nil {
		return 0, err
	}
	others := keys
	if len(succeeded) > 0 {
		others = slices.DeleteFunc(slices.Clone(keys), func(k key.Target) bool {
			_, done := slices.BinarySearchFunc(succeeded, k, key.Target.Compare)
			return done
		})
	}
	if len(others) > 0 {
		if changed, err = s.settleLocked(ctx, others); err != nil {
			return len(succeeded), err
		}
	}
	return len(succeeded) + changed, nil
}

// succeedPlainly settles the targets for which billing.Target.SucceedsPlainly holds, in one statement (ADR 0022), and
// returns their keys, sorted.
func (s *Settler) succeedPlainly(ctx context.Context, keys []key.Target) (succeeded []key.Target, err error) {
	err = s.database(ctx, func(ctx context.Context) error {
		return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
			succeeded, err = tx.Succeed(ctx, keys)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	metric.TargetsSettled.Add(s.Metrics, len(succeeded))
	return succeeded, nil
}

// settleLocked locks targets and settles each as the domain decides (R7). It returns how many changed.
func (s *Settler) settleLocked(ctx context.Context, keys []key.Target) (changed int, err error) {
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
			settled, err := Within{Tx: tx, Policies: find, Clock: s.Clock}.Settle(ctx, locked)
			if err != nil {
				return err
			}
			changed = len(settled)
			return tx.Save(ctx, settled)
		})
	})
	if err != nil {
		return 0, err
	}
	metric.TargetsSettled.Add(s.Metrics, changed)
	return changed, nil
}
