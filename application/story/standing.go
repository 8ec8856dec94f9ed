package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// decision tells what a run decided last, by which rule and with which values.
func (t *teller) decision() {
	if t.s.LastDecision == "" {
		return
	}
	kind, rest, _ := strings.Cut(t.s.LastDecision, " ")
	rule, _, _ := strings.Cut(rest, " ")
	text := fmt.Sprintf("Last decision of a run: %s, by the rule %q", strings.ToLower(kind), rule)
	if why := rules[rule]; why != "" {
		text += ": " + why
	}
	var at time.Time
	if kind == string(billing.Dispatch) && !t.s.RequestedAt.IsZero() {
		at = t.s.RequestedAt
		text += fmt.Sprintf("; requested on %s", t.when(at))
		if t.Run.ID != 0 {
			text += fmt.Sprintf(" by run %d of %s (%s)", t.Run.ID, t.Run.By.Actor, t.Run.By.Reason)
		}
	}
	t.say(at, "decision", "%s. In full: %s.", text, t.s.LastDecision)
	if v, ok := t.bound(); ok {
		t.say(time.Time{}, "decision", "The policy is %q %s (%s): its route for this customer is %s; quiet hours %s.", v.Name(), v.Ref(), v.Status(),
			route(v.Steps(t.s.Wished)), t.quiet())
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

// quiet tells which quiet hours bind which channels.
func (t *teller) quiet() string {
	v, ok := t.bound()
	if !ok {
		return "none"
	}
	hours, whose := t.s.Quiet, "the customer's own"
	if hours.IsZero() {
		hours, whose = v.QuietHours(), "the policy's"
	}
	var bound []string
	for _, kind := range channel.All {
		if v.QuietBinds(kind) {
			bound = append(bound, name(kind))
		}
	}
	if hours.IsZero() || len(bound) == 0 {
		return "bind nothing"
	}
	return fmt.Sprintf("%s (%s) bind %s", hours, whose, listed(bound, "and"))
}

// standing tells what else affects the bill.
func (t *teller) standing() {
	if t.s.LastError != "" && !t.s.Dispatch.Final() {
		t.say(time.Time{}, "state", "The last trouble was: %s.", t.s.LastError)
	}
	switch {
	case t.s.Requeues == 1:
		t.say(time.Time{}, "state", "Its request was lost and made again once.")
	case t.s.Requeues > 1:
		t.say(time.Time{}, "state", "Its request was lost and made again %d times.", t.s.Requeues)
	}
	if t.s.Wish != "" {
		t.say(time.Time{}, "state", "It is to become %s as soon as its try under way has an outcome that is no success.", t.s.Wish)
	}
	if !t.Month.Open && t.Month.Month != 0 && !t.s.Dispatch.Final() {
		t.say(t.Month.ClosedAt, "month", "The month was closed on %s: only a run that names it takes its bills.", t.when(t.Month.ClosedAt))
	}
	if t.Halt.On && !t.s.Dispatch.Final() {
		t.say(t.Halt.Since, "halt", "Everything is halted since %s by %s: %s.", t.when(t.Halt.Since), t.Halt.Actor, orNot(t.Halt.Reason))
	}
}

// headline tells the state of the bill in one sentence.
func (t *teller) headline() string {
	bill := fmt.Sprintf("Customer %s's bill of %s", t.Customer, t.s.Key.Month)
	switch t.s.Dispatch {
	case billing.Succeeded:
		if row := t.last(attempt.Succeeded); row != nil {
			return fmt.Sprintf("%s was accepted by the %s gateway on %s.", bill, name(row.Channel), t.when(later(row.FinishedAt, row.ClaimedAt)))
		}
		return bill + " was accepted by a gateway."
	case billing.Ready:
		return bill + " has not been dispatched yet." + t.tried()
	case billing.Failed:
		return bill + " was not taken so far: its next attempt waits." + t.tried()
	case billing.Requested:
		return bill + " is on its way to the gateway."
	case billing.Paused:
		return fmt.Sprintf("%s is held back (PAUSED, %s): %s.", bill, t.s.Pause, pauses[t.s.Pause][0])
	case billing.Unknown:
		return bill + " may have been delivered: a gateway was called and its answer is not known (UNKNOWN)."
	case billing.Exhausted:
		return bill + " was not delivered: every step of its route was refused (EXHAUSTED)."
	case billing.Expired:
		return bill + " was not delivered: its deadline passed (EXPIRED)."
	case billing.Cancelled:
		return bill + " was cancelled."
	default:
		return bill + " was closed by an operator, its outcome unknown (WRITTEN_OFF)."
	}
}

func (t *teller) tried() string {
	switch n := len(t.Rows); n {
	case 0:
		return ""
	case 1:
		return " One try so far."
	default:
		return fmt.Sprintf(" %d tries so far.", n)
	}
}
