package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/key"
)

// The limits of the dispatcher.
const (
	dispatchRows    = 100_000
	dispatchLimit   = 10 * time.Second
	dispatchPeakRSS = 100_000_000 // bytes
)

// firstMonth is where the benchmark's months begin; it takes two a run.
var firstMonth = key.Month(2031 * 12)

// measureDispatch measures the dispatcher, beside the baseline, each time over rows of their own.
func (b *bench) measureDispatch(ctx context.Context) error {
	return b.open(ctx, "dispatch", func(ctx context.Context, s *stage) error {
		measured := &DispatchMeasurement{Rows: b.Rows, Page: 1000}
		b.report.Dispatch = measured
		baseline := &baselineRun{stage: s, database: s.config.Database}
		defer func() { _ = baseline.close() }()
		for n := range b.Runs {
			ours, theirs := firstMonth+key.Month(2*n), firstMonth+key.Month(2*n+1)
			for _, month := range []key.Month{ours, theirs} {
				if err := s.seed(ctx, month, b.Rows, 0); err != nil {
					return fmt.Errorf("seed %s: %w", month, err)
				}
			}
			b.say("dispatch %d of %d: %d READY rows seeded twice", n+1, b.Runs, b.Rows)
			run, err := b.dispatchOnce(ctx, s, ours)
			if err != nil {
				return err
			}
			if err := baseline.prepare(ctx); err != nil {
				return fmt.Errorf("baseline: %w", err)
			}
			if run.BaselineSeconds, err = baseline.run(ctx, theirs); err != nil {
				return fmt.Errorf("baseline: %w", err)
			}
			measured.Runs = append(measured.Runs, run)
			b.say("dispatch %d of %d: %.2f s, %.0f rows/s, peak %.1f MB; baseline %.2f s, so %.0f%% of the baseline",
				n+1, b.Runs, run.Seconds, float64(b.Rows)/run.Seconds, mb(run.PeakRSS), run.BaselineSeconds, 100*run.BaselineSeconds/run.Seconds)
		}
		measured.MessageBytes = baseline.messageBytes()
		measured.summarize()
		return nil
	})
}

// dispatchOnce runs a dispatcher process over a month and checks in the database what it did.
func (b *bench) dispatchOnce(ctx context.Context, s *stage, month key.Month) (DispatchRun, error) {
	before := usages()
	began := time.Now()
	result, err := b.dispatcher(ctx, s, month, 1000)
	if err != nil {
		return DispatchRun{}, err
	}
	seconds := time.Since(began).Seconds()
	after := usages()
	marked, err := s.count(ctx, month, "REQUESTED")
	if err != nil {
		return DispatchRun{}, err
	}
	if rows, err := s.count(ctx, month, ""); err != nil || marked != rows {
		return DispatchRun{}, fmt.Errorf("%d of %d rows are marked REQUESTED: %w", marked, rows, err)
	}
	own := result.UserTime + result.SysTime
	return DispatchRun{
		Seconds: seconds, RunSeconds: result.Run.FinishedAt.Sub(result.Run.StartedAt).Seconds(), Pages: result.Run.Pages,
		PageP50: result.Run.PageTimeP50.Seconds() * 1000, PageP99: result.Run.PageTimeP99.Seconds() * 1000,
		PeakRSS: result.PeakRSS,
		CPU: map[string]float64{
			"dispatcher": own,
			"postgres":   after["postgres"].CPU() - before["postgres"].CPU(),
			"kafka":      after["apache-kafka"].CPU() - before["apache-kafka"].CPU(),
		},
	}, nil
}

// dispatcher runs a dispatcher process over a month, to its end.
func (b *bench) dispatcher(ctx context.Context, s *stage, month key.Month, page int) (result dispatched, err error) {
	o := orders{
		Config: s.config, Month: month, Result: b.path("dispatched.json"),
		Dispatch: config.Dispatch{Page: page, AckTimeout: 5 * time.Second, LingerPoll: 10 * time.Second},
	}
	if b.Profiles != "" {
		o.ProfileFile = filepath.Join(b.Profiles, "dispatcher.cpu.pprof")
	}
	process, err := b.startChild(ctx, dispatcherRole, o)
	if err != nil {
		return result, err
	}
	if err := untilEnd(ctx, process); err != nil {
		return result, fmt.Errorf("the dispatcher's process: %w (its log: %s)", err, b.path("bench-dispatcher.log"))
	}
	content, err := os.ReadFile(o.Result)
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal(content, &result)
}

// count counts a month's targets, those of one dispatch status or all.
func (s *stage) count(ctx context.Context, month key.Month, status string) (n int, err error) {
	err = s.db.GetContext(ctx, &n, `SELECT count(*) FROM billing_targets WHERE billing_month = $1 AND ($2 = '' OR dispatch_status = $2)`,
		month.Start(time.UTC).Format(time.DateOnly), status)
	return n, err
}

// median of at least one value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}
