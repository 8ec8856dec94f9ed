package restorecheck

import (
	"context"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// hold pauses bills that a person has to decide about, but for those that somebody resumed since the first check: that was decided.
func (r *run) hold(ctx context.Context) error {
	resumed := map[string]bool{}
	if r.completed.ID != 0 {
		filter := port.AuditFilter{Action: port.ActionResume, Since: r.completed.By.At}
		err := r.acts(ctx, filter, func(act port.AuditRecord) {
			if act.ID > r.completed.ID {
				resumed[act.Subject] = true
			}
		})
		if err != nil {
			return err
		}
	}
	if err := r.holdImplausible(ctx, resumed); err != nil {
		return err
	}
	return r.holdNew(ctx, resumed)
}

// holdNew pauses bills of new customers that were imported again in a month of which the gateways may have served customers whom the
// database does not know: a customer who comes in again has another user id, so that nothing tells whether these are the same.
func (r *run) holdNew(ctx context.Context, resumed map[string]bool) error {
	for _, month := range slices.Sorted(maps.Keys(r.missing.months)) {
		if r.missing.months[month].Bills == 0 {
			continue
		}
		err := r.eachPage(ctx, func(ctx context.Context, after int64) ([]key.Target, error) {
			return r.Recovery.ImportedSince(ctx, month, r.highest, r.RestoredTo, after, page)
		}, func(ctx context.Context, keys []key.Target) error {
			n, err := r.pause(ctx, keys, resumed)
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
func (r *run) holdImplausible(ctx context.Context, resumed map[string]bool) error {
	for keys := range slices.Chunk(slices.SortedFunc(maps.Keys(r.held), key.Target.Compare), page) {
		n, err := r.pause(ctx, keys, resumed)
		if r.report.HeldImplausible += n; err != nil {
			return err
		}
	}
	return nil
}

// pause pauses targets that would continue by themselves and that nobody resumed, in one transaction, and returns how many these were.
func (r *run) pause(ctx context.Context, keys []key.Target, resumed map[string]bool) (n int, err error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k key.Target) bool { return resumed[k.String()] })
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
