package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
)

// The target of taking rows from READY to SUCCEEDED.
const (
	wholeRows  = 1_000_000
	wholeLimit = 120 * time.Second
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
		run, _, err := b.throughTheLine(ctx, l, b.Statements)
		if err != nil {
			return err
		}
		measured.Runs = append(measured.Runs, run)
		measured.summarize()
		return nil
	})
}

// throughTheLine takes a month's READY rows to their end: a dispatcher, a delivery and a settlement at once. At the end three
// numbers must agree: accepted by the gateway, SUCCEEDED in the database, and none accepted twice. The run's memory is Delivery's.
func (b *bench) throughTheLine(ctx context.Context, l *line, rows int) (run StageRun, memory map[string]int64, err error) {
	if err := b.startLine(ctx, l); err != nil {
		return run, nil, err
	}
	before, began := usages(), time.Now()
	var published dispatched
	var succeeded int
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if published, err = b.dispatcher(within, l.stage, l.month, 1000); err == nil {
			b.say("%d requests are published, %.0f s after the start", published.Run.Published, time.Since(began).Seconds())
		}
		return err
	})
	group.Go(func() (err error) {
		succeeded, err = b.untilEnded(within, l, rows)
		return err
	})
	if err := group.Wait(); err != nil {
		return run, nil, err
	}
	run = StageRun{Rows: rows, Seconds: time.Since(began).Seconds(), CPU: between(before, usages()), PeakRSS: peakRSS(l.delivery.PID())}
	delete(run.CPU, "bench")
	run.CPU["dispatcher"] = published.UserTime + published.SysTime // it has ended
	memory = map[string]int64{"dispatcher": published.PeakRSS, "delivery": run.PeakRSS, "settlement": peakRSS(l.settlement.PID())}
	var stats gatewaysim.Stats
	if err := getJSON(ctx, l.gatewayAdmin+"/stats", &stats); err != nil {
		return run, memory, err
	}
	if int(stats.Accepted) != succeeded || stats.AcceptedAgain != 0 {
		return run, memory, fmt.Errorf("the gateway accepted %d, %d of them twice, and %d are SUCCEEDED", stats.Accepted, stats.AcceptedAgain, succeeded)
	}
	b.say("%d of %d rows ended after %.0f s: %d are SUCCEEDED and as many accepted by the gateway, none twice", rows, rows, run.Seconds, succeeded)
	return run, memory, errors.Join(l.delivery.Stop(), l.settlement.Stop(), l.gateway.Stop())
}

// untilEnded waits until every row has its last state and returns how many are SUCCEEDED.
func (b *bench) untilEnded(ctx context.Context, l *line, rows int) (succeeded int, err error) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	told, moved, looked, settled := time.Now(), time.Now(), time.Now(), 0
	for {
		if err := l.waitFor(ctx, ticker.C); err != nil {
			return 0, err
		}
		page, err := scrape(ctx, l.settleHealth) // counting rows each second would cost what is measured
		if err != nil {
			return 0, err
		}
		if n := int(page.sum(metric.TargetsSettled.Name, "")); n > settled {
			settled, moved = n, time.Now()
		}
		if settled >= rows || time.Since(moved) > 5*time.Second && time.Since(looked) > 5*time.Second { // what no gateway can reach is not settled, but ended
			looked = time.Now()
			var open int
			if open, succeeded, err = l.open(ctx); err != nil || open == 0 {
				return succeeded, err
			}
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			b.say("%d settled", settled)
		}
		if time.Since(moved) > patience {
			return 0, fmt.Errorf("it stands at %d of %d for %s (logs: %s)", settled, rows, patience, b.DataDir)
		}
	}
}

// open counts the month's rows that are on their way yet, and those that are SUCCEEDED.
func (l *line) open(ctx context.Context) (open, succeeded int, err error) {
	err = l.db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE dispatch_status IN ('READY', 'REQUESTED', 'FAILED', 'UNKNOWN')), count(*) FILTER (WHERE dispatch_status = 'SUCCEEDED')
		FROM billing_targets WHERE billing_month = $1`, l.month.Start(time.UTC).Format(time.DateOnly)).Scan(&open, &succeeded)
	return open, succeeded, err
}
