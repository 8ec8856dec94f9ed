package generate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
)

const help = `Write billing data of made-up customers: the canonical CSV, as "batch import" reads it.

Services, contracts, charges and tenure are distributed as in the sample data of the demo; names are
made up, and e-mail addresses and telephone numbers belong to nobody. The same flags give the same
bytes on every machine; without --since that is the current month, and the end names the flags that
give the same again. Months follow one another: customers stay, few change their plan, some leave
and others arrive. docs/guides/generate.md has the rule of each field, with pictures.

A run that was stopped or killed is simply repeated: finished files are recognised.`

// arguments are the flags that need reading.
type arguments struct{ seed, since, month string }

// NewCommand returns the command generate.
func NewCommand() *cobra.Command {
	var options Options
	var a arguments
	var perFile int
	output := core.Text
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write billing data of made-up customers, as many as you like",
		Long:  help,
		Args:  cli.NoArguments,
		Example: "  balsong-dev generate --out data --rows 5000000 --files 5 --compress zstd\n" +
			"  balsong-dev generate --out year --rows 100000 --months 12 --seed 7",
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.into(&options)
			if err == nil && perFile > 0 {
				options.Files = (options.Rows + perFile - 1) / perFile
			}
			if err == nil {
				err = runCommand(cmd.Context(), options, output, cmd.OutOrStdout())
			}
			switch {
			case errors.Is(err, ErrOptions):
				return cli.Usage(err)
			case errors.Is(err, ErrSpace):
				fmt.Fprintln(os.Stderr, "balsong-dev generate:", err)
				return cli.ExitError{Code: core.ExitRefused}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.Dir, "out", "", "directory for the files (required)")
	flags.IntVar(&options.Rows, "rows", 1_000_000, "customers a month")
	flags.IntVar(&options.Files, "files", 1, "files a month")
	flags.IntVar(&perFile, "rows-per-file", 0, "instead of --files: at most so many rows in each")
	flags.StringVar(&a.month, "month", "", "first billing month to write, as in 2026-11 (default: --since)")
	flags.IntVar(&options.Months, "months", 1, "so many months, each following the one before")
	flags.StringVar(&a.since, "since", "", "first month of this world, as in 2026-11: its customers are as in the sample data; later months follow from it (default: --month, else the current month)")
	flags.StringVar(&a.seed, "seed", "1", "0 to 18446744073709551615: another seed, other customers")
	flags.StringVar(&options.Compress, "compress", None, "none, gzip or zstd")
	flags.IntVar(&options.Wishes.Quiet, "quiet", 20, "per cent of customers with quiet hours of their own")
	flags.IntVar(&options.Wishes.SendDay, "send-day", 30, "per cent of customers who want their bill on a day of the month")
	flags.Var(&output, "output", core.OutputHelp)
	cmd.MarkFlagsMutuallyExclusive("files", "rows-per-file")
	cli.Require(cmd, "out")
	return cmd
}

func (a arguments) into(o *Options) (err error) {
	wrong := func(flag string, err error) error { return fmt.Errorf("%w: %s: %w", ErrOptions, flag, err) }
	if o.Seed, err = strconv.ParseUint(a.seed, 10, 64); err != nil {
		return wrong("--seed", fmt.Errorf("%q is no whole number from 0 to 18446744073709551615", a.seed))
	}
	since := cmp.Or(a.since, a.month, time.Now().Format("2006-01"))
	if o.Since, err = key.ParseMonth(since); err != nil {
		return wrong("--since", err)
	}
	if o.Month = o.Since; a.month != "" {
		if o.Month, err = key.ParseMonth(a.month); err != nil {
			return wrong("--month", err)
		}
	}
	return nil
}

func runCommand(ctx context.Context, options Options, output core.Output, out io.Writer) error {
	core.BoundMemory(Memory)
	options.Sample = demodata.Telco()
	var work *progress.Work
	options.Progress = func(p Progress) {
		if work == nil {
			work = progress.On(os.Stderr).Begin("generate", "rows", int64(p.OfRows))
		}
		work.Set(int64(p.Rows))
	}
	summary, err := Run(ctx, options)
	if work != nil {
		work.End()
	}
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "balsong-dev generate: stopped; finished files stay: run the same command again and it goes on")
			return cli.ExitError{Code: core.ExitInterrupted}
		}
		return err
	}
	return output.Answer(out, answerOf(options, summary), func(w io.Writer) {
		fmt.Fprintf(w, "%d files in %s: %d written, %d there already; --seed %d --since %s --month %s with the same other flags gives the same bytes again\n",
			summary.Files+summary.Found, options.Dir, summary.Files, summary.Found, options.Seed, options.Since, options.Month)
		if summary.Rows > 0 {
			fmt.Fprintf(w, "%s rows, %s MiB in %.1f s: %s rows a second; at most %d MiB of memory\n", progress.Thousands(summary.Rows),
				progress.Thousands(summary.Bytes>>20), summary.Took.Seconds(), progress.Thousands(rate(summary)), observe.PeakMemory()>>20)
		}
	})
}

func rate(s Summary) int { return int(float64(s.Rows) / s.Took.Seconds()) }

// document is what a run came to, for programs.
type document struct {
	Dir         string    `json:"dir"`
	Seed        uint64    `json:"seed"`
	Since       key.Month `json:"since"`
	Month       key.Month `json:"month"`
	Written     int       `json:"files_written"`
	Found       int       `json:"files_found"`
	Rows        int       `json:"rows_written"`
	Bytes       int64     `json:"bytes_written"`
	Seconds     float64   `json:"seconds"`
	RowsASecond int       `json:"rows_a_second"`
	PeakMemory  int64     `json:"peak_memory_bytes"`
}

func answerOf(o Options, s Summary) document {
	return document{
		Dir: o.Dir, Seed: o.Seed, Since: o.Since, Month: o.Month, Written: s.Files, Found: s.Found, Rows: s.Rows, Bytes: s.Bytes, Seconds: s.Took.Seconds(), RowsASecond: rate(s), PeakMemory: observe.PeakMemory(),
	}
}
