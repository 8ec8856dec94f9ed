package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

// next tells what happens next, when, and who or what it waits for.
func (t *teller) next() Next {
	if row := t.current(); row != nil && !t.s.Dispatch.Final() {
		if next, decided := t.afterRow(*row); decided {
			return next
		}
	}
	switch t.s.Dispatch {
	case billing.Ready, billing.Failed:
		return t.nextCandidate()
	case billing.Requested:
		return t.nextRequested()
	case billing.Paused:
		return Next{Text: "It waits for a person: " + pauses[t.s.Pause][1] + ".", WaitsFor: ForPerson}
	case billing.Unknown:
		return t.nextUnknown()
	case billing.Succeeded:
		return Next{Text: "Nothing: it is never sent again.", WaitsFor: ForNothing}
	case billing.Cancelled:
		return Next{Text: "Nothing by itself. `balsong target uncancel` takes the cancellation back; the closed key stays closed.", WaitsFor: ForNothing}
	case billing.WrittenOff:
		return Next{Text: "Nothing. Should its gateway's acceptance still become known, it shows as SUCCEEDED.", WaitsFor: ForNothing}
	default:
		return Next{Text: "Nothing by itself: it is for the paper run (`balsong unreached`).", WaitsFor: ForNothing}
	}
}

// afterRow tells what follows from the current key's ledger row while the target does not agree with it yet; it reports
// false if nothing does.
func (t *teller) afterRow(row attempt.Row) (Next, bool) {
	switch row.State {
	case attempt.Claimed:
		if !t.DatabaseNow.Before(row.LeaseUntil) {
			return Next{Text: "Its lease has ended without an answer: the sweeper makes it UNKNOWN within seconds.", WaitsFor: ForSettlement}, true
		}
		return Next{
			Text:     fmt.Sprintf("Delivery is calling the gateway. Without an answer by %s it becomes UNKNOWN and is held.", t.when(row.LeaseUntil)),
			At:       row.LeaseUntil,
			WaitsFor: ForDelivery,
		}, true
	case attempt.Unknown:
		return Next{}, false
	case attempt.Failed, attempt.NotSent, attempt.Succeeded:
		if t.s.Dispatch == billing.Paused {
			return Next{}, false
		}
		return Next{Text: "The outcome of its try is known: settlement brings the bill in line with it within seconds.", WaitsFor: ForSettlement}, true
	default:
		return Next{}, false
	}
}

func (t *teller) nextCandidate() Next {
	switch t.s.Batch {
	case billing.RenderFailed:
		return Next{Text: "It waits for a person: it could not be rendered. Correct its data and render it again.", WaitsFor: ForPerson}
	case billing.Imported:
		return Next{Text: fmt.Sprintf("It waits to be rendered: `balsong batch render --month %s`.", t.s.Key.Month), WaitsFor: ForBatch}
	default:
	}
	if t.Halt.On {
		return Next{Text: "It waits until somebody lifts the halt (`balsong go-on`).", WaitsFor: ForPerson}
	}
	snapshot, err := policy.NewSnapshot(t.Policies)
	if err != nil {
		return Next{Text: "It waits for a person: no policy is ACTIVE (`balsong policy activate`).", WaitsFor: ForPerson}
	}
	at := later(t.s.AvailableAt, t.Now)
	return t.decided(billing.Decide(t.Target, snapshot, at), at)
}

// decided tells what a run at an instant will decide.
func (t *teller) decided(d billing.Decision, at time.Time) Next {
	text := "The next dispatcher run "
	if at.After(t.Now) {
		text = fmt.Sprintf("It is due on %s%s. The next run from then on ", t.when(at), t.because())
	}
	waits := ForDispatcher
	switch d.Kind {
	case billing.Dispatch:
		text += fmt.Sprintf("sends it by %s (step %d)%s", name(d.Channel), d.Step, skipped(d))
	case billing.Deferral:
		at = d.Until
		waits = ForTime
		text += fmt.Sprintf("puts it off to %s: quiet hours %s bind %s", t.when(d.Until), d.Quiet, name(d.Channel))
	case billing.Pausing:
		text += "holds it back for a person: " + pauses[d.Pause][0] + skipped(d)
	case billing.Expire:
		text += "ends it as EXPIRED: its deadline passed on " + t.when(d.Deadline)
	default:
		text += fmt.Sprintf("ends it as %s: %s", d.End, rules[d.Reason])
	}
	if t.Month.Month != 0 && !t.Month.Open {
		text += fmt.Sprintf("; as the month is closed, only a run that names it (`balsong dispatcher --month %s`)", t.s.Key.Month)
	}
	next := Next{Text: text + ".", WaitsFor: waits}
	if at.After(t.Now) {
		next.At, next.WaitsFor = at, ForTime
	}
	if !d.Deadline.IsZero() && d.Kind != billing.Expire {
		next.Text += fmt.Sprintf(" After %s it expires.", t.when(d.Deadline))
	}
	return next
}

// because tells why a candidate is not due yet, if that is known.
func (t *teller) because() string {
	last := t.last(attempt.States...)
	switch {
	case t.s.Dispatch == billing.Failed:
		return ", the pause after a refusal"
	case strings.HasPrefix(t.s.LastDecision, string(billing.Deferral)+" quiet_hours") && (last == nil || last.Reason != attempt.ReasonThrottled):
		return ", when its quiet hours end"
	case last != nil && last.State == attempt.NotSent:
		return ", after it was put back (" + reasons[last.Reason] + ")"
	case len(t.Rows) == 0:
		return ", the opening of dispatch or its send day"
	default:
		return ""
	}
}

func skipped(d billing.Decision) string {
	var words []string
	for _, skip := range d.Skipped {
		why := "no destination"
		if skip.Reason == "suppressed" {
			why = "suppressed"
		}
		words = append(words, name(skip.Channel)+" ("+why+")")
	}
	if len(words) == 0 {
		return ""
	}
	return ", skipping " + listed(words, "and")
}

func (t *teller) nextRequested() Next {
	text := fmt.Sprintf("Its request has lain in the event log since %s and waits for delivery.", t.when(t.s.RequestedAt))
	if t.Halt.On {
		text += " Delivery holds still until somebody lifts the halt (`balsong go-on`)."
		return Next{Text: text, WaitsFor: ForPerson}
	}
	limit := int16(3)
	if v, ok := t.bound(); ok {
		limit = v.MaxRequeues()
	}
	text += fmt.Sprintf(" Should the request be lost, the reaper makes it again once delivery has read past it (%d of %d times so far).", t.s.Requeues, limit)
	return Next{Text: text, WaitsFor: ForDelivery}
}

func (t *teller) nextUnknown() Next {
	text := "It waits for a person: ask the gateway"
	if row := t.last(attempt.Unknown); row != nil {
		text += fmt.Sprintf(" for %s (%s)", row.Key, name(row.Channel))
	}
	text += ", then say `balsong target delivered` or `not-delivered`; `send-anyway` admits a second copy once its call can no longer be under way, `write-off` closes it."
	return Next{Text: text, WaitsFor: ForPerson}
}
