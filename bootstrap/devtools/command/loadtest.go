package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/prices"
	"github.com/balsong/balsong/bootstrap/progress"
)

const loadtestHelp = `Will the month arrive in time, with how many partitions and tasks, and at what cost?

Say how fast the gateway answers and how much it takes, how many targets there are, who has quiet
hours, and by when all must have arrived. A model tries every combination of partitions, tasks,
calls in flight and rows a page (seconds), says what to set, why not a little more or less, what a
million costs, and what breaks first when a task dies, the gateway slows down, quiet hours begin or
the month is ten times as large. Then it runs the real components on this machine at a reduced scale,
beside what the model predicts of them (some minutes; --model-only leaves that out).

The answer is text or JSON, and a report with pictures, one HTML file that needs no other.
docs/guides/loadtest.md says how the model works, how to read it, and what it does not know.`

// loadtestArguments are the flags that need reading.
type loadtestArguments struct {
	latency, start, by, prices, costs, report, json string
	quiet                                           []string
	modelOnly, showPrices                           bool
}

// newLoadtest is the subcommand "loadtest".
func newLoadtest() *cobra.Command {
	o := loadtest.Options{Infrastructure: capacity.Cloud(), Grid: capacity.WideGrid()}
	var measure loadtest.Measure
	var a loadtestArguments
	output := core.Text
	cmd := &cobra.Command{
		Use:   "loadtest",
		Short: "Will a month arrive in time, with which settings, at what cost?",
		Long:  loadtestHelp,
		Args:  cli.NoArguments,
		Example: "  balsong-dev loadtest --targets 5000000 --latency p50=1s,p99=4s --start 09:00 --by 18:00 --model-only\n" +
			"  balsong-dev loadtest --targets 5000000 --latency 300ms --tps 500 --quiet 20%@21:00-10:00 --report report.html",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.showPrices {
				_, err := cmd.OutOrStdout().Write(prices.List())
				return err
			}
			err := a.into(&o)
			if err == nil && !a.modelOnly {
				o.Measure = &measure
			}
			if err == nil {
				err = runLoadtest(cmd.Context(), o, a, output, cmd.OutOrStdout())
			}
			if errors.Is(err, capacity.ErrImpossible) {
				return cli.Usage(err)
			}
			return err
		},
	}
	questionFlags(cmd, &o, &a)
	measureFlags(cmd, &measure)
	cmd.Flags().Var(&output, "output", core.OutputHelp)
	return cmd
}

// questionFlags are those of the question and of the model's answer.
func questionFlags(cmd *cobra.Command, o *loadtest.Options, a *loadtestArguments) {
	flags := cmd.Flags()
	flags.IntVar(&o.Question.Targets, "targets", 1_000_000, "statements to send")
	flags.StringVar(&a.latency, "latency", "1s", "how long the gateway takes: 1s, p50=800ms,p99=3s, or file:NAME with a measured answer on each line")
	flags.Float64Var(&o.Question.Gateway.TPS, "tps", 0, "calls a second that the gateway takes; 0: no limit")
	flags.DurationVar(&o.Question.Gateway.CallDeadline, "call-deadline", 30*time.Second, "a call that takes longer has an unknown outcome")
	flags.StringArrayVar(&a.quiet, "quiet", nil, "customers with quiet hours, as in 20%@21:00-08:00; may be given several times")
	flags.StringVar(&a.start, "start", "09:00", "when the run starts, by the customers' clock")
	flags.StringVar(&a.by, "by", "18:00", "when all must have arrived: an hour after the start, or how long after it, as in 30h")
	flags.IntSliceVar(&o.Grid.Partitions, "partitions", o.Grid.Partitions, "what the sweep tries")
	flags.IntSliceVar(&o.Grid.Tasks, "tasks", o.Grid.Tasks, "what the sweep tries, as the most tasks")
	flags.IntSliceVar(&o.Grid.InFlight, "in-flight", o.Grid.InFlight, "what the sweep tries, of each task")
	flags.IntSliceVar(&o.Grid.Page, "page", o.Grid.Page, "what the sweep tries, rows a page of the dispatcher")
	flags.Float64Var(&o.Infrastructure.TaskCores, "task-vcpu", o.Infrastructure.TaskCores, "processors of a delivery task")
	flags.Float64Var(&o.Infrastructure.TaskGB, "task-gb", o.Infrastructure.TaskGB, "memory of a delivery task")
	flags.Float64Var(&o.Infrastructure.DatabaseCores, "database-vcpu", o.Infrastructure.DatabaseCores, "processors of the database")
	flags.DurationVar(&o.Infrastructure.TaskStart, "task-start", o.Infrastructure.TaskStart, "from the start of a task to its first message")
	flags.StringVar(&a.costs, "calibration", "", "JSON file with what work costs, as \"costs\" of a report's \"measured\" (default: docs/performance.md)")
	flags.StringVar(&a.prices, "prices", "", "CSV file with prices; --show-prices writes the built-in one to begin with")
	flags.BoolVar(&a.showPrices, "show-prices", false, "write the built-in price table to stdout, and nothing else")
	flags.IntVar(&o.Seeds, "seeds", 41, "runs in the model from which intervals are taken")
	flags.StringVar(&a.report, "report", "", "write the report with pictures to this HTML file")
	flags.StringVar(&a.json, "json", "", "write the answer as JSON to this file, too")
	flags.BoolVar(&a.modelOnly, "model-only", false, "do not run the real components")
}

// measureFlags are those of the measured part.
func measureFlags(cmd *cobra.Command, measure *loadtest.Measure) {
	flags := cmd.Flags()
	flags.IntVar(&measure.Targets, "measured-targets", 20_000, "targets of a measured run")
	flags.IntVar(&measure.Runs, "runs", 5, "measured runs of each settings; the median counts")
	flags.IntVar(&measure.Pairs, "pairs", 3, "settings that are measured: the best on this machine and its neighbours")
	flags.IntVar(&measure.StatementBytes, "statement-bytes", 10<<10, "length of a measured statement's text")
	flags.StringVar(&measure.Kafka, "kafka", "", "measured: apache, kfake, or addresses (default: apache where it can run)")
	flags.StringVar(&measure.Postgres, "postgres", "", "measured: embedded, a directory with PostgreSQL's programs, or a superuser's URL")
	flags.StringVar(&measure.DataDir, "data", "", "measured: keep data and logs in this directory (default: temporary)")
}

// into reads what flags alone cannot.
func (a loadtestArguments) into(o *loadtest.Options) (err error) {
	if o.Seeds < 1 || o.Seeds > 1000 {
		return fmt.Errorf("%w: --seeds: %d (want 1 to 1,000)", capacity.ErrImpossible, o.Seeds)
	}
	if o.Question.Gateway.Latency, err = loadtest.ReadLatency(a.latency); err != nil {
		return err
	}
	if o.Question.Start, err = minuteOf("--start", a.start); err != nil {
		return err
	}
	if o.Question.Within, err = withinOf(a.by, o.Question.Start); err != nil {
		return err
	}
	for _, text := range a.quiet {
		quiet, err := quietOf(text)
		if err != nil {
			return err
		}
		o.Question.Quiet = append(o.Question.Quiet, quiet)
	}
	if o.Calibration, err = loadtest.ReadCosts(a.costs); err != nil {
		return fmt.Errorf("--calibration: %w", err)
	}
	if o.Prices, err = loadtest.ReadPrices(a.prices); err != nil {
		return fmt.Errorf("--prices: %w", err)
	}
	return o.Question.Validate()
}

// minuteOf reads an hour as in 21:30, in minutes of the day.
func minuteOf(flag, text string) (int, error) {
	at, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %q is no hour of the day such as 21:30", capacity.ErrImpossible, flag, text)
	}
	return at.Hour()*60 + at.Minute(), nil
}

// withinOf reads an hour after the start, or how long after it.
func withinOf(text string, start int) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	by, err := minuteOf("--by", text)
	if err != nil {
		return 0, fmt.Errorf("%w, nor a time after the start such as 30h", err)
	}
	if by <= start {
		by += capacity.Day
	}
	return time.Duration(by-start) * time.Minute, nil
}

// quietOf reads 20%@21:00-08:00.
func quietOf(text string) (q capacity.Quiet, err error) {
	share, hours, found := strings.Cut(text, "%@")
	from, to, both := strings.Cut(hours, "-")
	per, err := strconv.ParseFloat(share, 64)
	if !found || !both || err != nil {
		return q, fmt.Errorf("%w: --quiet: %q (want a share and hours, as in 20%%@21:00-08:00)", capacity.ErrImpossible, text)
	}
	q.Share = per / 100
	if q.From, err = minuteOf("--quiet", from); err != nil {
		return q, err
	}
	q.To, err = minuteOf("--quiet", to)
	return q, err
}

// runLoadtest holds everything temporary of the measured part in a scratch directory, as components do.
func runLoadtest(ctx context.Context, o loadtest.Options, a loadtestArguments, output core.Output, out io.Writer) (err error) {
	if o.Measure != nil {
		scratch, err := newScratch(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, scratch.close()) }()
		o.Measure.Out = os.Stderr
		if o.Measure.DataDir == "" {
			o.Measure.DataDir = scratch.path("data")
		}
		if o.Measure.DataDir, err = filepath.Abs(o.Measure.DataDir); err != nil {
			return err
		}
		if err := os.MkdirAll(o.Measure.DataDir, 0o711); err != nil {
			return err
		}
	}
	var work *progress.Work
	o.Tell = func(done, of int) {
		if work == nil {
			work = progress.On(os.Stderr).Begin("sweep", "settings", int64(of))
		}
		if work.Set(int64(done)); done == of {
			work.End()
		}
	}
	report, err := loadtest.Run(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "balsong-dev loadtest: stopped; nothing was written")
			return cli.ExitError{Code: core.ExitInterrupted}
		}
		return err
	}
	for file, write := range map[string]func(io.Writer) error{
		a.report: report.WriteHTML,
		a.json:   func(w io.Writer) error { return core.JSON.Answer(w, report, nil) },
	} {
		if err := writeFile(file, write); err != nil {
			return err
		}
	}
	err = output.Answer(out, report, report.Print)
	if a.report != "" && err == nil {
		fmt.Fprintln(os.Stderr, "the report with pictures:", a.report)
	}
	return err
}

// writeFile writes a file whole, or says why not; no name is no file.
func writeFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
