package dispatcherapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

const help = `Publish a request for every statement that is due: one run over a month, or over each open month.

Safe to run twice, by several at once, and again after it was killed: a statement goes out once.

It ends with 0 when everything that was due has been published, or the cap (BALSONG_DISPATCH_CAP) was reached. However it
ends, what was not published is still due, and the next run takes it.`

// arguments are the flags of the dispatcher.
type arguments struct {
	cli.By
	month key.Month
}

// NewCommand returns the command dispatcher. When its context ends, as by a signal, the page under way is finished first.
func NewCommand() *cobra.Command {
	var a arguments
	cmd := &cobra.Command{
		Use:     "dispatcher",
		Short:   "Publish a request for every statement that is due (the Producer)",
		Long:    help,
		Example: "  dispatcher\n  dispatcher --month 2026-11 --reason \"second run of the day\"",
		Args:    cli.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
	}
	a.flags(cmd)
	cli.AddOutput(cmd)
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitUnavailable, core.ExitHalted, core.ExitInterrupted),
		cli.Configuration[config.Dispatcher]())
	return cmd
}

func (a *arguments) flags(cmd *cobra.Command) {
	cli.MonthFlag(cmd, &a.month, "; without: every open month")
	a.ActorFlags(cmd, "scheduled run", "why; recorded")
	a.ApproverFlag(cmd)
}

func (a *arguments) run(cmd *cobra.Command) error {
	var months []key.Month
	if a.month != 0 {
		months = []key.Month{a.month}
	}
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	core.CollectGarbageAt(runGC)
	return cli.Once(cmd, Options, func(ctx context.Context, c config.Dispatcher, runner *dispatch.Runner) error {
		var answer runsDocument
		err := doctor.Beside(ctx, doctor.Components{Database: &c.Database, Kafka: &c.Kafka}, runner.Log, func(ctx context.Context) error {
			return Run(ctx, runner, months, a.Act(), stderr, func(r port.Run) {
				answer.Runs = append(answer.Runs, runAnswer(r))
				if cli.Output(cmd) != core.JSON {
					Print(stdout, r)
				}
			})
		})
		if err != nil && len(answer.Runs) == 0 {
			return err // there is nothing to answer
		}
		answer.Memory = observe.PeakMemory()
		return errors.Join(err, cli.Answer(cmd, answer, func(w io.Writer) {
			if len(answer.Runs) == 0 {
				fmt.Fprintln(w, "no month is open: import one first")
			}
			observe.WriteMemory(w)
		}))
	})
}

// runGC lets a run's heap grow to four times what lives before garbage is collected, unless GOGC says otherwise: a page of
// 1,000 is up to 10 MB, and at Go's default each page was collected twice, which took a quarter of the dispatcher's processor time.
const runGC = 300

// Once starts the app with these options, makes runs with it, and stops it again, as core.Once does, with memory as runs
// need it.
func Once(ctx context.Context, stderr io.Writer, options fx.Option, do func(context.Context, *dispatch.Runner) error) int {
	core.CollectGarbageAt(runGC)
	return core.Once(ctx, stderr, options, do)
}

// Run makes one run over each of the months, or over every open month where none is given, and calls record with each run's
// record. It shows its progress on stderr. After an error in one month it goes on with the next, unless it was stopped or
// everything is halted.
func Run(ctx context.Context, runner *dispatch.Runner, months []key.Month, by port.Act, stderr io.Writer, record func(port.Run)) error {
	if len(months) == 0 {
		open, err := runner.OpenMonths(ctx)
		if err != nil {
			return err
		}
		months = open
	}
	var failures []error
	for _, month := range months {
		err := runMonth(ctx, runner, month, by, stderr, record)
		if err != nil {
			failures = append(failures, fmt.Errorf("month %s: %w", month, err))
		}
		if errors.Is(err, dispatch.ErrStopped) || errors.Is(err, dispatch.ErrHalted) {
			break
		}
	}
	return errors.Join(failures...)
}

// countAtMost bounds the count of what is due, which is only for the progress bar.
const countAtMost = 10_000_000

func runMonth(ctx context.Context, runner *dispatch.Runner, month key.Month, by port.Act, stderr io.Writer, record func(port.Run)) error {
	due, err := runner.Backlog.Due(ctx, month, runner.Clock.Now(), countAtMost)
	if err != nil {
		due = 0 // the run itself waits for the database, and says so
	}
	work := progress.On(stderr).Begin("dispatch "+month.String(), "bills", int64(due))
	run, err := runner.Run(ctx, month, by, func(r port.Run) {
		decided := 0
		for _, n := range r.Decisions {
			decided += n
		}
		work.Set(int64(decided))
	})
	work.End()
	if run.ID != 0 {
		record(run)
	}
	return err
}

// Print writes a run record for people.
func Print(out io.Writer, r port.Run) {
	fmt.Fprintf(out, "run %d over %s %s after %s: %d published, %d not acknowledged, %d skipped, %d left, %s (p50 %s, p99 %s)\n",
		r.ID, r.Month, r.Status, r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond), r.Published, r.Failed, r.Skipped, r.Left, wording.Count(r.Pages, "page", "pages"),
		r.PageTimeP50.Round(time.Millisecond), r.PageTimeP99.Round(time.Millisecond))
	for _, rule := range billing.RuleTable.Codes() {
		if n := r.Decisions[rule]; n > 0 {
			fmt.Fprintf(out, "  %8d  %s %s\n", n, rule.Kind(), rule)
		}
	}
	if n := r.Decisions[billing.RuleDeadline]; n > 0 {
		fmt.Fprintf(out, "  %8d  expired and are not sent: the deadline that their policy gives %s has passed (`balsong policy list` shows it). They are in `balsong unreached --month %s`;\n"+
			"            for bills of such a month that are still to go out, activate a policy with a later deadline before the run\n", n, r.Month, r.Month)
	}
	if r.Unrendered > 0 {
		fmt.Fprintf(out, "  %8d  not rendered yet, so no candidates: `balsong batch render --month %s`, then run again\n", r.Unrendered, r.Month)
	}
}
