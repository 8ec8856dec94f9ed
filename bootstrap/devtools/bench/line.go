package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// instantRole is the production delivery, but for its gateway: an answer in the process, at once.
var instantRole = child.Register("bench-instant", app(runInstant))

func runInstant(ctx context.Context, _ []string, _ io.Writer) int {
	c, err := deliveryapp.Load(ctx, deliveryapp.Delivery)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return core.ExitUsage
	}
	instantly := fx.Decorate(func(lanes core.Lanes) core.Lanes {
		for _, lane := range lanes {
			for i := range lane {
				lane[i].Gateway = instant{lane[i].Gateway.Provider()}
			}
		}
		return lanes
	})
	return core.Serve(ctx, os.Stderr, fx.Options(deliveryapp.Options(deliveryapp.Delivery, c), instantly))
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
	return b.repeat(ctx, Line, b.Runs, b.lineOnce, &Stage{
		Name: "deliver", Rows: b.Rows, Target: Target{Rate: 20_000, Share: 0.6},
		Label:    "from a filled topic, an INSTANT IN-PROCESS SENDER instead of a gateway, statements of 2 kB from S3",
		Baseline: "the same messages consumed, as many rows claimed and closed and the same results produced, one step after the other; no statement is read",
	}, &Stage{
		Name: "settle", Rows: b.Rows, Target: Target{Rate: 40_000, Share: 0.6},
		Label:    "settlement alone, from a filled topic of results",
		Baseline: "the same results consumed, the same rows locked, looked up in the ledger and updated, one step after the other",
	})
}

func (b *bench) lineOnce(ctx context.Context, s *stage) ([]StageRun, error) {
	ours, theirs := firstMonth, firstMonth+1
	if err := errors.Join(s.seed(ctx, theirs, b.Rows, 0), b.filled(ctx, s, b.Rows, instantBytes)); err != nil {
		return nil, err
	}
	s.environment["BALSONG_SMS_URL"] = nobody
	delivered, err := b.counted(ctx, s, instantRole, metric.Deliveries.Name, `outcome="SUCCEEDED"`)
	if err != nil {
		return nil, err
	}
	settled, err := b.counted(ctx, s, settlementRole, metric.TargetsSettled.Name, "")
	if err != nil {
		return nil, err
	}
	if err := s.expect(ctx, ours, b.Rows, "SUCCEEDED"); err != nil {
		return nil, err
	}
	err = s.plainly(theirs, func(p *plain) error {
		delivering, settling, err := p.line(ctx, b.Rows)
		delivered.BaselineSeconds = delivering * float64(delivered.Rows) / float64(b.Rows)
		settled.BaselineSeconds = settling * float64(settled.Rows) / float64(b.Rows)
		return err
	})
	return []StageRun{delivered, settled}, err
}

// counted starts a service over a filled topic and measures from the first to the last of the rows that a metric counts: the
// process's start and the group's first rebalance are left out.
func (b *bench) counted(ctx context.Context, s *stage, role child.Role, metric, label string) (run StageRun, err error) {
	process, err := b.service(ctx, s, role)
	if err != nil {
		return run, err
	}
	count := func() int {
		page, err := scrape(ctx, process.url)
		if err != nil {
			return 0 // still starting
		}
		return int(page.sum(metric, label))
	}
	if run, err = b.span(ctx, process.Process, count, b.Rows); err != nil {
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
		if err := b.nextTick(ctx, ticker.C, process); err != nil {
			return run, err
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
	if run.Rows < all/2 {
		return run, fmt.Errorf("%d of %d were done before the first look: give --rows more", first, all)
	}
	return run, nil
}
