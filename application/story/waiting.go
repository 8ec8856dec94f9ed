package story

import (
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// waiting says of a candidate what the last thing was that happened to it.
func (b *builder) waiting() string {
	row := b.last(attempt.States...)
	switch {
	case b.unpublished():
		return " was to go out, but the event log did not acknowledge its request."
	case row == nil && b.s.Requeues > 0:
		return " was dispatched, but its request was lost from the event log."
	case row == nil:
		return " has not been dispatched yet."
	case row.Reason == attempt.ReasonCorrect:
		return " was corrected on " + b.when(began(*row)) + " and has not been dispatched since."
	case row.Reported && (row.State == attempt.Failed || row.State == attempt.NotSent):
		return fmt.Sprintf(" was reported as not delivered by %s on %s and waits for its next attempt.", name(row.Channel), b.when(row.FinishedAt))
	case row.State == attempt.NotSent:
		return fmt.Sprintf(" was dispatched by %s and put back on %s: %s.", name(row.Channel), b.when(later(row.FinishedAt, row.ClaimedAt)), orNot(row.Reason.Text().English))
	case row.State == attempt.Failed && row.Reason == attempt.ReasonRefused:
		return fmt.Sprintf(" was refused by the %s gateway on %s and waits for its next attempt.", name(row.Channel), b.when(later(row.FinishedAt, row.ClaimedAt)))
	case row.State == attempt.Failed && row.Reason == attempt.ReasonManual:
		return " was not delivered, as an operator recorded on " + b.when(began(*row)) + ", and waits for its next attempt."
	case row.State == attempt.Claimed, row.State == attempt.Succeeded:
		return " was dispatched and waits for its outcome."
	case row.State == attempt.Unknown:
		return " was dispatched, the outcome of its call stayed unknown, and it was let go out once more."
	case row.State == attempt.Revoked && b.noted(port.ActionUncancel) != nil:
		return " was cancelled, and the cancellation was taken back on " + b.when(b.noted(port.ActionUncancel).By.At) + "."
	default:
		return " has failed so far and waits for its next attempt."
	}
}

// unpublished reports whether the event log did not acknowledge the request that a run published last.
func (b *builder) unpublished() bool {
	if b.s.LastRule != billing.RuleDue || b.s.LastError == "" {
		return false
	}
	row := b.last(attempt.States...)
	return b.s.Dispatch == billing.Ready && (row == nil && b.s.Requeues == 0 || row != nil && row.State == attempt.NotSent && b.s.LastError != string(row.Reason))
}

// again says when a candidate that was dispatched before goes again, if it does so by itself.
func (b *builder) again() string {
	if row := b.current(); row != nil || b.Halt.On || (b.Month.Month != 0 && !b.Month.Open) {
		return ""
	}
	d, at, decided := b.coming()
	if !decided || (len(b.Rows) == 0 && !b.unpublished() && b.s.Requeues == 0) {
		return ""
	}
	switch d.Kind() {
	case billing.Deferral:
		at = d.Until
	case billing.Dispatch:
	default:
		return ""
	}
	if at.After(b.Now) {
		return fmt.Sprintf(" It goes again by %s on %s at the earliest.", name(d.Channel), b.when(at))
	}
	return fmt.Sprintf(" It goes again by %s with the next dispatcher run.", name(d.Channel))
}

// refusedLast says which refusal was the last one; "" where nothing was refused.
func (b *builder) refusedLast() string {
	row := b.last(attempt.Failed)
	switch {
	case row != nil && row.Reported:
		return fmt.Sprintf(", the last one, by %s, was reported as not delivered on %s", name(row.Channel), b.when(row.FinishedAt))
	case row == nil || row.Reason != attempt.ReasonRefused:
		return ""
	}
	return fmt.Sprintf(", the last one by the %s gateway on %s", name(row.Channel), b.when(later(row.FinishedAt, row.ClaimedAt)))
}

// tried says how often a gateway was called, or is being called.
func (b *builder) tried() string {
	n := 0
	for _, row := range b.rows {
		if called(row) {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return " One try so far."
	default:
		return fmt.Sprintf(" %d tries so far.", n)
	}
}

// called reports whether an effective row stands for a call of a gateway.
func called(row attempt.Row) bool {
	if row.Reported {
		return true
	}
	switch row.State {
	case attempt.Claimed, attempt.Unknown, attempt.Succeeded:
		return true
	case attempt.Failed:
		return row.Reason == attempt.ReasonRefused || row.Reason == attempt.ReasonManual || row.Reason == attempt.ReasonInquiry
	case attempt.NotSent:
		return row.Reason == attempt.ReasonRefused || row.Reason == attempt.ReasonProvider || row.Reason == attempt.ReasonThrottled
	default:
		return false
	}
}
