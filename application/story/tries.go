package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
)

// try says about one ledger row.
func (b *builder) try(row attempt.Row) string {
	head := fmt.Sprintf("Attempt %d, round %d", row.Key.Attempt, row.Key.Round)
	if row.Channel != "" {
		head += fmt.Sprintf(", by %s", name(row.Channel))
		if row.Provider != "" {
			head += " through " + row.Provider + before(row)
		}
		head += fmt.Sprintf(" (step %d, policy %s, delivery key %s)", row.Step, policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}, row.Key)
	}
	if !row.ClaimedAt.IsZero() {
		head += ", claimed on " + b.when(row.ClaimedAt)
	}
	return head + ": " + b.became(row) + "."
}

// before says which providers did not take the message before another one of the channel was called.
func before(row attempt.Row) (text string) {
	for _, e := range row.Earlier.Each() {
		if e.Provider != row.Provider {
			text += fmt.Sprintf(", after %s (%s)", e.Provider, e.Why.Text().English)
		}
	}
	return text
}

// became says the outcome of a row.
func (b *builder) became(row attempt.Row) string {
	why := orNot(row.Reason.Text().English)
	at := ""
	if !row.FinishedAt.IsZero() {
		at = " on " + b.when(row.FinishedAt)
	}
	switch row.State {
	case attempt.Succeeded:
		return b.accepted(row, at)
	case attempt.Failed:
		return b.refused(row, why, at)
	case attempt.NotSent:
		return b.notSent(row, why, at)
	case attempt.Unknown:
		return "its outcome is unknown, because " + why + lease(b, row) + charge(row, "if it was accepted, it costs ") + words(row) + "; a call may have been accepted, so it is not repeated"
	case attempt.Revoked:
		return "closed before a call" + at + ", because " + why
	default:
		return fmt.Sprintf("it is being called now; its lease ends at %s", b.when(row.LeaseUntil))
	}
}

// notSent says why a try was put back: the gateway refused it because of the sender, asked to wait, or was not called.
func (b *builder) notSent(row attempt.Row, why, at string) string {
	text, end := "not sent"+at+", because "+why+words(row), "; no attempt is spent"
	if row.Reason == attempt.ReasonProvider || row.Reason == attempt.ReasonRefused {
		text, end = "refused "+row.Class.Text().English+at+words(row), ""
	}
	if !row.NotBefore.IsZero() {
		text += "; not again before " + b.when(row.NotBefore)
	}
	return text + end
}

func (b *builder) accepted(row attempt.Row, at string) string {
	if row.Reason == attempt.ReasonManual {
		return "delivered, as recorded by an operator" + at
	}
	text := "accepted by the gateway" + at
	if row.Reason == attempt.ReasonInquiry {
		text = "accepted by the gateway, as it said" + at + " when it was asked"
	}
	if row.ProviderMessageID != "" {
		text += "; the gateway's message id is " + row.ProviderMessageID
	}
	return text + charge(row, "it costs ") + words(row)
}

// charge says what the message of a row costs.
func charge(row attempt.Row, costs string) string {
	if !row.Charge.Known() {
		return ""
	}
	return "; " + costs + row.Charge.String()
}

func (b *builder) refused(row attempt.Row, why, at string) string {
	switch row.Reason {
	case attempt.ReasonManual:
		return "not delivered, as recorded by an operator" + at
	case attempt.ReasonRefused:
		return "refused " + row.Class.Text().English + at + words(row)
	case attempt.ReasonInquiry:
		return "refused " + row.Class.Text().English + ", as the gateway said" + at + " when it was asked" + words(row)
	default:
		return "not to be sent" + at + ", because " + why + words(row)
	}
}

// words quotes the gateway.
func words(row attempt.Row) string {
	if row.Detail == "" {
		return ""
	}
	return `; the gateway said: ` + quoted(row.Detail)
}

// quoted is a text in quotes.
func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `'`) + `"` }

func lease(b *builder, row attempt.Row) string {
	if row.Reason != attempt.ReasonLease || row.LeaseUntil.IsZero() {
		return ""
	}
	return " until its lease ended on " + b.when(row.LeaseUntil)
}

// current returns the effective row of the current key; nil if there is none.
func (b *builder) current() *attempt.Row {
	return attempt.RowOf(b.rows, b.Target.Delivery())
}

// last returns the last effective row in one of some states; nil if there is none.
func (b *builder) last(states ...attempt.State) *attempt.Row {
	for i := len(b.rows) - 1; i >= 0; i-- {
		for _, state := range states {
			if b.rows[i].State == state {
				return &b.rows[i]
			}
		}
	}
	return nil
}

// later returns the later of two instants.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
