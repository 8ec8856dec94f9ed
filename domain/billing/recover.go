package billing

import (
	"slices"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Restored is what RecoverKey found out about a target.
type Restored struct {
	Moved   bool           // it has taken a higher key: store it
	Missing []key.Delivery // keys that need a row, as UNKNOWN
	Held    bool           // it is PAUSED(restored), because an act of a person on one of the keys below may be lost
}

// What a key of an event is believed to name at most.
const (
	actsOnBill = 20   // attempts that people add to those of the route: "send anyway", un-cancel
	mostRounds = 1000 // a policy bounds only the put-backs that the provider did not cause
)

// IsPlausible reports whether an event may name a delivery key on a step of a route that has so many: an event with another one is
// damaged or forged, and to believe it would close up to 32,767 keys for each attempt.
func IsPlausible(k key.Delivery, step int16, steps int) bool {
	return int(step) < steps && int(k.Attempt) < steps+actsOnBill && k.Round <= mostRounds
}

// HoldRestored pauses the target where it would continue by itself although an act of a person may be lost, or the event log tells of it
// what cannot be. It reports whether it did.
func (t *Target) HoldRestored() (bool, error) {
	if !Can(t.s.Dispatch, EventPause, Paused) {
		return false, nil
	}
	return true, t.PauseFor(PauseRestored)
}

// lossBelow reports whether a correction, or another act of a person, may have been lost below a row's key when the database was
// restored: what ends an UNKNOWN then lets nothing continue (R10). A key that was claimed later went out because a person let it.
func lossBelow(row attempt.Row, rows []attempt.Row) bool {
	return slices.ContainsFunc(rows, func(r attempt.Row) bool {
		return hidesAct(r) && r.Key.Compare(row.Key) < 0 && row.ClaimedAt.Before(r.ChangedAt)
	})
}

// hidesAct reports whether a row with a higher key above it may be followed by an act of a person of which the event log tells nothing:
// its outcome is lost, or its content was refused, which only a correction lets continue.
func hidesAct(r attempt.Row) bool {
	return r.Reason == attempt.ReasonRestored || r.State == attempt.Failed && r.Class == attempt.Content
}

// RecoverKey takes the target to the highest key that its ledger rows show, after the database was restored to an earlier
// moment and the rows were written from the event log (R10). Below it each key that was in use gets a row; where one of them has no outcome, or
// its content was refused, a correction or another act of a person may be lost, so the target does not continue by itself. Settle comes after it.
func (t *Target) RecoverKey(rows []attempt.Row) (Restored, error) {
	if len(rows) == 0 {
		if t.s.Dispatch == Requested { // the database itself says that the key was published
			return Restored{Missing: []key.Delivery{t.Delivery()}}, nil
		}
		return Restored{}, nil
	}
	highest := slices.MaxFunc(rows, func(a, b attempt.Row) int { return a.Key.Compare(b.Key) })
	current := t.Delivery()
	if highest.Key.Compare(current) <= 0 {
		if t.s.Dispatch == Requested && attempt.RowOf(rows, current) == nil {
			return Restored{Missing: []key.Delivery{current}}, nil
		}
		return Restored{}, nil
	}
	// Nothing of it goes out any more; but what was SUCCEEDED a report had taken back, and that report may never come again.
	if t.s.Dispatch.Final() && t.s.Dispatch != Cancelled && t.s.Dispatch != Succeeded {
		return Restored{}, nil
	}
	found := Restored{Moved: true}
	for _, k := range keysBetween(current, highest.Key, rows) {
		row := attempt.RowOf(rows, k)
		if row == nil {
			found.Missing = append(found.Missing, k)
		}
		found.Held = found.Held || row == nil || hidesAct(*row)
	}
	to := Requested
	if found.Held || t.s.Dispatch == Paused {
		to = Paused
	}
	if err := t.move(EventRestore, to); err != nil {
		return Restored{}, err
	}
	if found.Held {
		t.s.Pause = PauseRestored
	}
	t.take(highest)
	return found, nil
}

// take makes the key of a row the current one.
func (t *Target) take(row attempt.Row) {
	t.s.Attempt, t.s.Round, t.s.Step = row.Key.Attempt, row.Key.Round, row.Step
	t.s.Requeues, t.s.PendingEnd = 0, ""
	t.s.RunID = row.RunID
	if ref := (policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}); !ref.IsZero() {
		t.s.Policy = ref
	}
}

// keysBetween returns the keys from one on, below another, that were in use: each round of an attempt up to the highest with a
// row, and the first round of each attempt.
func keysBetween(from, below key.Delivery, rows []attempt.Row) []key.Delivery {
	var keys []key.Delivery
	for n := int(from.Attempt); n <= int(below.Attempt); n++ {
		first := 0
		if n == int(from.Attempt) {
			first = int(from.Round)
		}
		last := first
		for _, row := range rows {
			if int(row.Key.Attempt) == n {
				last = max(last, int(row.Key.Round))
			}
		}
		for round := first; round <= last; round++ {
			k := key.Delivery{Month: from.Month, UserID: from.UserID, Attempt: int16(n), Round: int16(round)}
			if k.Compare(below) < 0 {
				keys = append(keys, k)
			}
		}
	}
	return keys
}
