package billing

import (
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// Decision is what the domain decides about one candidate, with the values that led to it.
type Decision struct {
	Rule     Rule
	Policy   policy.Version
	Channel  channel.Kind // of Dispatch and Deferral; of Waiting the one that is halted
	Step     int16        // of Dispatch and Deferral
	Until    time.Time    // of Deferral
	End      Status       // of Exhaust, Expire and GrantEnd
	Quiet    window.Union // the windows that bind the channel; zero: none
	Deadline time.Time    // no call is made from this instant on; zero: none
	Skipped  []Skip       // channels of the route that come before and cannot reach the customer, each once
}

// Skip is a channel that cannot reach the customer, and why.
type Skip struct {
	Channel channel.Kind
	Reason  SkipReason
}

// Kind is what the run does.
func (d Decision) Kind() DecisionKind { return d.Rule.Kind() }

// instant is a time for people: in the policy's zone, in UTC without one.
func (d Decision) instant(at time.Time) string {
	zone := d.Policy.Zone()
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format("2006-01-02 15:04:05 MST")
}

// Held is the decision to pause instead, by a rule that pauses: what was found out after the decision rules it out.
func (d Decision) Held(by Rule) Decision { return Decision{Rule: by, Policy: d.Policy} }

// String is the decision for people, with the values that led to it: "DISPATCH due SMS step 2 by policy 1 v1, skipped
// EMAIL (no_destination)", "DEFER quiet_hours until 2026-11-23 08:00:00 KST for SMS step 2, quiet 21:00–08:00 Asia/Seoul, by
// policy 1 v1".
func (d Decision) String() string {
	text := string(d.Kind()) + " " + string(d.Rule)
	switch d.Kind() {
	case Dispatch:
		text += fmt.Sprintf(" %s step %d", d.Channel, d.Step)
	case Deferral:
		text += " until " + d.instant(d.Until)
		if d.Channel != "" {
			text += fmt.Sprintf(" for %s step %d, quiet %s,", d.Channel, d.Step, d.Quiet)
		}
	case Waiting:
		text += fmt.Sprintf(" for %s", d.Channel)
	default:
	}
	text += " by policy " + d.Policy.Ref().String()
	for i, skip := range d.Skipped {
		between := ", "
		if i == 0 {
			between = ", skipped "
		}
		text += between + string(skip.Channel) + " (" + string(skip.Reason) + ")"
	}
	return text
}

func (d *Decision) skip(kind channel.Kind, reason SkipReason) {
	for _, s := range d.Skipped {
		if s.Channel == kind {
			return
		}
	}
	d.Skipped = append(d.Skipped, Skip{Channel: kind, Reason: reason})
}

// Decide says what to do with a candidate. It depends on the target, the snapshot and now alone.
func Decide(t Target, snapshot policy.Snapshot, now time.Time) Decision {
	version, ok := snapshot.For(t.s.Policy)
	if !ok {
		return Decision{Rule: RuleNoPolicy}
	}
	d := Decision{Policy: version, Deadline: t.deadline(version)}
	if t.s.PendingEnd != "" {
		d.Rule, d.End = RulePendingEnd, t.s.PendingEnd
		return d
	}
	if !d.Deadline.IsZero() && !now.Before(d.Deadline) {
		d.Rule, d.End = RuleDeadline, Expired
		return d
	}
	if now.Before(t.s.AvailableAt) {
		d.Rule, d.Until = RuleNotYet, t.s.AvailableAt
		return d
	}
	return t.decideChannel(d, now)
}

// decideChannel dispatches or defers on the first step, from the target's own on, whose channel can reach the customer.
// Steps that cannot are skipped and cost no attempt. If none is left, the target is exhausted, or paused if it was
// never tried.
func (t Target) decideChannel(d Decision, now time.Time) Decision {
	steps := d.Policy.Steps(t.s.Wished)
	for step := t.s.Step; int(step) < len(steps); step++ {
		kind := steps[step]
		switch {
		case !t.s.Reachable.Has(kind):
			d.skip(kind, SkipNoDestination)
			continue
		case t.suppressed(d.Policy, kind):
			d.skip(kind, SkipSuppressed)
			continue
		}
		d.Channel, d.Step = kind, step
		d.Quiet = t.QuietFor(d.Policy, kind)
		if opening := d.Quiet.NextOpening(now); opening.After(now) {
			d.Rule, d.Until = RuleQuietHours, opening
			return d
		}
		d.Rule = RuleDue
		return d
	}
	if t.s.Attempt > 0 {
		d.Rule, d.End = RuleRouteEnd, Exhausted
		return d
	}
	d.Rule = RuleNoDestination
	for _, kind := range steps {
		if t.s.Reachable.Has(kind) {
			d.Rule = RuleSuppressed
		}
	}
	return d
}

// Under is the decision while channels are halted. Who would be dispatched on one of them waits, and so does who was tried on one last
// and would continue on another channel, or come to the end of the route: a wrong refusal must not move a bill on while a person looks.
func (t Target) Under(halted channel.Set, d Decision) Decision {
	kind := d.Channel
	switch d.Kind() {
	case Dispatch, Exhaust:
		if last := t.lastTried(d.Policy); halted.Has(last) {
			kind = last
		}
	default:
		return d
	}
	if !halted.Has(kind) {
		return d
	}
	return Decision{Rule: RuleChannelHalted, Policy: d.Policy, Channel: kind, Deadline: d.Deadline}
}

// lastTried is the channel of the try before the current one, "" before the first: the step before the target's own is that try's, or
// one of its channel that a refusal for good skipped. Steps without a destination were skipped and not tried; a suppressed one may be
// the try's, whose refusal suppressed it.
func (t Target) lastTried(v policy.Version) channel.Kind {
	if t.s.Attempt == 0 {
		return ""
	}
	steps := v.Steps(t.s.Wished)
	for before := int(t.s.Step) - 1; before >= 0 && before < len(steps); before-- {
		if t.s.Reachable.Has(steps[before]) {
			return steps[before]
		}
	}
	return ""
}

// suppressed reports whether the policy's messages must not go out on a channel.
func (t Target) suppressed(v policy.Version, kind channel.Kind) bool {
	return t.s.Suppressed.Has(kind) || (v.Class() == policy.Advertising && t.s.OptedOut.Has(kind))
}

// QuietFor returns the quiet hours that bind a channel; zero if none do. A customer's own replace the policy's for a bill
// and bind beside them for advertising. The policy's go by the clock of the customer's zone, if that is known.
func (t Target) QuietFor(v policy.Version, kind channel.Kind) window.Union {
	own, zone := t.s.Quiet, t.s.Zone
	switch {
	case !v.QuietBinds(kind):
		return window.Union{}
	case own.IsZero():
		return window.Union{v.QuietHours().In(zone)}
	case v.Class() == policy.Advertising:
		return window.Union{v.QuietHours().In(own.Zone()), own}
	default:
		return window.Union{own}
	}
}

// deadline returns the earlier one of the target's own deadline and the policy's; zero if there is none. The policy says until
// when the month's bills go out: a copy, which is asked for later, has its own deadline alone.
func (t Target) deadline(v policy.Version) time.Time {
	if t.s.Key.CopyNumber() > 0 {
		return t.s.Deadline
	}
	own, general := t.s.Deadline, v.Deadline(t.s.Key.Month.Start(v.Zone()))
	if own.IsZero() || (!general.IsZero() && general.Before(own)) {
		return general
	}
	return own
}
