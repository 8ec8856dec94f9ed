package billing

import (
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// State is a target's data as storage keeps it. The rules are with Target.
type State struct {
	Key      key.Target
	Batch    BatchStatus
	Dispatch Status

	Attempt int16      // number of the current or next try, from 0
	Round   int16      // put-backs of that try
	Step    int16      // index into the route written out
	Policy  policy.Ref // bound at the first dispatch; zero before

	AvailableAt time.Time // the earliest instant at which the next attempt may go out
	RequestedAt time.Time // of the current key's dispatch
	RunID       int64     // the run that dispatched it last; 0: none
	Requeues    int16     // of the current key
	Pause       PauseReason
	PendingEnd  Status // Cancelled, Expired or Exhausted, granted once the outcome is known and no success; of SUCCEEDED, WrittenOff too

	Quiet      window.Forbidden // the customer's own quiet hours; zero: the policy's
	Zone       *time.Location   // of a customer without own quiet hours, for the policy's; nil: the policy's zone
	Deadline   time.Time        // the target's own; zero: the policy's
	Wished     channel.Kind     // the customer's preferred channel; "": none
	Reachable  channel.Set      // channels with a destination
	Suppressed channel.Set      // channels on the suppression list, for every message
	OptedOut   channel.Set      // channels on the suppression list, for advertising

	LastRule     Rule   // by which a run decided last
	LastDecision string // for people: the values of the last decision
	LastError    string // for people: why the last publish or attempt failed; no personal data
}

// Target is a billing target. Change it through its methods only.
type Target struct{ s State }

// ErrState is wrapped by the errors of Restore.
var ErrState = errors.New("a target cannot be in this state")

// Restore returns a target from what storage kept. ErrState.
func Restore(s State) (Target, error) {
	if s.Key.UserID <= 0 || s.Key.Month == 0 || s.Attempt < 0 || s.Round < 0 || s.Step < 0 {
		return Target{}, fmt.Errorf("%w: %s attempt %d round %d step %d", ErrState, s.Key, s.Attempt, s.Round, s.Step)
	}
	switch s.PendingEnd {
	case "", Cancelled, Expired, Exhausted:
		return Target{s: s}, nil
	case WrittenOff: // it was, before it turned out to be accepted
		if s.Dispatch == Succeeded {
			return Target{s: s}, nil
		}
		fallthrough
	default:
		return Target{}, fmt.Errorf("%w: %s: the pending end %q can never be granted", ErrState, s.Key, s.PendingEnd)
	}
}

// New returns a freshly imported target, READY from the start.
func New(k key.Target, availableAt time.Time) Target {
	return Target{s: State{Key: k, Batch: Imported, Dispatch: Ready, AvailableAt: availableAt}}
}

// State returns the target's data for storage.
func (t Target) State() State { return t.s }

// Key names the target.
func (t Target) Key() key.Target { return t.s.Key }

// Status is the dispatch status.
func (t Target) Status() Status { return t.s.Dispatch }

// Delivery is the current delivery key: of the try that is under way or comes next.
func (t Target) Delivery() key.Delivery {
	return key.Delivery{Month: t.s.Key.Month, UserID: t.s.Key.UserID, Attempt: t.s.Attempt, Round: t.s.Round}
}

// FirstAvailable returns when a new target may first go out: on the customer's send day (0: none) at or after the
// month's opening, or at the opening.
func FirstAvailable(opening time.Time, sendDay int, zone *time.Location) (time.Time, error) {
	if sendDay == 0 {
		return opening, nil
	}
	return window.SendDay(opening, sendDay, zone)
}

// nextAttempt moves on to the next try, on a step of the route. The key changes, so its requeues are counted anew.
func (t *Target) nextAttempt(step int16, at time.Time) {
	t.s.Attempt++
	t.s.Round, t.s.Requeues = 0, 0
	t.s.Step = step
	t.s.AvailableAt = at
	t.s.RequestedAt = time.Time{}
}

// nextRound repeats the same try under a new key; it costs no attempt.
func (t *Target) nextRound(at time.Time) {
	t.s.Round++
	t.s.Requeues = 0
	t.s.AvailableAt = at
	t.s.RequestedAt = time.Time{}
}

// Requested notes that the current key's event was acknowledged by the broker (R1). It binds the policy.
func (t *Target) Requested(d Decision, now time.Time, runID int64) error {
	if d.Kind() != Dispatch {
		return fmt.Errorf("%w: %s: the decision was %s", ErrTransition, t.s.Key, d.Kind())
	}
	if err := t.move(EventDispatch, Requested); err != nil {
		return err
	}
	t.s.Step, t.s.Policy = d.Step, d.Policy.Ref()
	t.s.RequestedAt, t.s.RunID = now, runID
	t.Explain(d)
	t.s.LastError = ""
	return nil
}

// PublishFailed notes that the event may not have reached the broker (R1). The target stays a candidate with the same
// attempt and round, so that the same key is published again after a pause.
func (t *Target) PublishFailed(d Decision, now time.Time, why string) {
	t.s.AvailableAt = now.Add(d.Policy.PublishRetry().Spread(0, t.s.Key.UserID))
	t.Explain(d)
	t.s.LastError = why
}

// Defer makes the target wait until a later instant; that costs neither attempt nor round (R1).
func (t *Target) Defer(d Decision) {
	t.s.AvailableAt = d.Until
	t.Explain(d)
}

// PauseFor stops dispatching the target until it is resumed (R1, R9).
func (t *Target) PauseFor(reason PauseReason) error {
	if err := t.move(EventPause, Paused); err != nil {
		return err
	}
	t.s.Pause = reason
	return nil
}

// Explain notes by which rule a run decided, and its values for people.
func (t *Target) Explain(d Decision) { t.s.LastRule, t.s.LastDecision = d.Rule, d.String() }

// Requeue makes a target whose message was lost a candidate again, with the same key (R8). After maxRequeues times it
// becomes PAUSED(no_claim) instead. Requeueing too early does no harm: the ledger lets only one delivery through.
func (t *Target) Requeue(maxRequeues int16, now time.Time) error {
	if t.s.Requeues >= maxRequeues && t.s.Dispatch == Requested {
		return t.PauseFor(PauseNoClaim)
	}
	if err := t.move(EventRequeue, Ready); err != nil {
		return err
	}
	t.s.Requeues++
	t.s.AvailableAt = now
	return nil
}

// End grants an end once the current key is revoked (R6): Cancelled, Expired or Exhausted.
func (t *Target) End(as Status) error {
	switch as {
	case Cancelled:
		return t.move(EventCancel, Cancelled)
	case Expired:
		return t.move(EventExpire, Expired)
	case Exhausted:
		return t.move(EventExhaust, Exhausted)
	default:
		return fmt.Errorf("%w: %s: %q is no end that can be requested", ErrTransition, t.s.Key, as)
	}
}

// KeepEnd remembers an end that cannot be granted yet, because the current key has a ledger row (R6). The first one
// is kept.
func (t *Target) KeepEnd(as Status) {
	if t.s.PendingEnd == "" && !t.s.Dispatch.Final() {
		t.s.PendingEnd = as
	}
}

// EndReason returns the reason with which a key is revoked for an end.
func EndReason(as Status) attempt.Reason {
	switch as {
	case Expired:
		return attempt.ReasonDeadline
	case Exhausted:
		return attempt.ReasonExhaust
	default:
		return attempt.ReasonCancel
	}
}

// AwaitEnd defers a candidate whose pending end cannot be granted before its current try has an outcome, so that a run does
// not come back to it at once. It does nothing to a target without one.
func (t *Target) AwaitEnd(now time.Time) {
	if t.s.PendingEnd != "" && (t.s.Dispatch == Ready || t.s.Dispatch == Failed) {
		t.s.AvailableAt = now.Add(endPause)
	}
}

// endPause is how long AwaitEnd defers a candidate.
const endPause = time.Minute
