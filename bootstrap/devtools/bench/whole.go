package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/metric"
)

// The target of taking rows from READY to SUCCEEDED.
const (
	wholeRows  = 1_000_000
	wholeLimit = 120 * time.Second
)

// wholeStage takes READY rows through dispatch, delivery and settlement, all at once, by a gateway that answers after a second.
func (b *bench) wholeStage(ctx context.Context) error {
	return b.repeat(ctx, Whole, 1, func(ctx context.Context, s *stage) ([]StageRun, error) {
		if err := s.seed(ctx, firstMonth, b.Statements, b.StatementBytes); err != nil {
			return nil, err
		}
		b.say("whole: %d READY rows and their statements are there", b.Statements)
		run, _, err := b.throughTheLine(ctx, s, b.Statements)
		return []StageRun{run}, err
	}, &Stage{
		Name: Whole, Rows: b.Statements, Target: Target{Rate: wholeRows / wholeLimit.Seconds()},
		Label: fmt.Sprintf("READY to SUCCEEDED: a dispatcher, a delivery, a settlement at once; a gateway that answers after %s; statements of %d bytes", answerAfter, b.StatementBytes),
	})
}

// throughTheLine takes a month's READY rows to their end: a dispatcher, a delivery and a settlement at once. At the end three
// numbers must agree: accepted by the gateway, SUCCEEDED in the database, and none accepted twice. The run's memory is Delivery's.
func (b *bench) throughTheLine(ctx context.Context, s *stage, rows int) (run StageRun, memory map[string]int64, err error) {
	l, err := b.startLine(ctx, s, "gateway", answering(answerAfter), 1)
	if err != nil {
		return run, nil, err
	}
	succeeded := 0
	run, dispatcher, _, err := b.whileDispatching(ctx, l, func(ctx context.Context) (err error) {
		succeeded, err = b.untilEnded(ctx, l, rows)
		return err
	})
	if err != nil {
		return run, nil, err
	}
	run.Rows, run.PeakRSS = rows, peakRSS(l.deliveries[0].PID())
	memory = map[string]int64{"dispatcher": dispatcher.PeakRSS, "delivery": run.PeakRSS, "settlement": peakRSS(l.settlement.PID())}
	accepted, settled, err := b.end(ctx, l)
	if err == nil && (int(accepted.Accepted) != settled || settled != succeeded || accepted.AcceptedAgain != 0) {
		err = fmt.Errorf("the gateway accepted %d, %d of them twice, and %d are SUCCEEDED", accepted.Accepted, accepted.AcceptedAgain, settled)
	}
	return run, memory, err
}

// whileDispatching runs a dispatcher over the first month and watch beside it, until both are at their end.
func (b *bench) whileDispatching(ctx context.Context, l *line, watch func(context.Context) error) (run, dispatcher StageRun, said dispatchRun, err error) {
	before, began := usages(), time.Now()
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		dispatcher, said, err = b.dispatched(within, l.stage)
		return err
	})
	group.Go(func() error { return watch(within) })
	err = group.Wait()
	run = StageRun{Seconds: time.Since(began).Seconds(), CPU: between(before, usages())}
	run.CPU["dispatcher"] = dispatcher.CPU["dispatcher"] // it has ended
	return run, dispatcher, said, err
}

// untilEnded waits until every row has its last state and returns how many are SUCCEEDED.
func (b *bench) untilEnded(ctx context.Context, l *line, rows int) (succeeded int, err error) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	said, moved, looked, settled := time.Now(), time.Now(), time.Now(), 0
	for {
		if err := b.nextTick(ctx, ticker.C, l.processes()...); err != nil {
			return 0, err
		}
		page, err := scrape(ctx, l.settlement.url) // counting rows each second would cost what is measured
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
		if time.Since(said) > 10*time.Second {
			said = time.Now()
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
		FROM billing_targets WHERE billing_month = $1`, day(firstMonth)).Scan(&open, &succeeded)
	return open, succeeded, err
}
