package restorecheck

import (
	"context"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// holdNew pauses bills of new customers that were imported again in a month of which the gateways may have served customers whom the
// database does not know: a customer who comes in again has another user id, so that nothing tells whether these are the same.
func (r *run) holdNew(ctx context.Context) error {
	for _, month := range slices.Sorted(maps.Keys(r.missing.months)) {
		if r.missing.months[month].Bills == 0 {
			continue
		}
		err := r.eachPage(ctx, func(ctx context.Context, after int64) ([]key.Target, error) {
			return r.Recovery.ImportedSince(ctx, month, r.highest, r.RestoredTo, after, page)
		}, func(ctx context.Context, keys []key.Target) error {
			n, err := r.hold(ctx, keys)
			r.report.HeldNew += n
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// holdImplausible pauses bills of which the log tells what cannot be: something was done that is not known.
func (r *run) holdImplausible(ctx context.Context) error {
	for keys := range slices.Chunk(slices.SortedFunc(maps.Keys(r.held), key.Target.Compare), page) {
		n, err := r.hold(ctx, keys)
		if r.report.HeldImplausible += n; err != nil {
			return err
		}
	}
	return nil
}

// hold pauses targets that would continue by themselves, in one transaction, and returns how many these were. What somebody resumed since
// the first check was decided.
func (r *run) hold(ctx context.Context, keys []key.Target) (n int, err error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k key.Target) bool { return r.history.resumed[k.String()] })
	if len(keys) == 0 {
		return 0, nil
	}
	err = r.database(ctx, func(ctx context.Context) error {
		return r.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
			locked, err := tx.Lock(ctx, keys)
			if err != nil {
				return err
			}
			held := locked[:0]
			for _, t := range locked {
				paused, err := t.HoldRestored()
				if err != nil {
					return err
				}
				if paused {
					held = append(held, t)
				}
			}
			n = len(held)
			return tx.Save(ctx, held)
		})
	})
	return n, err
}
