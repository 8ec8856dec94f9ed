package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

func (t *tx) Ledger(ctx context.Context, keys []key.Target) (map[key.Target][]attempt.Row, error) {
	found := map[key.Target][]attempt.Row{}
	err := t.do(ctx, "targets.ledger", func() error {
		for _, k := range sortedTargets(keys) {
			rows := slices.Collect(maps.Values(t.s.ledger[k]))
			for _, row := range t.written {
				if row.Key.Target() == k {
					rows = append(slices.DeleteFunc(rows, func(r attempt.Row) bool { return r.Key == row.Key }), row)
				}
			}
			if len(rows) > 0 {
				slices.SortFunc(rows, byKey)
				found[k] = rows
			}
		}
		return nil
	})
	return found, err
}

func (t *tx) Revoke(ctx context.Context, revocations []attempt.Revocation) ([]key.Delivery, error) {
	var revoked []key.Delivery
	err := t.do(ctx, "targets.revoke", func() error {
		sorted := slices.SortedFunc(slices.Values(revocations), func(a, b attempt.Revocation) int { return a.Key.Compare(b.Key) })
		for _, r := range sorted {
			if err := t.s.opened(r.Key.Month); err != nil {
				return err
			}
			if err := t.s.wait(ctx, t, func() *tx { return t.s.pending[r.Key] }); err != nil {
				return fmt.Errorf("%s: %w", r.Key, err)
			}
			if _, ok := t.s.row(r.Key); ok || t.s.pending[r.Key] != nil {
				continue
			}
			t.s.pending[r.Key] = t
			t.written[r.Key] = attempt.Row{
				Key: r.Key, State: attempt.Revoked, Reason: r.Reason,
				FinishedAt: instant(r.FinishedAt), ChangedAt: t.s.now(),
			}
			revoked = append(revoked, r.Key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}
