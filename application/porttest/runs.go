package porttest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Runs runs the suite of port.Runs.
func Runs(t *testing.T, open OpenStorage) { Run(t, RunsChecks(), open) }

// RunsChecks are the promises of port.Runs.
func RunsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("numbers runs from 1 on", runsNumbers),
		onStage("keeps every field of a record", runsRoundTrip),
		onStage("updates a run that was started, and no other", runsUpdate),
		onStage("lists the last runs of a month or of all, the newest first", runsLatest),
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
	if got := given(s.Runs.Find(s.ctx, want.ID))(s); runText(got) != runText(want) {
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
	run.Decisions = map[billing.Rule]int{billing.RuleDue: 5_000_000, billing.RuleQuietHours: 7}
	run.PageTimeP50, run.PageTimeP99 = 8*time.Millisecond, 90*time.Millisecond
	run.Error = "two pages in a row without an acknowledgement"
	run.By.ApprovedBy, run.Unrendered = "박", 4
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
	if _, err := s.Runs.Find(s.ctx, unknown.ID); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("finding a run that was never started: %v, want ErrNotFound", err)
	}
}

func runsLatest(s *stage) {
	var ids []int64
	for i := range 5 {
		run := running()
		if i == 2 {
			run.Month = december
		}
		ids = append(ids, given(s.Runs.Start(s.ctx, run))(s))
	}
	for _, c := range []struct {
		month key.Month
		limit int
		want  []int64
	}{
		{november, 10, []int64{ids[4], ids[3], ids[1], ids[0]}},
		{november, 2, []int64{ids[4], ids[3]}},
		{december, 10, []int64{ids[2]}},
		{0, 3, []int64{ids[4], ids[3], ids[2]}},
		{december + 1, 10, nil},
	} {
		var got []int64
		for _, run := range given(s.Runs.Latest(s.ctx, c.month, c.limit))(s) {
			got = append(got, run.ID)
		}
		if !slices.Equal(got, c.want) {
			s.Errorf("the last %d runs of month %d are %v, want %v", c.limit, c.month, got, c.want)
		}
	}
}
