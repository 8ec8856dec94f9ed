package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/generate"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// The target of taking a month from CSV to RENDERED, for as many rows as it is asked of.
const (
	monthRows  = 5_000_000
	monthLimit = 10 * time.Minute
	monthRSS   = 400_000_000 // bytes
	monthFiles = 5
)

// monthStage takes a month from CSV to RENDERED with the production commands, in processes of their own.
func (b *bench) monthStage(ctx context.Context) error {
	return b.open(ctx, "month", b.rendered)
}

// lifeStage takes a month from nothing to its end: generated, imported, rendered, and then dispatched, delivered and settled.
func (b *bench) lifeStage(ctx context.Context) error {
	return b.open(ctx, "life", func(ctx context.Context, s *stage) error {
		if err := b.rendered(ctx, s); err != nil {
			return err
		}
		run, memory, err := b.throughTheLine(ctx, &line{stage: s, month: firstMonth}, b.Bills)
		if err != nil {
			return err
		}
		sent := &Stage{
			Name: "line", Rows: b.Bills, Runs: []StageRun{run}, Target: Target{Rate: deliveryLimit, PeakRSS: monthRSS},
			Label: fmt.Sprintf("the same month from RENDERED to its end: a dispatcher (at most %.0f MB of memory), a delivery (%.0f), a settlement (%.0f) at once, a gateway that answers after %s",
				mb(memory["dispatcher"]), mb(memory["delivery"]), mb(memory["settlement"]), b.Answer),
		}
		sent.summarize()
		b.report.Stages = append(b.report.Stages, sent)
		return nil
	})
}

// rendered generates, imports and renders a month; each step and the last two together are a row of the table.
func (b *bench) rendered(ctx context.Context, s *stage) error {
	dir := b.path("bills")
	steps := []struct {
		measured Stage
		do       func() (StageRun, error)
	}{
		{
			Stage{Name: "generate", Label: fmt.Sprintf("%d files of billing data of made-up customers", monthFiles), Target: Target{Rate: 300_000, PeakRSS: 64_000_000}},
			func() (StageRun, error) { return b.generated(ctx, dir) },
		},
		{
			Stage{Name: "import", Label: "`batch import` of these files", Target: Target{PeakRSS: 200_000_000}},
			func() (StageRun, error) {
				files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
				if err != nil {
					return StageRun{}, err
				}
				_, run, err := b.batch(ctx, s, append([]string{"import", "--month", firstMonth.String()}, files...)...)
				return run, err
			},
		},
		{
			Stage{Name: "render", Label: "`batch render`", Target: Target{Rate: 15_000, PeakRSS: monthRSS}},
			func() (StageRun, error) {
				_, run, err := b.batch(ctx, s, "render", "--month", firstMonth.String())
				return run, err
			},
		},
	}
	whole := StageRun{Rows: b.Bills, CPU: map[string]float64{}}
	for i, step := range steps {
		run, err := step.do()
		if err != nil {
			return err
		}
		run.Rows = b.Bills
		step.measured.Rows, step.measured.Runs = b.Bills, []StageRun{run}
		step.measured.summarize()
		b.report.Stages = append(b.report.Stages, &step.measured)
		b.say("%s took %.0f s, %.0f a second, and %.0f MB at most", step.measured.Name, run.Seconds, float64(b.Bills)/run.Seconds, mb(run.PeakRSS))
		if i == 0 {
			continue
		}
		whole.Seconds, whole.PeakRSS = whole.Seconds+run.Seconds, max(whole.PeakRSS, run.PeakRSS)
		for process, cpu := range run.CPU {
			whole.CPU[process] += cpu
		}
	}
	month := &Stage{
		Name: "month", Rows: b.Bills, Runs: []StageRun{whole}, Target: Target{Rate: monthRows / monthLimit.Seconds(), PeakRSS: monthRSS},
		Label: "CSV to RENDERED: import and render together",
	}
	month.summarize()
	b.report.Stages = append(b.report.Stages, month)
	n, err := s.countBatch(ctx, firstMonth, "RENDERED")
	if err == nil && n != b.Bills {
		err = fmt.Errorf("%d of %d bills are RENDERED", n, b.Bills)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// generateRole writes billing data, as the command generate does, in a process of its own.
var generateRole = child.Register("bench-generate", func(ctx context.Context, link *child.Link) error {
	var o generateOrders
	ctx, err := link.Spec(ctx, &o)
	if err != nil {
		return err
	}
	if err := link.Ready(info{}); err != nil {
		return err
	}
	core.BoundMemory(generate.Memory)
	_, err = generate.Run(ctx, generate.Options{
		Dir: o.Dir, Seed: 1, Since: firstMonth, Month: firstMonth, Months: 1, Rows: o.Rows, Files: monthFiles, Compress: generate.None, Sample: demodata.Telco(),
	})
	return errors.Join(err, writeJSON(o.Usage, usageOf(os.Getpid())))
})

type generateOrders struct {
	Dir   string `json:"dir"`
	Rows  int    `json:"rows"`
	Usage string `json:"usage"` // file for what it used
}

// generated writes the month's files into dir. Nobody in them has quiet hours or a day of the month, so that all may be sent now.
func (b *bench) generated(ctx context.Context, dir string) (run StageRun, err error) {
	o := generateOrders{Dir: dir, Rows: b.Bills, Usage: b.path("generate.usage.json")}
	began := time.Now()
	process, err := b.startChild(ctx, generateRole, o)
	if err != nil {
		return run, err
	}
	var own usage
	if err := errors.Join(untilEnd(ctx, process), readJSON(o.Usage, &own)); err != nil {
		return run, fmt.Errorf("generate: %w", err)
	}
	return StageRun{Seconds: time.Since(began).Seconds(), CPU: map[string]float64{"generate": own.CPU()}, PeakRSS: own.PeakRSS}, nil
}
