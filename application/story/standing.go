package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/window"
)

// decision says what a run decided last, by which rule and with which values.
func (b *builder) decision() {
	rule := b.s.LastRule
	if rule == "" {
		return
	}
	text := fmt.Sprintf("Last decision of a run: %s, by the rule %q: %s", rule.Kind(), rule, rule.Text().English)
	var at time.Time
	if rule == billing.RuleDue && !b.s.RequestedAt.IsZero() {
		at = b.s.RequestedAt
		text += fmt.Sprintf("; requested on %s", b.when(at))
		if b.Run.ID != 0 {
			text += fmt.Sprintf(" by run %d of %s (%s)", b.Run.ID, b.Run.By.Actor, b.Run.By.Reason)
		}
	}
	b.add(at, "decision", "%s. In full: %s.", text, b.s.LastDecision)
	if v, ok := b.bound(); ok {
		b.add(time.Time{}, "decision", "The policy is %q %s (%s): its route for this customer is %s; quiet hours %s.", v.Name(), v.Ref(), v.Status(),
			route(v.Steps(b.s.Wished)), b.quiet())
	}
}

// route writes "EMAIL, EMAIL, SMS".
func route(steps []channel.Kind) string {
	words := make([]string, len(steps))
	for i, step := range steps {
		words[i] = string(step)
	}
	return strings.Join(words, " → ")
}

// quiet says which quiet hours bind which channels.
func (b *builder) quiet() string {
	v, ok := b.bound()
	if !ok {
		return "none"
	}
	var hours window.Union
	var bound []string
	for _, kind := range channel.All {
		if v.QuietBinds(kind) {
			hours = b.Target.QuietFor(v, kind)
			bound = append(bound, name(kind))
		}
	}
	whose := "the policy's"
	switch {
	case hours.IsZero() || len(bound) == 0:
		return "bind nothing"
	case !hours[1].IsZero():
		whose = "the policy's and the customer's own"
	case !b.s.Quiet.IsZero():
		whose = "the customer's own"
	case b.s.Zone != nil:
		whose = "the policy's, in the customer's zone"
	}
	return fmt.Sprintf("%s (%s) bind %s", hours, whose, listed(bound))
}

// standing says what else affects the bill.
func (b *builder) standing() {
	if b.s.LastError != "" && !b.s.Dispatch.Final() {
		b.add(time.Time{}, "state", "The last error was: %s.", b.s.LastError)
	}
	switch {
	case b.s.Requeues == 1:
		b.add(time.Time{}, "state", "Its request was lost and repeated once.")
	case b.s.Requeues > 1:
		b.add(time.Time{}, "state", "Its request was lost and repeated %d times.", b.s.Requeues)
	}
	if b.s.PendingEnd != "" {
		b.add(time.Time{}, "state", "It becomes %s once the attempt in progress has an outcome other than success.", b.s.PendingEnd)
	}
	if !b.Month.Open && b.Month.Month != 0 && !b.s.Dispatch.Final() {
		b.add(b.Month.ClosedAt, "month", "The month was closed on %s: only a run that names it takes its bills.", b.when(b.Month.ClosedAt))
	}
	if b.Halt.On && !b.s.Dispatch.Final() {
		b.add(b.Halt.Since, "halt", "Everything is halted since %s by %s: %s.", b.when(b.Halt.Since), b.Halt.Actor, orNot(b.Halt.Reason))
	}
	for _, h := range b.ChannelHalts {
		if h.On && !b.s.Dispatch.Final() && b.concerns(h.Channel) {
			b.add(h.Since, "halt", "The channel %s is halted since %s by %s: %s.", h.Channel, b.when(h.Since), h.Actor, orNot(h.Reason))
		}
	}
}

// concerns reports whether the halt of a channel keeps the bill back.
func (b *builder) concerns(kind channel.Kind) bool {
	if b.s.Dispatch == billing.Requested {
		on, _ := b.requestedOn()
		return on == kind
	}
	d, _, decided := b.coming()
	return decided && d.Kind() == billing.Waiting && d.Channel == kind
}

// headline says the state of the bill in one sentence.
func (b *builder) headline() string {
	bill := fmt.Sprintf("Customer %s's bill of %s", b.Customer, b.s.Key.Month)
	if n := b.s.Key.CopyNumber(); n > 0 {
		bill = fmt.Sprintf("Copy %d of customer %s's bill of %s", n, b.Customer, b.s.Key.Month)
	}
	switch b.s.Dispatch {
	case billing.Succeeded:
		return bill + b.acceptance()
	case billing.Ready, billing.Failed:
		return bill + b.waiting() + b.again() + b.tried()
	case billing.Requested:
		return bill + " was requested and waits for its outcome."
	case billing.Paused:
		return fmt.Sprintf("%s is paused (PAUSED, %s): %s.", bill, b.s.Pause, b.s.Pause.Text().English)
	case billing.Unknown:
		return bill + " may have been delivered: a gateway was called and its answer is not known (UNKNOWN)."
	case billing.Exhausted:
		return bill + " was not delivered: every step of its route was " + b.howRefused() + " (EXHAUSTED)" + b.refusedLast() + "."
	case billing.Expired:
		return bill + " was not delivered: its deadline passed (EXPIRED)."
	case billing.Cancelled:
		return bill + " was cancelled."
	default:
		return bill + " was closed by an operator, its outcome unknown (WRITTEN_OFF)."
	}
}
