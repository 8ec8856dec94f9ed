package porttest

import (
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Retention runs the suite of port.Retention.
func Retention(t *testing.T, open OpenStorage) { Run(t, RetentionChecks(), open) }

// RetentionChecks are the promises of port.Retention.
func RetentionChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("measures what there is of a month", retentionMeasures),
		onStage("drops a closed month for good, and no other", retentionDrops),
		onStage("drops nothing of an open month", retentionOpen),
		onStage("keeps audit data until it is dropped itself", retentionAudit),
	}
}

// lived lets a month have n bills, one of them tried, and a refused row.
func (s *stage) lived(month key.Month, n int) []key.Target {
	s.Helper()
	keys := s.rendered(month, n)
	first := key.Delivery{Month: month, UserID: keys[0].UserID}
	given(s.Ledger.Close(s.ctx, []attempt.Closing{{Key: first, State: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: noon}}))(s)
	s.rejecting(month, []port.Reject{{File: "bills.csv", Line: 99, Field: "amount", Reason: "is none"}})
	return keys
}

func (s *stage) sizeIs(month key.Month, bills, ledger, rejects int) {
	s.Helper()
	got := given(s.Retention.Size(s.ctx, month))(s)
	if got.Bills != bills || got.Ledger != ledger || got.Rejects != rejects || (got.Bytes > 0) != (bills > 0) {
		s.Errorf("the size of %s is %+v, want %d bills, %d ledger rows, %d refused rows", month, got, bills, ledger, rejects)
	}
}

func retentionMeasures(s *stage) {
	s.sizeIs(december+1, 0, 0, 0)
	s.lived(november, 3)
	s.lived(december, 2)
	s.sizeIs(november, 3, 1, 1)
	s.sizeIs(december, 2, 1, 1)
}

func (s *stage) droppedAt(month key.Month) time.Time {
	s.Helper()
	for _, state := range given(s.Months.All(s.ctx))(s) {
		if state.Month == month {
			return state.DroppedAt
		}
	}
	return time.Time{}
}

func retentionDrops(s *stage) {
	s.lived(november, 3)
	kept := s.lived(december, 2)
	s.must(s.Months.Close(s.ctx, november, "", act))
	var first time.Time
	for range 2 {
		s.must(s.Retention.Drop(s.ctx, november, act))
		s.sizeIs(november, 0, 0, 0)
		s.sizeIs(december, 2, 1, 1)
		at := s.droppedAt(november)
		if at.IsZero() || !first.IsZero() && !at.Equal(first) {
			s.Errorf("dropped at %s, and before at %s", at, first)
		}
		first = at
	}
	if !s.droppedAt(december).IsZero() {
		s.Error("the other month is dropped too")
	}
	if _, _, err := s.Report.Find(s.ctx, november, customer(0)); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("a bill of the dropped month: %v, want ErrNotFound", err)
	}
	if funnel := given(s.Report.Funnel(s.ctx, november))(s); funnel.Imported != 0 || funnel.Rejected != 0 {
		s.Errorf("the dropped month counts %+v", funnel)
	}
	if err := s.Months.Open(s.ctx, november); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("opening it again: %v, want ErrInvalid", err)
	}
	if state := s.state(kept[0]); state.Key != kept[0] {
		s.Errorf("the other month's bill is %+v", state)
	}
	if began := given(s.Months.DispatchStarted(s.ctx, november))(s); began {
		s.Error("dispatch of the dropped month has started")
	}
}

func retentionOpen(s *stage) {
	s.lived(november, 2)
	if err := s.Retention.Drop(s.ctx, november, act); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("dropping an open month: %v, want ErrInvalid", err)
	}
	if err := s.Retention.Drop(s.ctx, december+1, act); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("dropping a month that was never opened: %v, want ErrNotFound", err)
	}
	s.sizeIs(november, 2, 1, 1)
}

func retentionAudit(s *stage) {
	act := port.Act{Actor: "kim", Reason: "the months are over", At: (december + 2).Start(time.UTC)} // too young to be dropped
	long := november.Start(time.UTC).Add(-time.Hour)
	for _, month := range []key.Month{november, december} {
		given(s.Imports.Begin(s.ctx, port.ImportRecord{Month: month, File: "bills.csv", StartedAt: noon}))(s)
		given(s.Runs.Start(s.ctx, port.Run{Month: month, By: port.Act{Actor: "kim"}, StartedAt: noon, Status: port.RunFinished}))(s)
		s.add(month, templateSet(1, "words"))
		s.must(s.Months.Close(s.ctx, month, "", act))
	}
	s.must(s.Audit.Record(s.ctx, port.AuditEntry{Action: "export", Subject: "long ago", By: port.Act{Actor: "kim", Reason: "x", At: long}}))
	s.must(s.Audit.Record(s.ctx, port.AuditEntry{Action: "export", Subject: "lately", By: port.Act{Actor: "kim", Reason: "x", At: december.Start(time.UTC).Add(time.Hour)}}))
	s.must(s.Retention.Drop(s.ctx, november, act))
	auditIs := func(when string, before key.Month, want port.AuditSize) {
		s.Helper()
		if got := given(s.Retention.AuditSize(s.ctx, before))(s); got != want {
			s.Errorf("%s, before %s: %+v, want %+v", when, before, got, want)
		}
	}
	auditIs("dropped", november-1, port.AuditSize{})
	auditIs("dropped", november, port.AuditSize{Acts: 1})
	auditIs("one is dropped, the other not", december+1, port.AuditSize{Imports: 1, Runs: 1, Acts: 2, Months: 1})
	for range 2 {
		s.must(s.Retention.DropAudit(s.ctx, december, act))
		auditIs("afterwards", december, port.AuditSize{})
	}
	s.templateSetsAre(november)
	s.templateSetsAre(december, templateSet(1, "words"))
	if runs := given(s.Runs.Latest(s.ctx, 0, 10))(s); len(runs) != 1 || runs[0].Month != december {
		s.Errorf("the runs that are left: %+v", runs)
	}
	if all := given(s.Months.All(s.ctx))(s); len(all) != 1 || all[0].Month != december {
		s.Errorf("the months that are left: %+v", all)
	}
	if imports := given(s.Report.Imports(s.ctx, december))(s); len(imports) != 1 {
		s.Errorf("the imports of the other month: %+v", imports)
	}
	if notes := given(s.Audit.About(s.ctx, []string{"long ago", "lately"}))(s); len(notes) != 1 || notes[0].Subject != "lately" {
		s.Errorf("the acts that are left: %+v", notes)
	}
}
