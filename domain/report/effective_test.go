package report_test

import (
	"slices"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// w_strictest: every set of DELIVERED and of UNDELIVERED of each class, in every order, about a row in every state.
func TestTheStrictestWordDecides(t *testing.T) {
	t.Parallel()
	k := key.Delivery{Month: 2026*12 + 10, UserID: 7}
	strict := []attempt.FailureClass{attempt.Content, attempt.Suppressed, attempt.Permanent, attempt.Temporary}
	said := []report.Report{{Key: k, Provider: "p", ID: "d", Kind: report.Delivered}}
	for _, class := range append(slices.Clone(strict), attempt.Throttled, attempt.Provider) {
		said = append(said, report.Report{Key: k, Provider: "p", ID: string(class), Kind: report.Undelivered, Class: class, Definitive: true})
	}
	other := report.Report{Key: key.Delivery{Month: k.Month, UserID: k.UserID, Round: 1}, Provider: "p", ID: "o", Kind: report.Undelivered, Class: attempt.Content, Definitive: true}
	for set := range 1 << len(said) {
		reports := []report.Report{other}
		for i, r := range said {
			if set&(1<<i) != 0 {
				reports = append(reports, r)
			}
		}
		for _, row := range []attempt.Row{
			{State: attempt.Succeeded},
			{State: attempt.Unknown},
			{State: attempt.Revoked},
			{State: attempt.NotSent, Reason: attempt.ReasonWindow},
			{State: attempt.Failed, Class: attempt.Permanent},
			{State: attempt.Failed, Class: attempt.Temporary},
			{State: attempt.Claimed},
			{},
		} {
			if row.State != "" {
				row.Key = k
			}
			want, class := expected(row, reports[1:], strict)
			for range 2 {
				got := report.Effective(row, reports, true)
				if got.State != want || (want == attempt.Failed || got.Reported) && got.Class != class {
					t.Fatalf("%s (%s) with %+v is %s (%s), want %s (%s)", row.State, row.Class, reports, got.State, got.Class, want, class)
				}
				slices.Reverse(reports)
			}
			if len(reports) > 1 && reports[1].Kind == report.Delivered && row.State.Closed() {
				if got := report.Effective(row, reports, false); got.State != attempt.Succeeded {
					t.Fatalf("where undelivered is only noted, %s with %+v is %s", row.State, reports, got.State)
				}
			}
		}
	}
}

// expected is the rule written down a second time.
func expected(row attempt.Row, reports []report.Report, strict []attempt.FailureClass) (attempt.State, attempt.FailureClass) {
	if row.State == "" || row.State == attempt.Claimed {
		return row.State, row.Class
	}
	has := func(class attempt.FailureClass) bool {
		return slices.ContainsFunc(reports, func(r report.Report) bool { return r.Kind == report.Undelivered && r.Class == class })
	}
	for _, class := range strict {
		if has(class) || row.State == attempt.Failed && row.Class == class && slices.ContainsFunc(reports, func(r report.Report) bool { return r.Kind == report.Undelivered }) {
			return attempt.Failed, class
		}
	}
	switch {
	case has(attempt.Throttled), has(attempt.Provider):
		class := attempt.Throttled
		if !has(class) {
			class = attempt.Provider
		}
		if row.State == attempt.NotSent {
			class = row.Class
		}
		return attempt.NotSent, class
	case len(reports) > 0:
		return attempt.Succeeded, ""
	default:
		return row.State, row.Class
	}
}
