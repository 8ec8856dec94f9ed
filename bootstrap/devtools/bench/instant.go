package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// instantRole is the production delivery, but for its gateway: an answer in the process, at once.
var instantRole = child.Register("bench-instant", runInstant)

func runInstant(ctx context.Context, link *child.Link) error {
	var o orders
	ctx, err := link.Spec(ctx, &o)
	if err != nil {
		return err
	}
	if err := ready(ctx, link, o); err != nil {
		return err
	}
	instantly := fx.Decorate(func(lanes core.Lanes) core.Lanes {
		for kind, lane := range lanes {
			lane.Gateway = instant{lane.Gateway.Provider()}
			lanes[kind] = lane
		}
		return lanes
	})
	if code := core.Serve(ctx, os.Stderr, fx.Options(deliveryapp.Options(deliveryapp.Delivery, o.Config), instantly)); code != core.ExitOK && ctx.Err() == nil {
		return fmt.Errorf("delivery ended with exit code %d", code)
	}
	return nil
}

// instant is a gateway that accepts everything at once.
type instant struct{ provider port.Provider }

func (g instant) Provider() port.Provider { return g.provider }

func (g instant) Send(_ context.Context, d port.Delivery) port.Reply {
	return port.Reply{Verdict: port.CallAccepted, MessageID: strconv.FormatInt(d.Key.UserID, 10)}
}

// instantBytes is the length of a statement's text in the stages that measure what lies around the call.
const instantBytes = 2000

// lineStages measures delivery with an instant sender and then settlement alone, each beside its baseline.
func (b *bench) lineStages(ctx context.Context) error {
	deliver := &Stage{
		Name: "deliver", Rows: b.Rows, Target: Target{Rate: 20_000, Share: 0.6},
		Label:    "from a filled topic, an INSTANT IN-PROCESS SENDER instead of a gateway, statements of 2 kB from S3",
		Baseline: "the same messages consumed, as many rows claimed and closed and the same results produced, one step after the other; no statement is read",
	}
	settle := &Stage{
		Name: "settle", Rows: b.Rows, Target: Target{Rate: 40_000, Share: 0.6},
		Label:    "settlement alone, from a filled topic of results",
		Baseline: "the same results consumed, the same rows locked, looked up in the ledger and updated, one step after the other",
	}
	b.report.Stages = append(b.report.Stages, deliver, settle)
	for n := range b.Runs {
		name := fmt.Sprintf("line%d", n) // with topics of its own
		err := b.open(ctx, name, func(ctx context.Context, s *stage) error { return b.lineOnce(ctx, s, deliver, settle) })
		if err := errors.Join(err, b.dropDatabase(ctx, name)); err != nil {
			return err
		}
		b.told(deliver, n)
		b.told(settle, n)
	}
	deliver.summarize()
	settle.summarize()
	return nil
}

// told says what a run came to.
func (b *bench) told(s *Stage, n int) {
	run := s.Runs[n]
	line := fmt.Sprintf("%s %d of %d: %d in %.2f s, %.0f a second", s.Name, n+1, b.Runs, run.Rows, run.Seconds, float64(run.Rows)/run.Seconds)
	if run.BaselineSeconds > 0 {
		line += fmt.Sprintf("; baseline %.2f s, so %.0f%% of it", run.BaselineSeconds, 100*run.BaselineSeconds/run.Seconds)
	}
	b.say("%s", line)
}

func (b *bench) lineOnce(ctx context.Context, s *stage, deliver, settle *Stage) error {
	ours, theirs := firstMonth, firstMonth+1
	if err := errors.Join(s.seed(ctx, ours, b.Rows, instantBytes), s.seed(ctx, theirs, b.Rows, 0)); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if _, err := b.dispatchOnce(ctx, s, ours); err != nil {
		return fmt.Errorf("fill the topic: %w", err)
	}
	s.config.Gateways.SMS = config.HTTPGateway{
		URL: "http://127.0.0.1:1", CallDeadline: 30 * time.Second, Lease: 90 * time.Second, Margin: 5 * time.Second, InFlight: b.InFlight,
	}
	delivered, err := b.counted(ctx, s, instantRole, metric.Deliveries.Name, `outcome="SUCCEEDED"`)
	if err != nil {
		return err
	}
	settled, err := b.counted(ctx, s, settlementRole, metric.TargetsSettled.Name, "")
	if err != nil {
		return err
	}
	if n, err := s.count(ctx, ours, "SUCCEEDED"); err != nil || n != b.Rows {
		return fmt.Errorf("%d of %d are SUCCEEDED: %w", n, b.Rows, err)
	}
	baseline := &baselineLine{stage: s, month: theirs, rows: b.Rows}
	if err := baseline.measure(ctx); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	delivered.BaselineSeconds = baseline.deliverSeconds * float64(delivered.Rows) / float64(b.Rows)
	settled.BaselineSeconds = baseline.settleSeconds * float64(settled.Rows) / float64(b.Rows)
	deliver.Runs, settle.Runs = append(deliver.Runs, delivered), append(settle.Runs, settled)
	return nil
}

// counted starts a service over a filled topic and measures from the first to the last of the rows that a metric counts: the
// process's start and the group's first rebalance are left out.
func (b *bench) counted(ctx context.Context, s *stage, role child.Role, metric, label string) (run StageRun, err error) {
	o := orders{Config: s.config, Month: firstMonth}
	if o.Config.Health.Addr, err = freeAddress(ctx); err != nil {
		return run, err
	}
	process, err := b.startChild(ctx, role, o)
	if err != nil {
		return run, err
	}
	count := func() int {
		page, err := scrape(ctx, "http://"+o.Config.Health.Addr)
		if err != nil {
			return 0 // still starting
		}
		return int(page.sum(metric, label))
	}
	if run, err = b.span(ctx, process, count, b.Rows); err != nil {
		return run, fmt.Errorf("%s: %w (logs: %s)", role, err, b.DataDir)
	}
	return run, process.Stop()
}

// patience is how long a stage may come no further before it is given up.
const patience = 2 * time.Minute

// span looks at a count until it is all, and measures from the first look that saw any.
func (b *bench) span(ctx context.Context, process *child.Process, count func() int, all int) (run StageRun, err error) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	var began, moved time.Time
	var before map[string]usage
	first, last := 0, 0
	moved = time.Now()
	for last < all {
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-process.Done():
			return run, errors.New("the process ended by itself")
		case <-ticker.C:
		}
		n := count()
		if n > last {
			last, moved = n, time.Now()
		}
		if began.IsZero() && n > 0 {
			first, began, before = n, time.Now(), usages()
		}
		if time.Since(moved) > patience {
			return run, fmt.Errorf("it stands at %d of %d for %s", last, all, patience)
		}
	}
	after := usages()
	run = StageRun{Rows: last - first, Seconds: moved.Sub(began).Seconds(), CPU: between(before, after), PeakRSS: peakRSS(process.PID())}
	delete(run.CPU, "bench") // it only looks
	if run.Rows < all/2 {
		return run, fmt.Errorf("%d of %d were done before the first look: give --rows more", first, all)
	}
	return run, nil
}

// rowsOf lists the users of a stage's month.
func rowsOf(rows int) []int64 {
	users := make([]int64, rows)
	for i := range users {
		users[i] = int64(i + 1)
	}
	return users
}
