package billing

import (
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// DecisionKind is what a run does with a candidate.
type DecisionKind string

// The decisions of R1. Expire and Exhaust end through a revocation (R6), as does Grant: the wish of an operator or
// of an earlier run that could not be granted yet.
const (
	Dispatch DecisionKind = "DISPATCH"
	Deferral DecisionKind = "DEFER"
	Pausing  DecisionKind = "PAUSE"
	Exhaust  DecisionKind = "EXHAUST"
	Expire   DecisionKind = "EXPIRE"
	Grant    DecisionKind = "GRANT_WISH"
)

// DecisionKinds lists every decision.
var DecisionKinds = []DecisionKind{Dispatch, Deferral, Pausing, Exhaust, Expire, Grant}

// Decision is what the domain decides about one candidate, with the values that decided.
type Decision struct {
	Kind     DecisionKind
	Reason   string // the rule's name: "due", "quiet_hours", "not_yet", "no_destination", "suppressed", "deadline", "route_end", "no_policy", "wish"
	Policy   policy.Version
	Channel  channel.Kind     // of Dispatch
	Step     int16            // of Dispatch
	Until    time.Time        // of Deferral
	Pause    PauseReason      // of Pausing
	End      Status           // of Exhaust, Expire and Grant
	Quiet    window.Forbidden // the window that binds the channel; zero: none
	Deadline time.Time        // the last instant at which a call may be made; zero: none
}

// String is the decision for people: "DISPATCH due EMAIL step 0 by policy 1 v1".
func (d Decision) String() string {
	switch d.Kind {
	case Dispatch:
		return fmt.Sprintf("%s %s %s step %d by policy %s", d.Kind, d.Reason, d.Channel, d.Step, d.Policy.Ref())
	case Deferral:
		return fmt.Sprintf("%s %s until %s by policy %s", d.Kind, d.Reason, d.Until.UTC().Format(time.RFC3339), d.Policy.Ref())
	default:
		return fmt.Sprintf("%s %s by policy %s", d.Kind, d.Reason, d.Policy.Ref())
	}
}

// Facts are what the ledger and the event must know of a dispatch.
func (d Decision) Facts(runID int64) attempt.Facts {
	return attempt.Facts{
		Channel: d.Channel, Step: d.Step,
		PolicyID: d.Policy.Ref().ID, PolicyVersion: d.Policy.Ref().Version,
		RunID: runID, Unknown: d.Policy.UnknownFor(d.Channel),
	}
}

// Decide says what to do with a candidate, from the target, the snapshot and now alone.
func Decide(t Target, snapshot policy.Snapshot, now time.Time) Decision {
	version, ok := snapshot.For(t.s.Policy)
	if !ok {
		return Decision{Kind: Pausing, Reason: "no_policy", Pause: PauseNoPolicy}
	}
	d := Decision{Policy: version, Deadline: t.deadline(version)}
	if t.s.Wish != "" {
		d.Kind, d.Reason, d.End = Grant, "wish", t.s.Wish
		return d
	}
	if !d.Deadline.IsZero() && !now.Before(d.Deadline) {
		d.Kind, d.Reason, d.End = Expire, "deadline", Expired
		return d
	}
	if now.Before(t.s.AvailableAt) {
		d.Kind, d.Reason, d.Until = Deferral, "not_yet", t.s.AvailableAt
		return d
	}
	return t.decideChannel(d, now)
}

// decideChannel takes the first step, from the target's own on, whose channel can reach the customer. Steps that
// cannot are skipped and spend no attempt.
func (t Target) decideChannel(d Decision, now time.Time) Decision {
	steps := d.Policy.Steps(t.s.Wished)
	for step := t.s.Step; int(step) < len(steps); step++ {
		kind := steps[step]
		if !t.s.Reachable.Has(kind) || t.s.Suppressed.Has(kind) {
			continue
		}
		d.Channel, d.Step = kind, step
		d.Quiet = t.quietFor(d.Policy, kind)
		if opening := d.Quiet.NextOpening(now); opening.After(now) {
			d.Kind, d.Reason, d.Until = Deferral, "quiet_hours", opening
			return d
		}
		d.Kind, d.Reason = Dispatch, "due"
		return d
	}
	if t.s.Attempt > 0 {
		d.Kind, d.Reason, d.End = Exhaust, "route_end", Exhausted
		return d
	}
	d.Kind, d.Reason, d.Pause = Pausing, "no_destination", PauseNoDestination
	for _, kind := range steps {
		if t.s.Reachable.Has(kind) {
			d.Reason, d.Pause = "suppressed", PauseSuppressed
		}
	}
	return d
}

func (t Target) quietFor(v policy.Version, kind channel.Kind) window.Forbidden {
	switch {
	case !v.QuietBinds(kind):
		return window.Forbidden{}
	case !t.s.Quiet.IsZero():
		return t.s.Quiet
	default:
		return v.QuietHours()
	}
}

// deadline is the earlier of the target's own and the policy's.
func (t Target) deadline(v policy.Version) time.Time {
	own, general := t.s.Deadline, v.Deadline(t.s.Key.Month.Start(v.Zone()))
	if own.IsZero() || (!general.IsZero() && general.Before(own)) {
		return general
	}
	return own
}
