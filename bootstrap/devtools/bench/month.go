package bench

import (
	"context"
	"fmt"
	"time"
)

// The target of taking a month from CSV to RENDERED, for as many rows as it is asked of.
const (
	monthRows  = 5_000_000
	monthLimit = 10 * time.Minute
	monthRSS   = 400_000_000 // bytes
	monthFiles = 5
)

// monthSteps are the stages of a month from nothing to RENDERED; the last is the two before it together.
func (b *bench) monthSteps() []*Stage {
	return []*Stage{
		{Name: "generate", Rows: b.Bills, Label: fmt.Sprintf("%d files of billing data of made-up customers", monthFiles), Target: Target{Rate: 300_000, PeakRSS: 64_000_000}},
		{Name: "import", Rows: b.Bills, Label: "`batch import` of these files", Target: Target{PeakRSS: 200_000_000}},
		{Name: "render", Rows: b.Bills, Label: "`batch render`", Target: Target{Rate: 15_000, PeakRSS: monthRSS}},
		{Name: "month", Rows: b.Bills, Label: "CSV to RENDERED: import and render together", Target: Target{Rate: monthRows / monthLimit.Seconds(), PeakRSS: monthRSS}},
	}
}

// monthStage takes a month from CSV to RENDERED with the production commands, in processes of their own.
func (b *bench) monthStage(ctx context.Context) error {
	return b.repeat(ctx, Month, 1, b.batched, b.monthSteps()...)
}

// lifeStage takes a month from nothing to its end: generated, imported, rendered, and then dispatched, delivered and settled.
func (b *bench) lifeStage(ctx context.Context) error {
	sent := &Stage{
		Name: "line", Rows: b.Bills, Target: Target{Rate: deliveryLimit, PeakRSS: monthRSS},
		Label: fmt.Sprintf("the same month from RENDERED to its end: a dispatcher, a delivery, a settlement at once, a gateway that answers after %s", answerAfter),
	}
	return b.repeat(ctx, Life, 1, func(ctx context.Context, s *stage) ([]StageRun, error) {
		runs, err := b.batched(ctx, s)
		if err != nil {
			return runs, err
		}
		run, memory, err := b.throughTheLine(ctx, s, b.Bills)
		sent.Details = []string{fmt.Sprintf("memory: the dispatcher at most %.0f MB, the delivery %.0f, the settlement %.0f",
			mb(memory["dispatcher"]), mb(memory["delivery"]), mb(memory["settlement"]))}
		return append(runs, run), err
	}, append(b.monthSteps(), sent)...)
}

// batched generates, imports and renders a month. Nobody in it has quiet hours or a day of the month, so that all may be sent now.
func (b *bench) batched(ctx context.Context, s *stage) ([]StageRun, error) {
	files, generated, err := b.generated(ctx, s, firstMonth, b.Bills, "--files", fmt.Sprint(monthFiles), "--quiet", "0", "--send-day", "0")
	if err != nil {
		return nil, err
	}
	imported, err := b.imported(ctx, s, firstMonth, b.Bills, files)
	if err != nil {
		return []StageRun{generated}, err
	}
	rendered, _, err := b.rendered(ctx, s, firstMonth, b.Bills)
	both := StageRun{
		Rows: b.Bills, Seconds: imported.Seconds + rendered.Seconds, PeakRSS: max(imported.PeakRSS, rendered.PeakRSS), CPU: map[string]float64{},
	}
	for _, run := range []StageRun{imported, rendered} {
		for process, cpu := range run.CPU {
			both.CPU[process] += cpu
		}
	}
	return []StageRun{generated, imported, rendered, both}, err
}
