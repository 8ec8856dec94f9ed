package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
)

// try tells about one ledger row.
func (t *teller) try(row attempt.Row) string {
	head := fmt.Sprintf("Attempt %d, round %d", row.Key.Attempt, row.Key.Round)
	if row.Channel != "" {
		head += fmt.Sprintf(", by %s", name(row.Channel))
		if row.Provider != "" {
			head += " through " + row.Provider
		}
		head += fmt.Sprintf(" (step %d, policy %s)", row.Step, policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion})
	}
	if !row.ClaimedAt.IsZero() {
		head += ", claimed on " + t.when(row.ClaimedAt)
	}
	return head + ": " + t.became(row) + "."
}

// became tells the outcome of a row.
func (t *teller) became(row attempt.Row) string {
	why := reasons[row.Reason]
	if why == "" {
		why = orNot(string(row.Reason))
	}
	at := ""
	if !row.FinishedAt.IsZero() {
		at = " on " + t.when(row.FinishedAt)
	}
	switch row.State {
	case attempt.Succeeded:
		return t.accepted(row, at)
	case attempt.Failed:
		return t.refused(row, why, at)
	case attempt.NotSent:
		text := "not sent" + at + ", because " + why + words(row)
		if !row.NotBefore.IsZero() {
			text += "; not again before " + t.when(row.NotBefore)
		}
		return text + "; no attempt is spent"
	case attempt.Unknown:
		return "its outcome is unknown, because " + why + lease(t, row) + words(row) + "; a call may have been accepted, so it is not repeated"
	case attempt.Revoked:
		return "closed before anybody called" + at + ", because " + why
	default:
		return fmt.Sprintf("it is being called now; its lease lasts until %s", t.when(row.LeaseUntil))
	}
}

func (t *teller) accepted(row attempt.Row, at string) string {
	if row.Reason == attempt.ReasonManual {
		return "delivered, an operator said so" + at
	}
	text := "accepted by the gateway" + at
	if row.ProviderMessageID != "" {
		text += "; the gateway calls it " + row.ProviderMessageID
	}
	return text
}

func (t *teller) refused(row attempt.Row, why, at string) string {
	switch row.Reason {
	case attempt.ReasonManual:
		return "not delivered, an operator said so" + at
	case attempt.ReasonRefused:
		return "refused " + classes[row.Class] + at + words(row)
	default:
		return "not to be sent" + at + ", because " + why + words(row)
	}
}

// words quotes the gateway.
func words(row attempt.Row) string {
	if row.Detail == "" {
		return ""
	}
	return `; the gateway said: "` + strings.ReplaceAll(row.Detail, `"`, `'`) + `"`
}

func lease(t *teller, row attempt.Row) string {
	if row.Reason != attempt.ReasonLease || row.LeaseUntil.IsZero() {
		return ""
	}
	return " until its lease ended on " + t.when(row.LeaseUntil)
}

// current returns the ledger row of the current key; nil if there is none.
func (t *teller) current() *attempt.Row {
	return attempt.RowOf(t.Rows, t.Target.Delivery())
}

// last returns the last row in one of some states; nil if there is none.
func (t *teller) last(states ...attempt.State) *attempt.Row {
	for i := len(t.Rows) - 1; i >= 0; i-- {
		for _, state := range states {
			if t.Rows[i].State == state {
				return &t.Rows[i]
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
