package porttest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// undoChecks are the promises of taking an import back that look at one condition at a time.
func undoChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("takes nothing back for each single sign that a bill went further", undoSigns),
		onStage("takes rendered bills back only where no run may have published them", undoRuns),
		onStage("takes nothing of other imports, months and refused rows", undoOthers),
		onStage("takes the rest back after it was killed, and counts what was taken back before", undoKilled),
		onStage("never lets the versions of new bills fall", undoVersions),
	}
}

func undoSigns(s *stage) {
	const further, changed = "1 is REQUESTED or went further", "1 was corrected, paused or cancelled since"
	state := func(change func(state *billing.State)) func(k key.Target) {
		return func(k key.Target) { s.change(change, k) }
	}
	row := func(is attempt.State) func(k key.Target) {
		return func(k key.Target) { s.bring(delivery(k, 0, 0), is) }
	}
	for n, c := range []struct {
		what   string
		happen func(k key.Target)
		says   string
	}{
		{"requested", state(func(state *billing.State) { state.Dispatch = billing.Requested }), further},
		{"failed", state(func(state *billing.State) { state.Dispatch = billing.Failed }), further},
		{"unknown", state(func(state *billing.State) { state.Dispatch = billing.Unknown }), further},
		{"a second try", state(func(state *billing.State) { state.Attempt = 1 }), further},
		{"an instant of a request", state(func(state *billing.State) { state.RequestedAt = noon }), further},
		{"a claim", row(attempt.Claimed), further},
		{"a refusal", row(attempt.Failed), further},
		{"a revoked key", row(attempt.Revoked), changed},
		{"cancelled", state(func(state *billing.State) { state.Dispatch = billing.Cancelled }), changed},
		{"a second round", state(func(state *billing.State) { state.Round = 1 }), changed},
		{"a requeue", state(func(state *billing.State) { state.Requeues = 1 }), changed},
		{"an end that waits", state(func(state *billing.State) { state.PendingEnd = billing.Cancelled }), changed},
	} {
		id, keys := s.brought(c.what, 2*n, 2*n+1)
		c.happen(keys[1])
		removed, err := s.undo(id)
		if !errors.Is(err, billing.ErrRefused) || removed != 0 || !strings.Contains(err.Error(), "of 2 bills of the import "+c.says) || s.gone(2*n) {
			s.Errorf("%s: %d were removed, %v", c.what, removed, err)
		}
	}
}

func undoRuns(s *stage) {
	run := func(change func(run *port.Run)) port.Run {
		run := running()
		run.StartedAt, run.FinishedAt, run.Status, run.Published = noon, noon.Add(time.Hour), port.RunFinished, 1
		change(&run)
		return run
	}
	for n, c := range []struct {
		what    string
		run     port.Run
		refused bool
	}{
		{"one that published", run(func(*port.Run) {}), true},
		{"one over all months", run(func(run *port.Run) { run.Month = 0 }), true},
		{"one of another month", run(func(run *port.Run) { run.Month = december }), false},
		{"one under way", run(func(run *port.Run) { run.FinishedAt, run.Status, run.Published = time.Time{}, port.RunRunning, 0 }), true},
		{"one that began before the import and is under way", run(func(run *port.Run) {
			run.StartedAt, run.FinishedAt, run.Status, run.Published = noon.Add(-time.Hour), time.Time{}, port.RunRunning, 0
		}), true},
		{"one whose publishing failed", run(func(run *port.Run) { run.Published, run.Failed = 0, 1 }), true},
		{"one that failed", run(func(run *port.Run) { run.Published, run.Status = 0, port.RunFailed }), true},
		{"one that was stopped", run(func(run *port.Run) { run.Published, run.Status = 0, port.RunStopped }), true},
		{"one that published nothing", run(func(run *port.Run) { run.Published = 0 }), false},
		{"one that ended by its clock a little before the import", run(func(run *port.Run) { run.FinishedAt = noon.Add(-4 * time.Minute) }), true},
		{"one that ended before the import", run(func(run *port.Run) { run.FinishedAt = noon.Add(-6 * time.Minute) }), false},
	} {
		id, _ := s.brought(c.what, n)
		s.render(november)
		c.run.ID = given(s.Runs.Start(s.ctx, c.run))(s)
		removed, err := s.undo(id)
		if c.refused != errors.Is(err, billing.ErrRefused) || c.refused == (removed == 1) || !c.refused && err != nil {
			s.Errorf("%s: %d were removed, %v", c.what, removed, err)
		}
		if says := fmt.Sprintf("1 is rendered and may have been published by run %d", c.run.ID); c.refused && !strings.Contains(fmt.Sprint(err), says) {
			s.Errorf("%s: said is %v", c.what, err)
		}
		c.run.FinishedAt, c.run.Status, c.run.Published, c.run.Failed = noon.Add(-time.Hour), port.RunFinished, 0, 0
		s.must(s.Runs.Update(s.ctx, c.run))
	}
}

func undoOthers(s *stage) {
	reject := func(file string, n int, id int64) []port.Reject {
		return []port.Reject{{File: file, Line: 9, Field: "amount", Reason: "is empty", Customer: customer(n), Import: id}}
	}
	s.rejecting(november, reject("early.csv", 0, 0))
	right, _ := s.brought("right.csv", 0, 1) // resolves it
	wrong, _ := s.brought("wrong.csv", 2, 3)
	s.rejecting(november, reject("right.csv", 7, right))
	s.rejecting(november, reject("wrong.csv", 8, wrong))
	s.rejecting(december, reject("wrong.csv", 2, wrong))
	s.rejecting(december, reject("early.csv", 0, 0))
	s.store(december, bill(december, 0, noon)) // resolves the last one
	before := given(s.Report.Funnel(s.ctx, december))(s)
	if n, err := s.undo(wrong); err != nil || n != 2 || s.gone(0) || s.gone(1) {
		s.Errorf("%d removed, %v; the bills of the other import are gone: %v, %v", n, err, s.gone(0), s.gone(1))
	}
	if records := given(s.Report.Imports(s.ctx, november))(s); records[0].ID != right || records[0].Undone != 0 || !records[0].UndoneAt.IsZero() {
		s.Errorf("the record of the other import is %+v", records[0])
	}
	s.refusedAre("of the other import", 1, 1)
	after := given(s.Report.Funnel(s.ctx, december))(s)
	if after.Imported != before.Imported || after.Rejected != before.Rejected || after.Resolved != before.Resolved {
		s.Errorf("another month has %+v, had %+v", after, before)
	}
	if version := s.versionOf(s.store(december, bill(december, 5, noon))[0]); version != 1 {
		s.Errorf("new bills of another month begin with version %d", version)
	}
}

func undoKilled(s *stage) {
	id, _ := s.brought("wrong.csv", 0, 1, 2, 3, 4)
	s.must(second(s.PastImports.BeginUndo(s.ctx, november, id, act)))
	page := given(s.PastImports.UndoPage(s.ctx, november, id, 0, 2))(s)
	records := given(s.Report.Imports(s.ctx, november))(s)
	if page.Removed != 2 || records[0].Undone != 2 || records[0].UndoneAt.IsZero() {
		s.Errorf("a page came to %+v, the record is %+v", page, records[0])
	}
	if record := given(s.PastImports.BeginUndo(s.ctx, november, id, act))(s); record.Undone != 2 || !record.UndoneAt.Equal(records[0].UndoneAt) {
		s.Errorf("begun again, the record is %+v", record)
	}
	if n, err := s.undo(id); err != nil || n != 3 {
		s.Errorf("%d removed, want the other 3: %v", n, err)
	}
	if records := given(s.Report.Imports(s.ctx, november))(s); records[0].Undone != 5 {
		s.Errorf("the record is %+v", records[0])
	}
	s.auditIs([]port.AuditEntry{port.UndoImportEntry(records[0], act)}, november.String())
}

// A bill of an old version is taken back after one of a newer version: what was rendered of the newer one must not reach
// the bill that comes after.
func undoVersions(s *stage) {
	old, _ := s.brought("old.csv", 0)
	first, _ := s.brought("first.csv", 1)
	s.must(second(s.undo(first)))
	again, keys := s.brought("again.csv", 1)
	version := s.versionOf(keys[0])
	for _, id := range []int64{again, old} {
		if n, err := s.undo(id); err != nil || n != 1 {
			s.Fatalf("%d removed, %v", n, err)
		}
	}
	_, keys = s.brought("right.csv", 1)
	if now := s.versionOf(keys[0]); now <= version {
		s.Errorf("the bill has version %d, and one before it had %d", now, version)
	}
}
