package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// dispatchStage measures the dispatcher, beside the baseline, each over rows of their own.
func (b *bench) dispatchStage(ctx context.Context) error {
	measured := &Stage{
		Name: Dispatch, Rows: b.Rows, Target: Target{Floor: 10_000, Rate: 40_000, Share: 0.6, PeakRSS: 100_000_000},
		Label:    "READY rows published and marked, the whole process from its start to its end",
		Baseline: "the same rows locked and read, the same messages produced and the same rows updated, one step after the other",
	}
	return b.repeat(ctx, Dispatch, b.Runs, func(ctx context.Context, s *stage) ([]StageRun, error) {
		ours, theirs := firstMonth, firstMonth+1
		if err := errors.Join(s.seed(ctx, ours, b.Rows, 0), s.seed(ctx, theirs, b.Rows, 0)); err != nil {
			return nil, err
		}
		run, _, err := b.dispatched(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(s.expect(ctx, ours, b.Rows, "REQUESTED"), s.pageTimes(ctx, measured)); err != nil {
			return nil, err
		}
		run.Rows = b.Rows
		err = s.plainly(theirs, func(p *plain) (err error) {
			run.BaselineSeconds, err = p.dispatch(ctx)
			return err
		})
		return []StageRun{run}, err
	}, measured)
}

// dispatchRun is what a dispatcher says of its run.
type dispatchRun struct {
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Published  int       `json:"published"`
}

// dispatched runs a dispatcher over the first month, to its end.
func (b *bench) dispatched(ctx context.Context, s *stage) (run StageRun, said dispatchRun, err error) {
	var answer struct {
		Runs []dispatchRun `json:"runs"`
	}
	run, err = b.command(ctx, s, dispatcherRole, "dispatcher", &answer, "--output", "json", "--month", firstMonth.String())
	if err == nil && len(answer.Runs) != 1 {
		err = fmt.Errorf("the dispatcher reports %d runs, want 1", len(answer.Runs))
	}
	if err != nil {
		return run, said, err
	}
	return run, answer.Runs[0], nil
}

// filled seeds the first month and publishes it.
func (b *bench) filled(ctx context.Context, s *stage, rows, statementBytes int) error {
	if err := s.seed(ctx, firstMonth, rows, statementBytes); err != nil {
		return err
	}
	if _, _, err := b.dispatched(ctx, s); err != nil {
		return fmt.Errorf("fill the topic: %w", err)
	}
	return s.expect(ctx, firstMonth, rows, "REQUESTED")
}

// pageTimes notes how long the pages of the run took, by its record.
func (s *stage) pageTimes(ctx context.Context, of *Stage) error {
	var run struct {
		Pages int   `db:"pages"`
		P50   int64 `db:"page_p50_us"`
		P99   int64 `db:"page_p99_us"`
	}
	err := s.db.GetContext(ctx, &run, "SELECT pages, page_p50_us, page_p99_us FROM runs ORDER BY id DESC LIMIT 1")
	of.Details = append(of.Details, fmt.Sprintf("%d pages: half took at most %.1f ms, 99%% at most %.1f", run.Pages, float64(run.P50)/1000, float64(run.P99)/1000))
	return err
}

// day is a month's first day, as SQL takes it.
func day(month key.Month) string { return month.Start(time.UTC).Format(time.DateOnly) }
