package billing

import (
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
)

// ErrRefused is wrapped when an operator's request would break a rule; the text says which one, and what to do instead.
var ErrRefused = errors.New("refused")

func (t Target) refuse(why string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrRefused, t.s.Key, fmt.Sprintf(why, args...))
}

// MayCancel returns an error if the target cannot be cancelled now. Otherwise the caller revokes the current key (R6).
func (t Target) MayCancel() error {
	switch t.s.Dispatch {
	case Ready, Failed, Requested, Paused:
		if t.s.PendingEnd != "" {
			return t.refuse("it already waits to become %s", t.s.PendingEnd)
		}
		return nil
	case Unknown:
		return t.refuse("a call may have been accepted: say whether it was delivered, or close it")
	default:
		return t.refuse("it is %s already", t.s.Dispatch)
	}
}

// Resume makes a PAUSED target a candidate again (R9). current is the ledger row of its current key, nil if there is
// none: a key without a row is kept, one that is NOT_SENT is closed and never published again, so the next round
// follows.
func (t *Target) Resume(current *attempt.Row, now time.Time) error {
	if t.s.Dispatch != Paused {
		return t.refuse("it is %s, not PAUSED", t.s.Dispatch)
	}
	if current != nil && current.State == attempt.Failed && current.Class == attempt.Content {
		return t.refuse("its content must not go out: correct its data first")
	}
	if err := t.move(EventResume, Ready); err != nil {
		return err
	}
	t.s.Requeues = 0
	if current != nil && current.State == attempt.NotSent && t.s.PendingEnd == "" {
		t.nextRound(now)
	}
	return nil
}

// Uncancel takes a cancellation back (R9). current is the ledger row of the current key. That key stays closed.
func (t *Target) Uncancel(current *attempt.Row, v policy.Version, now time.Time) error {
	if t.s.Dispatch != Cancelled {
		return t.refuse("it is %s, not CANCELLED", t.s.Dispatch)
	}
	switch {
	case current == nil:
		return t.refuse("its ledger row is missing")
	case current.State == attempt.Revoked || current.State == attempt.NotSent:
		if err := t.move(EventUncancel, Ready); err != nil {
			return err
		}
		t.nextRound(now)
		return nil
	case current.State == attempt.Failed && current.Class == attempt.Content:
		err := t.move(EventUncancel, Paused)
		t.s.Pause = PauseContent
		return err
	case current.State == attempt.Failed:
		return t.uncancelFailed(*current, v, now)
	default:
		return t.refuse("its current try is %s", current.State)
	}
}

// uncancelFailed continues with the next step of the route, as settling would have done.
func (t *Target) uncancelFailed(row attempt.Row, v policy.Version, now time.Time) error {
	steps := v.Steps(t.s.Wished)
	next := policy.Next(steps, row.Step)
	if row.Class.Hard() {
		next = policy.NextOther(steps, row.Step)
	}
	if next < 0 {
		return t.refuse("no step of its route is left")
	}
	if err := t.move(EventUncancel, Failed); err != nil {
		return err
	}
	t.nextAttempt(next, now)
	return nil
}

// SendAnyway sends an UNKNOWN target once more although a second copy is possible, by an operator's decision (R9). It
// is refused until the lease and callDeadline have passed by the database's clock. It takes the next step, or the last
// one again if none is left.
func (t *Target) SendAnyway(current *attempt.Row, v policy.Version, callDeadline time.Duration, databaseNow, now time.Time) error {
	if t.s.Dispatch != Unknown || current == nil || current.State != attempt.Unknown {
		return t.refuse("it is %s, not UNKNOWN", t.s.Dispatch)
	}
	if over := current.LeaseUntil.Add(callDeadline); databaseNow.Before(over) {
		return t.refuse("its call may still be under way until %s: run it again after that", over.In(v.Zone()).Format("2006-01-02 15:04:05 MST"))
	}
	step := current.Step
	if next := policy.Next(v.Steps(t.s.Wished), step); next >= 0 {
		step = next
	}
	if err := t.move(EventSendAnyway, Ready); err != nil {
		return err
	}
	t.s.PendingEnd = ""
	t.nextAttempt(step, now)
	return nil
}

// WriteOff closes an UNKNOWN target whose outcome stays unknown; such targets are counted (R9). A late success still
// makes it SUCCEEDED.
func (t *Target) WriteOff() error {
	if t.s.Dispatch != Unknown {
		return t.refuse("it is %s, not UNKNOWN", t.s.Dispatch)
	}
	return t.move(EventWriteOff, WrittenOff)
}

// MayCorrect returns an error if the target's data cannot be corrected now. revoke reports whether the caller must
// revoke the current key first: it must, unless that key is FAILED(content) and so closed without a call (R6). current
// is the ledger row of the current key, as ForCorrection returns it, nil if there is none.
func (t Target) MayCorrect(current *attempt.Row) (revoke bool, err error) {
	switch t.s.Dispatch {
	case Ready, Failed, Requested, Paused:
	default:
		return false, t.refuse("it is %s: a bill that has gone out, or has ended, is not corrected", t.s.Dispatch)
	}
	if t.s.PendingEnd != "" {
		return false, t.refuse("it waits to become %s", t.s.PendingEnd)
	}
	if current == nil {
		return true, nil
	}
	if current.State == attempt.Failed && current.Class == attempt.Content {
		return false, nil
	}
	return false, t.refuse("its current try is %s: wait for its outcome, then correct it", current.State)
}

// Correct takes over corrected data, after MayCorrect and, where it requires one, a successful revocation. The next round
// carries the new data, so that no older copy can go out. The batch must render it again first.
func (t *Target) Correct(corrected State, now time.Time) error {
	to := Ready
	if t.s.Dispatch == Paused {
		to = Paused
	}
	if err := t.move(EventCorrect, to); err != nil {
		return err
	}
	if to == Paused {
		t.s.Pause = PauseCorrected
	}
	if t.s.Wished != corrected.Wished {
		t.s.Step = 0 // the route written out is another one
	}
	t.s.Quiet, t.s.Zone = corrected.Quiet, corrected.Zone
	t.s.Deadline, t.s.Wished, t.s.Reachable = corrected.Deadline, corrected.Wished, corrected.Reachable
	t.nextRound(later(t.s.AvailableAt, now))
	return nil
}

// later returns the later of two instants.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
