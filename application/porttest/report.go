package porttest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Report runs the suite of port.Report.
func Report(t *testing.T, open OpenStorage) { Run(t, ReportChecks(), open) }

// ReportChecks are the promises of port.Report.
func ReportChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("counts a month's targets by status, and the counts add up", reportFunnel),
		onStage("counts nothing in a month without bills", reportEmpty),
		onStage("finds a customer's target and its ledger rows, sorted", reportFind),
		onStage("does not find who has no bill in the month", reportNotFound),
		onStage("names the providers whose last answer was about us, or that cannot be called, in their words", reportRefusing),
		onStage("adds up what messages cost, and may cost, without mixing currencies", reportCosts),
		onStage("names the customers of user ids", reportCustomers),
		onStage("finds customer numbers that differ in case and blanks", reportAlike),
	}
}

func reportRefusing(s *stage) {
	answered := func(n int, provider string, state attempt.State, class attempt.FailureClass, said string) {
		s.Helper()
		k := ledgerKey(n)
		c := claim(k, token(1))
		c.Provider = provider
		keysAre(s, "claimed", s.claim(c), k)
		o := outcome(k, token(1), state)
		o.Class, o.Provider, o.Detail = class, provider, said
		switch {
		case state == attempt.Failed:
			o.Reason = attempt.ReasonRefused
		case class == attempt.Provider:
			o.Reason = attempt.ReasonProvider
		case class == attempt.Throttled:
			o.Reason = attempt.ReasonThrottled
		case state == attempt.NotSent:
			o.Reason = attempt.ReasonNotCalled
		}
		s.Elapse(s, time.Millisecond)
		keysAre(s, "recorded", s.record(o), k)
	}
	expect := func(want ...port.ProviderRefusal) {
		s.Helper()
		got := given(s.Report.Refusing(s.ctx, november))(s)
		for i := range got {
			if got[i].Last.IsZero() {
				s.Errorf("%+v has no time", got[i])
			}
			got[i].Last = time.Time{}
		}
		if !slices.Equal(got, want) {
			s.Errorf("got %+v, want %+v", got, want)
		}
	}
	expect()
	s.rendered(november, 1)
	s.rendered(december, 1)
	answered(0, "smtp", attempt.Succeeded, "", "")
	answered(1, "sms", attempt.Failed, attempt.Permanent, "no such number")
	expect()
	answered(2, "smtp", attempt.NotSent, attempt.Provider, "535 no")
	answered(3, "smtp", attempt.NotSent, attempt.Provider, "554 5.7.1 Sending suspended")
	answered(4, "sms", attempt.NotSent, attempt.Throttled, "429 rate limit")
	refusing := port.ProviderRefusal{Provider: "sms/smtp", Class: attempt.Provider, Reason: attempt.ReasonProvider, Said: "554 5.7.1 Sending suspended", Refused: 2}
	expect(port.ProviderRefusal{Provider: "sms/sms", Class: attempt.Throttled, Reason: attempt.ReasonThrottled, Said: "429 rate limit", Refused: 1}, refusing)
	answered(5, "sms", attempt.Succeeded, "", "")
	expect(refusing)
	answered(6, "smtp", attempt.Succeeded, "", "")
	expect()
	answered(7, "smtp", attempt.NotSent, attempt.Provider, "535 no")
	answered(8, "smtp", attempt.NotSent, "", "connection refused")
	answered(10, "smtp", attempt.NotSent, attempt.Throttled, "421 too fast")
	answered(11, "smtp", attempt.NotSent, "", "connection refused")
	// Each cause has put-backs of its own: of all five, two could not be called and three were refused before.
	expect(port.ProviderRefusal{Provider: "sms/smtp", Reason: attempt.ReasonNotCalled, Said: "connection refused", Refused: 2})
	answered(12, "smtp", attempt.NotSent, attempt.Provider, "535 no")
	expect(port.ProviderRefusal{Provider: "sms/smtp", Class: attempt.Provider, Reason: attempt.ReasonProvider, Said: "535 no", Refused: 4})
	answered(9, "smtp", attempt.Failed, attempt.Permanent, "no such mailbox")
	expect()
}

func reportFunnel(s *stage) {
	keys := s.rendered(november, 20)
	batch := map[billing.BatchStatus]int{billing.Rendered: 20, billing.Imported: 3, billing.RenderFailed: 2}
	dispatch := map[billing.Status]int{billing.Ready: 5}
	paused := map[billing.PauseReason]int{}
	reasons := []billing.PauseReason{billing.PauseOperator, billing.PauseContent}
	for i, k := range keys {
		status := billing.Statuses[i%len(billing.Statuses)]
		reason := billing.PauseReason("")
		dispatch[status]++
		if status == billing.Paused {
			reason = reasons[i/len(billing.Statuses)]
			paused[reason]++
		}
		s.change(func(state *billing.State) { state.Dispatch, state.Pause = status, reason }, k)
	}
	var more []port.ImportedBill
	for i := range 5 {
		more = append(more, bill(november, 50+i, noon))
	}
	for _, k := range s.store(november, more...)[:2] {
		marked, err := s.Renders.Mark(s.ctx, []port.RenderedBill{{Target: k, Version: s.versionOf(k), Failed: "no name"}}, 1, noon)
		if marked != 1 || err != nil {
			s.Fatalf("marked %d (%v), want 1", marked, err)
		}
	}
	s.rendered(december, 2)
	s.rejecting(november, []port.Reject{{File: "a.csv", Line: 3, Field: "email", Reason: "is empty"}})

	f := given(s.Report.Funnel(s.ctx, november))(s)
	if f.Month != november || f.Imported != 25 || f.Rejected != 1 {
		s.Errorf("%s: %d imported, %d rejected; want %s: 25 and 1", f.Month, f.Imported, f.Rejected, november)
	}
	// A status that nobody has may be missing or 0.
	if got := withoutZeros(f.Batch); !maps.Equal(got, batch) {
		s.Errorf("by batch status: %v, want %v", got, batch)
	}
	if got := withoutZeros(f.Dispatch); !maps.Equal(got, dispatch) {
		s.Errorf("by dispatch status: %v, want %v", got, dispatch)
	}
	if got := withoutZeros(f.Paused); !maps.Equal(got, paused) {
		s.Errorf("by pause reason: %v, want %v", got, paused)
	}
}

func withoutZeros[K comparable](counts map[K]int) map[K]int {
	counts = maps.Clone(counts)
	maps.DeleteFunc(counts, func(_ K, n int) bool { return n == 0 })
	return counts
}

func reportEmpty(s *stage) {
	s.rendered(december, 1)
	f := given(s.Report.Funnel(s.ctx, november))(s)
	if f.Imported+f.Rejected+len(withoutZeros(f.Batch))+len(withoutZeros(f.Dispatch))+len(withoutZeros(f.Paused)) != 0 {
		s.Errorf("a month without bills has %+v", f)
	}
}

func reportFind(s *stage) {
	keys := s.imported(november, 3)
	want := []key.Delivery{delivery(keys[1], 0, 0), delivery(keys[1], 0, 1), delivery(keys[1], 1, 0)}
	for _, i := range []int{2, 0, 1} {
		s.claimed(want[i], token(1))
	}
	s.claimed(delivery(keys[0], 0, 0), token(1))
	s.claimed(key.Delivery{Month: december, UserID: keys[1].UserID}, token(1))
	s.record(outcome(want[2], token(1), attempt.Succeeded))
	s.change(func(state *billing.State) { state.Dispatch, state.Attempt = billing.Succeeded, 1 }, keys[1])

	target, rows, err := s.Report.Find(s.ctx, november, customer(1))
	s.must(err)
	s.stateIs("the target", target.State(), s.state(keys[1]))
	var got []key.Delivery
	for _, row := range rows {
		got = append(got, row.Key)
		if normalRow(row) != s.row(row.Key) {
			s.Errorf("the row is\n%+v, want\n%+v", normalRow(row), s.row(row.Key))
		}
	}
	keysAre(s, "rows", got, want...)
}

func reportNotFound(s *stage) {
	s.imported(december, 1)
	for _, who := range []string{customer(0), "nobody", ""} {
		if _, _, err := s.Report.Find(s.ctx, november, who); !errors.Is(err, port.ErrNotFound) {
			s.Errorf("finding %q: %v, want ErrNotFound", who, err)
		}
	}
}

func reportAlike(s *stage) {
	var bills []port.ImportedBill
	for i, name := range []string{"Ab 1", "ab1", "AB  1", "AB2", "A\u00c91", "a\u00e91"} {
		b := bill(november, i, noon)
		b.Customer = name
		bills = append(bills, b)
	}
	s.store(november, bills...)
	for asked, want := range map[string][]string{
		"aB1 ": {"AB  1", "Ab 1", "ab1"}, "ab2": {"AB2"}, "\u00c9": nil, "a\u00c9 1": {"A\u00c91"}, "": nil, "%": nil,
	} {
		if got := given(s.Report.Alike(s.ctx, asked, 10))(s); !slices.Equal(got, want) {
			s.Errorf("%q is like %q, want %q", asked, got, want)
		}
	}
	if got := given(s.Report.Alike(s.ctx, "AB1", 2))(s); len(got) != 2 {
		s.Errorf("at most 2 are %q", got)
	}
}

func reportCustomers(s *stage) {
	keys := s.imported(november, 3)
	want := map[int64]string{keys[0].UserID: customer(0), keys[2].UserID: customer(2)}
	if got := given(s.Report.Customers(s.ctx, []int64{keys[2].UserID, 9_999_999, keys[0].UserID}))(s); !maps.Equal(got, want) {
		s.Errorf("the customers are %v, want %v", got, want)
	}
	if got := given(s.Report.Customers(s.ctx, nil))(s); len(got) != 0 {
		s.Errorf("nobody has the numbers %v", got)
	}
}
