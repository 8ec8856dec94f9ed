package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/balsong/balsong/domain/attempt"
)

// Effective returns a ledger row as it and all reports about its key say together (R11): a function of the row and the set of
// reports, so that their order and repetitions do not matter. Reports about other keys are left out. takeBack says whether a
// definitive UNDELIVERED takes an acceptance back; otherwise it shows an acceptance, as DELIVERED does.
//
// A row that is CLAIMED stays so: its outcome comes, or the sweeper's UNKNOWN. Of several classes the strictest decides, that of the
// row's own refusal among them; a class that is about us puts the message back, and any class wins over DELIVERED.
func Effective(row attempt.Row, reports []Report, takeBack bool) attempt.Row {
	if !row.State.Closed() {
		return row
	}
	var strictest *Report
	taken := false
	for i, r := range reports {
		switch {
		case r.Key != row.Key || !r.Decides():
		case r.Kind == Delivered || !takeBack:
			taken = true
		default:
			row.OurFault = row.OurFault || aboutUs(r.Class)
			strictest = first(strictest, &reports[i])
		}
	}
	refused := row.State == attempt.Failed
	switch {
	case strictest != nil && aboutUs(strictest.Class):
		if !refused && row.State != attempt.NotSent {
			return strictest.take(row, attempt.NotSent)
		}
	case strictest != nil:
		if !refused || severity(strictest.Class) < severity(row.Class) {
			return strictest.take(row, attempt.Failed)
		}
	case taken && row.State != attempt.Succeeded:
		row.State, row.Class, row.Reason, row.Reported = attempt.Succeeded, "", "", true
	}
	return row
}

// aboutUs reports whether a class says nothing about the customer.
func aboutUs(class attempt.FailureClass) bool {
	return class == attempt.Throttled || class == attempt.Provider
}

// Decides reports whether the report says what can change an effective state: that the message was delivered, or for certain that
// it was not.
func (r Report) Decides() bool {
	return r.Kind == Delivered || r.TakesBack()
}

// TakesBack reports whether the report may take an acceptance back: the provider says for certain that the message was not delivered.
// No other report changes a row that is SUCCEEDED.
func (r Report) TakesBack() bool { return r.Kind == Undelivered && r.Definitive }

// take returns a row as the report makes it.
func (r Report) take(row attempt.Row, state attempt.State) attempt.Row {
	row.State, row.Class, row.Detail, row.Reported = state, r.Class, r.Detail, true
	if row.Reason != attempt.ReasonRestored { // that a correction may be lost does not change
		row.Reason = attempt.ReasonReported
	}
	if r.StoredAt.After(row.FinishedAt) {
		row.FinishedAt = r.StoredAt
	}
	row.NotBefore = time.Time{} // that of the row is older
	return row
}

// classes of UNDELIVERED, the strictest first.
var classes = []attempt.FailureClass{attempt.Content, attempt.Suppressed, attempt.Permanent, attempt.Temporary, attempt.Throttled, attempt.Provider}

// severity orders classes, the strictest first; what is none comes last.
func severity(class attempt.FailureClass) int {
	if i := slices.Index(classes, class); i >= 0 {
		return i
	}
	return len(classes)
}

// first returns the report that decides, of two about one key.
func first(a, b *Report) *Report {
	if a == nil {
		return b
	}
	order := cmp.Or(
		cmp.Compare(severity(a.Class), severity(b.Class)),
		a.StoredAt.Compare(b.StoredAt), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
	if order <= 0 {
		return a
	}
	return b
}
