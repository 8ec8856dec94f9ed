package story

import (
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// reported says what a provider said of a delivery after its call, and what follows.
func (b *builder) reported(r report.Report) string {
	text := fmt.Sprintf("%s: %s reported on %s that %s", b.delivery(r.Key), r.Provider, b.when(r.StoredAt), said(r))
	if r.Code != "" {
		text += "; its code is " + r.Code
	}
	if r.Detail != "" {
		text += "; it said: " + quoted(r.Detail)
	}
	if !r.SaidAt.IsZero() {
		text += ", of " + b.when(r.SaidAt)
	}
	if follows := b.follows(r); follows != "" {
		text += "; " + follows
	}
	return text + "."
}

// delivery names the delivery of a key.
func (b *builder) delivery(k key.Delivery) string {
	text := fmt.Sprintf("Attempt %d, round %d", k.Attempt, k.Round)
	if row := attempt.RowOf(b.Rows, k); row != nil && row.Channel != "" {
		text += ", by " + name(row.Channel)
	}
	return text
}

// said is what a report says, behind "that".
func said(r report.Report) string {
	switch r.Kind {
	case report.Delivered:
		return "it was delivered"
	case report.Undelivered:
		return "it was not delivered, " + r.Class.Text().English
	case report.Complained:
		return "the customer called it abuse"
	default:
		return "the customer wants no more messages on this channel"
	}
}

// follows says what a report leads to (R11).
func (b *builder) follows(r report.Report) string {
	row := attempt.RowOf(b.Rows, r.Key)
	switch {
	case row == nil:
		return ""
	case !r.Decides() && r.Kind == report.Undelivered:
		return "that is not its last word, so the bill stays as it is"
	case !r.Decides():
		return "the bill stays as it is"
	case !row.State.Closed():
		return "it counts once the call has an outcome"
	case r.Kind == report.Delivered && b.undelivered(r.Key) != nil:
		return "that contradicts its report that it was not delivered, and changes nothing"
	case b.gone:
		return "nothing follows, as the policy version that decides about it is gone"
	}
	return b.consequence(r, *row)
}

// consequence says what a report that decides has made of a ledger row.
func (b *builder) consequence(r report.Report, row attempt.Row) string {
	effective := *attempt.RowOf(b.rows, r.Key)
	switch {
	case effective.State == attempt.Succeeded && r.Kind == report.Undelivered:
		return fmt.Sprintf("policy %s only notes that, so the bill stays accepted", policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion})
	case !effective.Reported && r.Kind == report.Undelivered:
		return "that changes nothing"
	case !effective.Reported:
		return ""
	case effective.State == attempt.Succeeded:
		return "so it had been accepted"
	case effective.State == attempt.NotSent:
		return "so it counts as put back, and the same channel takes it once more"
	case effective.Class == attempt.Content:
		return "so it counts as refused, and is held until it is corrected"
	case b.s.Dispatch.Final() && b.s.Dispatch != billing.Succeeded && r.Key == b.Target.Delivery():
		return "so it counts as refused, and the bill ends as " + string(b.s.Dispatch)
	default:
		return "so it counts as refused, and the route goes on"
	}
}

// undelivered is the last report that says for certain that a delivery did not arrive; nil if there is none.
func (b *builder) undelivered(k key.Delivery) *report.Report {
	return b.lastReport(k, func(r report.Report) bool { return r.Kind == report.Undelivered && r.Definitive })
}

// lastReport is the newest report about a key of which something holds; nil if there is none.
func (b *builder) lastReport(k key.Delivery, holds func(report.Report) bool) *report.Report {
	var last *report.Report
	for i, r := range b.Reports {
		if r.Key == k && holds(r) && (last == nil || !r.StoredAt.Before(last.StoredAt)) {
			last = &b.Reports[i]
		}
	}
	return last
}

// acceptance says of a SUCCEEDED bill when it was accepted, and what was reported since.
func (b *builder) acceptance() string {
	row := b.last(attempt.Succeeded)
	if row == nil && b.takenBack() {
		row = b.current()
		return fmt.Sprintf(" was accepted, and reported as not delivered by %s on %s.", name(row.Channel), b.when(row.FinishedAt))
	}
	if row == nil {
		return " was accepted by a gateway."
	}
	text := fmt.Sprintf(" was accepted by the %s gateway on %s", name(row.Channel), b.when(later(row.FinishedAt, row.ClaimedAt)))
	if r := b.undelivered(row.Key); r != nil {
		return text + ", and reported as not delivered on " + b.when(r.StoredAt) + "."
	}
	if r := b.lastReport(row.Key, func(r report.Report) bool { return r.Kind == report.Delivered }); r != nil {
		return text + ", and reported as delivered on " + b.when(r.StoredAt) + "."
	}
	return text + "."
}

// takenBack reports whether the bill is SUCCEEDED and a report has taken that back, which settlement has not seen yet.
func (b *builder) takenBack() bool {
	row := b.current()
	return b.s.Dispatch == billing.Succeeded && row != nil && row.Reported && row.State != attempt.Succeeded && b.last(attempt.Succeeded) == nil
}

// unlessReported says when a SUCCEEDED bill is sent again.
func (b *builder) unlessReported() string {
	row := b.last(attempt.Succeeded)
	if row == nil || b.undelivered(row.Key) != nil || b.gone {
		return "never sent again"
	}
	if v, ok := b.version(policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}); !ok || v.UndeliveredFor(row.Channel) != policy.UndeliveredNext {
		return "never sent again"
	}
	return "never sent again, unless the provider reports for certain that it was not delivered"
}

// howRefused says how the steps of an EXHAUSTED bill ended.
func (b *builder) howRefused() string {
	for _, row := range b.rows {
		if row.Reported && row.State == attempt.Failed {
			return "refused or not delivered"
		}
	}
	return "refused"
}

// asked says what a provider was asked about a delivery, and what it answered last.
func (b *builder) asked(q port.Inquiry) string {
	whom, open := "the provider", false
	if row := attempt.RowOf(b.Rows, q.Key); row != nil {
		open = row.State == attempt.Unknown
		if row.Provider != "" {
			whom = row.Provider
		}
	}
	times := "once"
	if q.Asks > 1 {
		times = fmt.Sprintf("%d times", q.Asks)
	}
	text := fmt.Sprintf("%s: %s was asked %s what became of it; its last answer, on %s: %s", b.delivery(q.Key), whom, times, b.when(q.AskedAt), found(q.Last))
	switch {
	case !open:
	case q.Again.IsZero():
		text += "; it is not asked again"
	default:
		text += "; it is asked again on " + b.when(q.Again)
	}
	return text + "."
}

// found is a provider's answer in words.
func found(f port.Finding) string {
	text := "none came"
	switch f.Found {
	case port.FoundNothing:
		text = "it knows nothing of it"
	case port.FoundAccepted:
		text = "it was accepted"
	case port.FoundRefused:
		text = "it was refused " + f.Class.Text().English
	case port.FoundDelivered:
		text = "it was delivered"
	case port.FoundUndelivered:
		text = "it was not delivered, " + f.Class.Text().English
	default:
	}
	if f.Code != "" {
		text += "; its code is " + f.Code
	}
	if f.Detail != "" {
		text += "; it said: " + quoted(f.Detail)
	}
	return text
}

// askedAgain is when the provider is asked again about the current key, which is UNKNOWN; zero where it is not.
func (b *builder) askedAgain() time.Time {
	for _, q := range b.Inquiries {
		if q.Key == b.Target.Delivery() {
			return q.Again
		}
	}
	return time.Time{}
}
