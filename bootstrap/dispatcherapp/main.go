package dispatcherapp

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os/user"
	"slices"
	"time"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
)

const usage = `dispatcher publishes a request for every statement that is due: one run over a month, or over each open month.

Safe to run twice, by several at once, and again after it was killed: a statement goes out once.

Usage: dispatcher [--month 2026-11] [--actor NAME] [--reason TEXT]

Exit codes: 0 everything due was dispatched, or the cap was reached · 1 it did not finish: what is left is still due ·
2 wrong arguments or configuration

`

// Main is the command. ctx ends with SIGINT or SIGTERM: the page in hand is then finished.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("dispatcher", flag.ContinueOnError)
	flags.SetOutput(stderr)
	month := flags.String("month", "", "billing month, as in 2026-11; without: every open month")
	actor := flags.String("actor", "", "who starts this run; without: the user of this process")
	reason := flags.String("reason", "scheduled run", "why")
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
		fmt.Fprintln(stderr)
		config.Describe[config.Dispatcher](stderr)
	}
	if err := flags.Parse(args); err != nil {
		return core.ExitCodeOfFlags(err)
	}
	c, err := config.Load[config.Dispatcher]()
	if err != nil {
		fmt.Fprintln(stderr, "dispatcher:", err)
		return core.ExitUsage
	}
	var months []key.Month
	if *month != "" {
		m, err := key.ParseMonth(*month)
		if err != nil {
			fmt.Fprintln(stderr, "dispatcher: --month:", err)
			return core.ExitUsage
		}
		months = []key.Month{m}
	}
	if *actor == "" {
		*actor = whoami()
	}
	return core.Once(ctx, stderr, Options(c), func(ctx context.Context, runner *dispatch.Runner) error {
		return Run(ctx, runner, months, port.Act{Actor: *actor, Reason: *reason, At: time.Now()}, stdout)
	})
}

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// Run makes one run over each month, or over every open one, and prints each record. What goes wrong in one month does
// not keep the others from their turn, unless everything is to stop.
func Run(ctx context.Context, runner *dispatch.Runner, months []key.Month, by port.Act, out io.Writer) error {
	if len(months) == 0 {
		open, err := runner.OpenMonths(ctx)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			fmt.Fprintln(out, "no month is open: import one first")
		}
		months = open
	}
	var failures []error
	for _, month := range months {
		record, err := runner.Run(ctx, month, by, nil)
		Print(out, record)
		if err != nil {
			failures = append(failures, fmt.Errorf("month %s: %w", month, err))
		}
		if errors.Is(err, dispatch.ErrStopped) || errors.Is(err, dispatch.ErrHalted) {
			break
		}
	}
	return errors.Join(failures...)
}

// Print writes a run record for people.
func Print(out io.Writer, r port.Run) {
	fmt.Fprintf(out, "run %d over %s %s after %s: %d published, %d not acknowledged, %d skipped, %d left, %d pages (p50 %s, p99 %s)\n",
		r.ID, r.Month, r.Status, r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond), r.Published, r.Failed, r.Skipped, r.Left, r.Pages,
		r.PageTimeP50.Round(time.Millisecond), r.PageTimeP99.Round(time.Millisecond))
	for _, name := range slices.Sorted(maps.Keys(r.Decisions)) {
		fmt.Fprintf(out, "  %8d  %s\n", r.Decisions[name], name)
	}
}
