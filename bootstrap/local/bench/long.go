package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/balsong/balsong/bootstrap/local/demodata"
	"github.com/balsong/balsong/bootstrap/local/generate"
)

// The long stages' targets, for as many rows as they are asked of.
const (
	wholeRows  = 1_000_000
	wholeLimit = 120 * time.Second
	monthRows  = 5_000_000
	monthLimit = 10 * time.Minute
	monthRSS   = 400_000_000 // bytes
	monthFiles = 5
)

// wholeStage takes READY rows through dispatch, delivery and settlement, all at once, by a gateway that answers after a second.
func (b *bench) wholeStage(ctx context.Context) error {
	measured := &Stage{
		Name: "whole", Rows: b.Statements, Target: Target{Rate: wholeRows / wholeLimit.Seconds()},
		Label: fmt.Sprintf("READY to SUCCEEDED: a dispatcher, a delivery, a settlement at once; a gateway that answers after %s; statements of %d bytes", b.Answer, b.StatementBytes),
	}
	b.report.Stages = append(b.report.Stages, measured)
	return b.open(ctx, "whole", func(ctx context.Context, s *stage) error {
		l := &line{stage: s, month: firstMonth}
		if err := s.seed(ctx, l.month, b.Statements, b.StatementBytes); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		b.say("whole: %d READY rows and their statements are there", b.Statements)
		if err := b.startLine(ctx, l); err != nil {
			return err
		}
		before, began := usages(), time.Now()
		if _, err := b.dispatchOnce(ctx, s, l.month); err != nil && ctx.Err() != nil {
			return err // that some are settled already is no error here
		}
		b.say("whole: all requests are published, %.0f s after the start", time.Since(began).Seconds())
		succeeded, err := b.untilSucceeded(ctx, l)
		if err != nil {
			return err
		}
		run := StageRun{Rows: succeeded, Seconds: time.Since(began).Seconds(), CPU: between(before, usages()), PeakRSS: peakRSS(l.delivery.PID())}
		delete(run.CPU, "bench")
		measured.Runs = append(measured.Runs, run)
		measured.summarize()
		b.say("whole: %d SUCCEEDED after %.0f s", succeeded, run.Seconds)
		return errors.Join(l.delivery.Stop(), l.settlement.Stop(), l.gateway.Stop())
	})
}

// untilSucceeded waits until every row is SUCCEEDED.
func (b *bench) untilSucceeded(ctx context.Context, l *line) (succeeded int, err error) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	told, moved := time.Now(), time.Now()
	for succeeded < b.Statements {
		if err := l.waitFor(ctx, ticker.C); err != nil {
			return succeeded, err
		}
		page, err := scrape(ctx, l.settleHealth) // counting rows each second would cost what is measured
		if err != nil {
			return succeeded, err
		}
		n := int(page.sum("balsong_settled_total", ""))
		if n >= b.Statements || time.Since(moved) > 20*time.Second {
			if n, err = l.count(ctx, l.month, "SUCCEEDED"); err != nil {
				return succeeded, err
			}
		}
		if n > succeeded {
			succeeded, moved = n, time.Now()
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			b.say("whole: %d settled", succeeded)
		}
		if time.Since(moved) > patience {
			return succeeded, fmt.Errorf("it stands at %d of %d for %s (logs: %s)", succeeded, b.Statements, patience, b.DataDir)
		}
	}
	return succeeded, nil
}

// monthStage takes a month from CSV to RENDERED with the production commands, in processes of their own.
func (b *bench) monthStage(ctx context.Context) error {
	measured := &Stage{
		Name: "month", Rows: b.Bills, Target: Target{Rate: monthRows / monthLimit.Seconds(), PeakRSS: monthRSS},
		Label: fmt.Sprintf("CSV to RENDERED: `batch import` of %d files, then `batch render`, and what lies between", monthFiles),
	}
	b.report.Stages = append(b.report.Stages, measured)
	dir := b.path("bills")
	_, err := generate.Run(ctx, generate.Options{
		Dir: dir, Seed: 1, Since: firstMonth, Month: firstMonth, Months: 1, Rows: b.Bills, Files: monthFiles, Compress: generate.None, Sample: demodata.Telco(),
		Wishes: generate.Wishes{Quiet: 20, SendDay: 30},
	})
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil {
		return err
	}
	b.say("month: %d bills lie in %d files", b.Bills, len(files))
	err = b.open(ctx, "month", func(ctx context.Context, s *stage) error {
		whole := StageRun{Rows: b.Bills, CPU: map[string]float64{}}
		began := time.Now()
		for _, arguments := range [][]string{
			append([]string{"import", "--month", firstMonth.String()}, files...), {"render", "--month", firstMonth.String()},
		} {
			_, run, err := b.batch(ctx, s, arguments...)
			if err != nil {
				return err
			}
			b.say("month: %s took %.0f s, %.0f a second, and %.0f MB at most", arguments[0], run.Seconds, float64(b.Bills)/run.Seconds, mb(run.PeakRSS))
			whole.PeakRSS = max(whole.PeakRSS, run.PeakRSS)
			for process, cpu := range run.CPU {
				whole.CPU[process] += cpu
			}
		}
		whole.Seconds = time.Since(began).Seconds()
		measured.Runs = append(measured.Runs, whole)
		measured.summarize()
		n, err := s.countBatch(ctx, firstMonth, "RENDERED")
		if err == nil && n != b.Bills {
			err = fmt.Errorf("%d of %d bills are RENDERED", n, b.Bills)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}
