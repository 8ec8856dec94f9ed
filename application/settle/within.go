package settle

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Within settles and ends targets within a transaction of the caller, who has locked them and saves what is returned.
type Within struct {
	Tx       port.TargetTx
	Policies billing.Policies
	Clock    port.Clock
}

// Rows reads the ledger rows of locked targets as they and the reports about them say together (R11), sorted by key.
func (w Within) Rows(ctx context.Context, locked []billing.Target) (map[key.Target][]attempt.Row, error) {
	keys := keysOf(locked)
	rows, err := w.Tx.Ledger(ctx, keys)
	if err != nil {
		return nil, err
	}
	reports, err := w.Tx.Reports(ctx, keys)
	if err != nil || len(reports) == 0 {
		return rows, err
	}
	for _, t := range locked {
		if rows[t.Key()], err = t.Effective(rows[t.Key()], reports[t.Key()], w.Policies); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Settle reads the effective ledger rows of locked targets, lets the domain decide, revokes current keys where an older try was
// accepted, and returns the targets that changed.
func (w Within) Settle(ctx context.Context, locked []billing.Target) ([]billing.Target, error) {
	if len(locked) == 0 {
		return nil, nil
	}
	rows, err := w.Rows(ctx, locked)
	if err != nil {
		return nil, err
	}
	var changed, late []billing.Target
	for _, t := range locked {
		result, err := t.Settle(rows[t.Key()], w.Policies)
		if err != nil {
			return nil, err
		}
		switch result {
		case billing.Changed:
			changed = append(changed, t)
		case billing.RevokeFirst:
			late = append(late, t)
		case billing.Unchanged:
		}
	}
	accepted, err := w.acceptLate(ctx, late)
	return append(changed, accepted...), err
}

// acceptLate ends targets of which an older try was accepted. Whether a call may still be made for the current key
// is decided by the insert of the revocation, never by the rows that were read before it.
func (w Within) acceptLate(ctx context.Context, late []billing.Target) ([]billing.Target, error) {
	if len(late) == 0 {
		return nil, nil
	}
	revoked, err := w.revoke(ctx, late, func(int) attempt.Reason { return attempt.ReasonLate })
	if err != nil {
		return nil, err
	}
	rows, err := w.Tx.Ledger(ctx, keysOf(late))
	if err != nil {
		return nil, err
	}
	var changed []billing.Target
	for _, t := range late {
		result, err := t.Accepted(revoked[t.Delivery()], stateOf(rows[t.Key()], t.Delivery()))
		if err != nil {
			return nil, fmt.Errorf("settle %s after a late success: %w", t.Key(), err)
		}
		if result == billing.Changed {
			changed = append(changed, t)
		}
	}
	return changed, nil
}

// End is a locked target and the end that is requested for it: CANCELLED, EXPIRED or EXHAUSTED.
type End struct {
	Target billing.Target
	As     billing.Status
}

// RequestEnds requests ends (R6). If the current key has no ledger row, it is revoked and the end granted. Otherwise the
// request is kept on the target, which is settled at once, because the row may have been final for long and no sweep
// would come back to it. It returns all targets as they now are.
func (w Within) RequestEnds(ctx context.Context, ends []End) ([]billing.Target, error) {
	if len(ends) == 0 {
		return nil, nil
	}
	targets := make([]billing.Target, len(ends))
	for i, e := range ends {
		targets[i] = e.Target
	}
	revoked, err := w.revoke(ctx, targets, func(i int) attempt.Reason { return billing.EndReason(ends[i].As) })
	if err != nil {
		return nil, err
	}
	result := make([]billing.Target, 0, len(ends))
	var waiting []billing.Target
	for i, t := range targets {
		if !revoked[t.Delivery()] {
			t.KeepEnd(ends[i].As)
			waiting = append(waiting, t)
			continue
		}
		if err := t.End(ends[i].As); err != nil {
			return nil, err
		}
		result = append(result, t)
	}
	settled, err := w.Settle(ctx, waiting)
	if err != nil {
		return nil, err
	}
	return append(result, merge(waiting, settled)...), nil
}

// revoke tries to revoke the current keys of targets and returns those that it did revoke. reason is by index.
func (w Within) revoke(ctx context.Context, targets []billing.Target, reason func(i int) attempt.Reason) (map[key.Delivery]bool, error) {
	now := w.Clock.Now()
	revocations := make([]attempt.Revocation, len(targets))
	for i, t := range targets {
		revocations[i] = attempt.Revocation{Key: t.Delivery(), Reason: reason(i), FinishedAt: now}
	}
	inserted, err := w.Tx.Revoke(ctx, revocations)
	if err != nil {
		return nil, err
	}
	revoked := make(map[key.Delivery]bool, len(inserted))
	for _, k := range inserted {
		revoked[k] = true
	}
	return revoked, nil
}

func keysOf(targets []billing.Target) []key.Target {
	keys := make([]key.Target, len(targets))
	for i, t := range targets {
		keys[i] = t.Key()
	}
	return keys
}

// stateOf returns the state of a key's row; "" if it has none.
func stateOf(rows []attempt.Row, k key.Delivery) attempt.State {
	if row := attempt.RowOf(rows, k); row != nil {
		return row.State
	}
	return ""
}

// merge returns all targets, with those that changed replaced.
func merge(all, changed []billing.Target) []billing.Target {
	byKey := make(map[key.Target]billing.Target, len(changed))
	for _, t := range changed {
		byKey[t.Key()] = t
	}
	merged := make([]billing.Target, len(all))
	for i, t := range all {
		merged[i] = t
		if c, ok := byKey[t.Key()]; ok {
			merged[i] = c
		}
	}
	return merged
}
