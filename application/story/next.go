package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// next says what happens next, when, and who or what it waits for.
func (b *builder) next() Next {
	if row := b.current(); row != nil && !b.s.Dispatch.Final() {
		if next, decided := b.afterRow(*row); decided {
			return next
		}
	}
	if b.takenBack() {
		return Next{Text: "It was accepted, and reported as not delivered: settlement takes the acceptance back within seconds.", WaitsFor: ForSettlement}
	}
	switch b.s.Dispatch {
	case billing.Ready, billing.Failed:
		return b.nextCandidate()
	case billing.Requested:
		return b.nextRequested()
	case billing.Paused:
		return Next{Text: "It waits for a person: " + b.remedy() + ".", WaitsFor: ForPerson}
	case billing.Unknown:
		return b.nextUnknown()
	case billing.Succeeded:
		return Next{Text: "Nothing: it is " + b.unlessReported() + ". `balsong target copy` sends the customer a copy.", WaitsFor: ForNothing}
	case billing.Cancelled:
		return Next{Text: "Nothing by itself. `balsong target uncancel` takes the cancellation back; the closed key stays closed.", WaitsFor: ForNothing}
	case billing.WrittenOff:
		return Next{Text: "Nothing. If the gateway's acceptance still becomes known, it becomes SUCCEEDED.", WaitsFor: ForNothing}
	default:
		if b.s.Key.CopyNumber() > 0 {
			return Next{Text: "Nothing by itself: another copy can be asked for (`balsong target copy`).", WaitsFor: ForNothing}
		}
		return Next{Text: "Nothing by itself: it is for the postal mailing (`balsong unreached`).", WaitsFor: ForNothing}
	}
}

// remedy says what a person can do about a pause. The data and the address of a copy are not corrected: another copy is made.
func (b *builder) remedy() string {
	n := b.s.Key.CopyNumber()
	if by := b.noted(port.ActionPause); b.s.Pause == billing.PauseOperator && by != nil {
		return fmt.Sprintf("paused by %s (%s): once that is settled, %s", by.By.Actor, orNot(by.By.Reason), remedies[b.s.Pause])
	}
	if n == 0 {
		return remedies[b.s.Pause]
	}
	switch b.s.Pause {
	case billing.PauseNoDestination, billing.PauseNoStatement, billing.PauseSuppressed, billing.PauseContent:
		return fmt.Sprintf("cancel the copy (`balsong target cancel --copy %d`), then ask for another one (`balsong target copy`)", n)
	default:
		return remedies[b.s.Pause]
	}
}

// named says with an act on a copy how the copy is named.
func (b *builder) named(next Next) Next {
	if n := b.s.Key.CopyNumber(); n > 0 && strings.Contains(next.Text, "`balsong target ") && !strings.Contains(next.Text, "`balsong target copy`") {
		next.Text += fmt.Sprintf(" The copy is named by --copy %d.", n)
	}
	return next
}

// afterRow says what follows from the current key's ledger row while the target does not agree with it yet; it reports
// false if nothing does.
func (b *builder) afterRow(row attempt.Row) (Next, bool) {
	switch row.State {
	case attempt.Claimed:
		if !b.DatabaseNow.Before(row.LeaseUntil) {
			return Next{Text: "Its lease has ended without an answer: the sweeper makes it UNKNOWN within seconds.", WaitsFor: ForSettlement}, true
		}
		return Next{
			Text:     fmt.Sprintf("Delivery is calling the gateway. Without an answer by %s it becomes UNKNOWN and is held.", b.when(row.LeaseUntil)),
			At:       row.LeaseUntil,
			WaitsFor: ForDelivery,
		}, true
	case attempt.Unknown:
		return Next{}, false
	case attempt.Failed, attempt.NotSent, attempt.Succeeded:
		if b.s.Dispatch == billing.Paused {
			return Next{}, false
		}
		return Next{Text: "The outcome of its attempt is known: settlement applies it within seconds.", WaitsFor: ForSettlement}, true
	default:
		return Next{}, false
	}
}

func (b *builder) nextCandidate() Next {
	switch b.s.Batch {
	case billing.RenderFailed:
		return Next{Text: fmt.Sprintf("It waits for a person: it could not be rendered. Correct its data or the templates, and render it again: `balsong batch render --month %s --failed`.", b.s.Key.Month), WaitsFor: ForPerson}
	case billing.Imported:
		return Next{Text: fmt.Sprintf("It waits to be rendered: `balsong batch render --month %s`.", b.s.Key.Month), WaitsFor: ForBatch}
	default:
	}
	if b.Halt.On {
		return Next{Text: "It waits until the halt is lifted (`balsong resume --reason …`).", WaitsFor: ForPerson}
	}
	d, at, decided := b.coming()
	if !decided {
		return Next{Text: "It waits for a person: no policy is ACTIVE (`balsong policy activate`).", WaitsFor: ForPerson}
	}
	return b.decided(d, at)
}

// coming is what a run decides about a rendered candidate once it is due, and when that is; false without an ACTIVE policy.
func (b *builder) coming() (d billing.Decision, at time.Time, decided bool) {
	snapshot, err := policy.NewSnapshot(b.Policies)
	if err != nil || b.s.Batch != billing.Rendered {
		return d, at, false
	}
	at = later(b.s.AvailableAt, b.Now)
	return b.Target.Under(port.HaltedChannels(b.ChannelHalts), billing.Decide(b.Target, snapshot, at)), at, true
}

// decided says what a run at an instant will decide.
func (b *builder) decided(d billing.Decision, at time.Time) Next {
	text := "The next dispatcher run "
	if at.After(b.Now) {
		text = fmt.Sprintf("It is due on %s%s. The next run from then on ", b.when(at), b.because())
	}
	waits := ForDispatcher
	switch d.Kind() {
	case billing.Waiting:
		return b.waitsForChannel(d)
	case billing.Dispatch:
		text += fmt.Sprintf("sends it by %s (step %d)%s", name(d.Channel), d.Step, skipped(d))
	case billing.Deferral:
		at = d.Until
		waits = ForTime
		text += fmt.Sprintf("defers it to %s: quiet hours %s bind %s", b.when(d.Until), d.Quiet, name(d.Channel))
	case billing.Pausing:
		text += "pauses it until a person acts: " + d.Rule.Pause().Text().English + skipped(d)
	case billing.Expire:
		text += "ends it as EXPIRED: its deadline passed on " + b.when(d.Deadline)
	default:
		text += fmt.Sprintf("ends it as %s: %s", d.End, d.Rule.Text().English)
	}
	if b.Month.Month != 0 && !b.Month.Open {
		text += fmt.Sprintf("; as the month is closed, only a run that names it (`dispatcher --month %s`)", b.s.Key.Month)
	}
	next := Next{Text: text + ".", WaitsFor: waits}
	if at.After(b.Now) {
		next.At, next.WaitsFor = at, ForTime
	}
	if !d.Deadline.IsZero() && d.Kind() != billing.Expire {
		next.Text += fmt.Sprintf(" After %s it expires.", b.when(d.Deadline))
	}
	return next
}

// waitsForChannel says that runs leave a candidate as it is until a person lifts the halt of a channel.
func (b *builder) waitsForChannel(d billing.Decision) Next {
	text := fmt.Sprintf("It waits until the halt of the channel %s is lifted (`balsong resume --channel %s --reason …`).", d.Channel, strings.ToLower(string(d.Channel)))
	if !d.Deadline.IsZero() {
		text += fmt.Sprintf(" After %s it expires.", b.when(d.Deadline))
	}
	return Next{Text: text, WaitsFor: ForPerson}
}

// because says why a candidate is not due yet, if that is known.
func (b *builder) because() string {
	last := b.last(attempt.States...)
	switch {
	case b.s.LastRule == billing.RuleQuietHours: // the last thing that was decided
		return ", when its quiet hours end"
	case b.unpublished():
		return ", the pause after a request that was not acknowledged"
	case b.s.Dispatch == billing.Failed:
		return ", the pause after a refusal"
	case last != nil && last.State == attempt.NotSent:
		return ", after it was put back (" + last.Reason.Text().English + ")"
	case len(b.Rows) == 0:
		return ", the opening of dispatch or its send day"
	default:
		return ""
	}
}

func skipped(d billing.Decision) string {
	var words []string
	for _, skip := range d.Skipped {
		words = append(words, name(skip.Channel)+" ("+skip.Reason.Text().English+")")
	}
	if len(words) == 0 {
		return ""
	}
	return ", skipping " + listed(words)
}

func (b *builder) nextRequested() Next {
	text := fmt.Sprintf("Its request is in the event log since %s and waits for delivery.", b.when(b.s.RequestedAt))
	if b.Halt.On {
		text += " Delivery is paused until the halt is lifted (`balsong resume --reason …`)."
		return Next{Text: text, WaitsFor: ForPerson}
	}
	if kind, halted := b.requestedOn(); halted {
		text += fmt.Sprintf(" Delivery is paused on the channel %s until its halt is lifted (`balsong resume --channel %s --reason …`).", kind, strings.ToLower(string(kind)))
		return Next{Text: text, WaitsFor: ForPerson}
	}
	limit := int16(3)
	if v, ok := b.bound(); ok {
		limit = v.MaxRequeues()
	}
	text += fmt.Sprintf(" If the request is lost, the reaper repeats it once delivery has read past it (%d of %d times so far).", b.s.Requeues, limit)
	return Next{Text: text, WaitsFor: ForDelivery}
}

// requestedOn is the channel by which it was requested, and whether that is halted.
func (b *builder) requestedOn() (kind channel.Kind, halted bool) {
	v, ok := b.bound()
	if steps := v.Steps(b.s.Wished); ok && int(b.s.Step) < len(steps) {
		kind = steps[b.s.Step]
	}
	return kind, port.HaltedChannels(b.ChannelHalts).Has(kind)
}

func (b *builder) nextUnknown() Next {
	text := "It waits for a person: ask the gateway"
	again := b.askedAgain()
	if !again.IsZero() {
		text = fmt.Sprintf("The gateway is asked again on %s. A person can end it before: ask the gateway", b.when(again))
	}
	if row := b.last(attempt.Unknown); row != nil {
		text += fmt.Sprintf(" for %s (%s)", row.Key, name(row.Channel))
	}
	text += ", then record `balsong target delivered` or `not-delivered`; `send-anyway` risks a second copy once its call can no longer be in progress, `write-off` closes it."
	if !again.IsZero() {
		return Next{Text: text, At: again, WaitsFor: ForAnswer}
	}
	return Next{Text: text, WaitsFor: ForPerson}
}
