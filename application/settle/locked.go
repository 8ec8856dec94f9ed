// Package settle brings targets in line with the ledger (R7), turns claims whose callers went silent into UNKNOWN, and
// requeues requests that were lost (R8). An event is a hint; the ledger is the truth.
package settle

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Locked settles targets that tx has locked: it reads their ledger rows, lets the domain decide, revokes current keys
// where an older try was accepted, and returns the targets that changed. The caller saves them in the same transaction.
func Locked(ctx context.Context, tx port.TargetTx, locked []billing.Target, policies billing.Policies, at port.Clock) ([]billing.Target, error) {
	if len(locked) == 0 {
		return nil, nil
	}
	keys := make([]key.Target, len(locked))
	for i, t := range locked {
		keys[i] = t.Key()
	}
	rows, err := tx.Ledger(ctx, keys)
	if err != nil {
		return nil, err
	}
	var changed, late []billing.Target
	for _, t := range locked {
		result, err := t.Settle(rows[t.Key()], policies)
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
	accepted, err := acceptLate(ctx, tx, late, at)
	return append(changed, accepted...), err
}

// acceptLate ends targets of which an older try was accepted. Whether somebody may still be calling for the current key
// is decided by the insert of the revocation, never by the rows that were read before it.
func acceptLate(ctx context.Context, tx port.TargetTx, late []billing.Target, clock port.Clock) ([]billing.Target, error) {
	if len(late) == 0 {
		return nil, nil
	}
	now := clock.Now()
	revocations := make([]attempt.Revocation, len(late))
	keys := make([]key.Target, len(late))
	for i, t := range late {
		revocations[i] = attempt.Revocation{Key: t.Delivery(), Reason: attempt.ReasonLate, FinishedAt: now}
		keys[i] = t.Key()
	}
	inserted, err := tx.Revoke(ctx, revocations)
	if err != nil {
		return nil, err
	}
	revoked := make(map[key.Delivery]bool, len(inserted))
	for _, k := range inserted {
		revoked[k] = true
	}
	rows, err := tx.Ledger(ctx, keys)
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

// stateOf returns the state of a key's row; "" if it has none.
func stateOf(rows []attempt.Row, k key.Delivery) attempt.State {
	if row := attempt.RowOf(rows, k); row != nil {
		return row.State
	}
	return ""
}

// RequestEnd asks for an end of locked targets (R6); ends has the end of each target, by index. If the current key has
// no ledger row, it is revoked and the end granted. Otherwise the wish is kept, and the target settled at once, because
// the row may have been final for long and no sweep would come back to it. It returns all targets as they now are, to
// be saved.
func RequestEnd(ctx context.Context, tx port.TargetTx, locked []billing.Target, ends []billing.Status, policies billing.Policies, clock port.Clock) ([]billing.Target, error) {
	if len(locked) == 0 {
		return nil, nil
	}
	now := clock.Now()
	revocations := make([]attempt.Revocation, len(locked))
	for i, t := range locked {
		revocations[i] = attempt.Revocation{Key: t.Delivery(), Reason: billing.EndReason(ends[i]), FinishedAt: now}
	}
	inserted, err := tx.Revoke(ctx, revocations)
	if err != nil {
		return nil, err
	}
	revoked := make(map[key.Delivery]bool, len(inserted))
	for _, k := range inserted {
		revoked[k] = true
	}
	result := make([]billing.Target, 0, len(locked))
	var waiting []billing.Target
	for i, t := range locked {
		if !revoked[t.Delivery()] {
			t.KeepWish(ends[i])
			waiting = append(waiting, t)
			continue
		}
		if err := t.End(ends[i]); err != nil {
			return nil, err
		}
		result = append(result, t)
	}
	settled, err := Locked(ctx, tx, waiting, policies, clock)
	if err != nil {
		return nil, err
	}
	return append(result, merge(waiting, settled)...), nil
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
