package porttest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Audit runs the suite of port.Audit. It needs Storage.Notes.
func Audit(t *testing.T, open OpenStorage) { Run(t, AuditChecks(), open) }

// AuditChecks are the promises of port.Audit.
func AuditChecks() []Check[Storage] {
	return []Check[Storage]{onStage("keeps what was done, to what, by whom, why and when", auditNotes)}
}

func auditNotes(s *stage) {
	want := []Note{
		{What: "cancel", Subject: "2026-11/7", By: port.Act{Actor: "kim", Reason: "the customer asked", At: noon}},
		{What: "cancel", Subject: "2026-11/7", By: port.Act{Actor: "kim", Reason: "the customer asked", At: noon}},
		{What: "halt", Subject: "dispatch", By: port.Act{Actor: "이", Reason: "금액 오류", At: noon.Add(-time.Hour)}},
	}
	before := len(s.Notes(s)) // the store may note by itself
	for _, n := range want {
		s.must(s.Audit.Note(s.ctx, n.What, n.Subject, n.By))
	}
	got := s.Notes(s)[before:]
	for i := range got {
		got[i].By.At = normal(got[i].By.At)
	}
	if !slices.Equal(got, want) {
		s.Errorf("noted\n%+v, want\n%+v", got, want)
	}
}

// Runs runs the suite of port.Runs. It needs Storage.Run.
func Runs(t *testing.T, open OpenStorage) { Run(t, RunsChecks(), open) }

// RunsChecks are the promises of port.Runs.
func RunsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("numbers runs from 1 on", runsNumbers),
		onStage("keeps every field of a record", runsRoundTrip),
		onStage("updates a run that was started, and no other", runsUpdate),
	}
}

// running is a run as it begins.
func running() port.Run {
	return port.Run{Month: november, By: act, StartedAt: noon, Status: port.RunRunning}
}

func runText(run port.Run) string {
	run.By.At, run.StartedAt, run.FinishedAt = normal(run.By.At), normal(run.StartedAt), normal(run.FinishedAt)
	if len(run.Decisions) == 0 {
		run.Decisions = nil
	}
	if len(run.Policies) == 0 {
		run.Policies = nil
	}
	return fmt.Sprintf("%+v", run)
}

func (s *stage) runIs(want port.Run) {
	s.Helper()
	if got := s.Run(s, want.ID); runText(got) != runText(want) {
		s.Errorf("run %d is kept as\n%s, want\n%s", want.ID, runText(got), runText(want))
	}
}

func runsNumbers(s *stage) {
	last := int64(0)
	for range 3 {
		id := given(s.Runs.Start(s.ctx, running()))(s)
		if id <= last {
			s.Errorf("run %d follows run %d", id, last)
		}
		last = id
	}
}

func runsRoundTrip(s *stage) {
	run := running()
	run.Policies = []policy.Ref{{ID: 1, Version: 2}, {ID: 2, Version: 1}}
	run.ID = given(s.Runs.Start(s.ctx, run))(s)
	s.runIs(run)
	run.FinishedAt, run.Status = noon.Add(time.Hour), port.RunFailed
	run.Pages, run.Published, run.Failed, run.Skipped, run.Left = 12, 5_000_000, 3, 2, 1
	run.Decisions = map[string]int{"DISPATCH due": 5_000_000, "DEFER quiet_hours": 7}
	run.PageTimeP50, run.PageTimeP99 = 8*time.Millisecond, 90*time.Millisecond
	run.Error = "two pages in a row without an acknowledgement"
	s.must(s.Runs.Update(s.ctx, run))
	s.runIs(run)
}

func runsUpdate(s *stage) {
	first, second := running(), running()
	first.ID = given(s.Runs.Start(s.ctx, first))(s)
	second.ID = given(s.Runs.Start(s.ctx, second))(s)
	first.Status = port.RunStopped
	s.must(s.Runs.Update(s.ctx, first))
	s.runIs(first)
	s.runIs(second)
	unknown := running()
	unknown.ID = second.ID + 1
	if err := s.Runs.Update(s.ctx, unknown); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("updating a run that was never started: %v, want ErrNotFound", err)
	}
}
