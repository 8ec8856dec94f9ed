package porttest

import (
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

func (s *stage) rejecting(month key.Month, rejects []port.Reject) {
	s.Helper()
	given(s.Imports.Reject(s.ctx, month, rejects))(s)
}

func (s *stage) refusedAre(what string, rejected, resolved int) {
	s.Helper()
	if f := given(s.Report.Funnel(s.ctx, november))(s); f.Rejected != rejected || f.Resolved != resolved {
		s.Errorf("%s: %d refused and %d resolved, want %d and %d", what, f.Rejected, f.Resolved, rejected, resolved)
	}
}

func importsCorrected(s *stage) {
	first, second := port.RejectedRow{File: "a.csv", Line: 3}, port.RejectedRow{File: "a.csv", Line: 4}
	rejects := []port.Reject{
		{File: first.File, Line: first.Line, Field: "email", Reason: "is empty", Customer: customer(1), Import: 1},
		{File: second.File, Line: second.Line, Reason: "has 3 fields"},
		{File: "b.csv", Line: 3, Field: "amount", Reason: "is empty", Customer: customer(2)},
		{File: "b.csv", Line: 9, Field: "amount", Reason: "is empty", Customer: customer(5)},
	}
	s.rejecting(november, rejects)
	s.rejecting(december, rejects)
	s.importing(november, bill(november, 0, noon))
	s.refusedAre("after another customer's bill", 4, 0)
	s.importing(november, bill(november, 1, noon))
	s.refusedAre("after the customer's bill", 3, 1)
	resolved := bill(november, 3, noon)
	resolved.Resolves = second
	s.importing(november, resolved)
	s.refusedAre("after the row itself", 2, 2)
	if again := given(s.Imports.Reject(s.ctx, november, rejects))(s); len(again) != 2 || !slices.Contains(again, first) || !slices.Contains(again, second) {
		s.Errorf("resolved since are %v, want %v and %v", again, first, second)
	}
	changed := slices.Clone(rejects)
	changed[0].Field, changed[1].Customer = "amount", customer(6)
	if again := given(s.Imports.Reject(s.ctx, november, changed))(s); len(again) != 0 {
		s.Errorf("refused for another reason, or of another customer, %v were not resolved", again)
	}
	s.refusedAre("after the same was refused again", 2, 2)

	s.imported(november, 3) // two of them were there
	s.refusedAre("after the second customer's bill", 1, 3)
	again := port.Reject{File: "c.csv", Line: 1, Field: "amount", Reason: "is empty", Customer: customer(1)}
	s.rejecting(november, []port.Reject{again})
	s.importing(november, bill(november, 1, noon), bill(november, 4, noon))
	s.refusedAre("after a bill that was there already, beside a new one", 2, 3)
	other := corrected(1)
	other.Resolves = port.RejectedRow{File: again.File, Line: again.Line}
	s.importing(november, other)
	s.refusedAre("after a bill in conflict", 2, 3)
	s.must(s.correct(other, takeCorrection))
	s.refusedAre("after a correction", 1, 4)
	if f := given(s.Report.Funnel(s.ctx, december))(s); f.Rejected != 4 || f.Resolved != 0 {
		s.Errorf("the other month has %d refused and %d resolved, want 4 and none", f.Rejected, f.Resolved)
	}
}
