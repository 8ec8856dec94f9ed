package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/devtools/bench"
)

const benchHelp = `Measure each stage of the product beside its baseline, on this machine and with nothing but this program:
PostgreSQL, Apache Kafka (kfake where Java is missing), S3 and the gateway simulator each in a
process of its own, and so the commands and services, wired as in production. The baseline is the
same work without the product, in the same run: plain SQL, a plain producer, go-mail alone.

%s

A stage runs five times (--runs), and the median counts; beside it stand the least and the most, and
the processor time of a row by process. --quick takes small sizes and claims nothing.
Run it on a machine that does nothing else: it says so when the machine is busy before it starts.
docs/performance.md says how to read the result. Ctrl-C ends it and leaves nothing behind.`

// newBench is the subcommand "bench".
func newBench() *cobra.Command {
	var options bench.Options
	var files benchFiles
	names, what := bench.Names()
	list := make([]string, len(names))
	for i := range names {
		list[i] = fmt.Sprintf("  %-9s %s", names[i], what[i])
	}
	cmd := &cobra.Command{
		Use:       "bench [flags] " + strings.Join(names, "|"),
		Short:     "Measure each stage beside its baseline",
		Long:      fmt.Sprintf(benchHelp, strings.Join(list, "\n")),
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
		Example:   "  balsong-dev bench all --json result.json\n  balsong-dev bench delivery --quick --pprof profiles",
		RunE: func(cmd *cobra.Command, args []string) error {
			options.What, options.Out = args[0], os.Stdout
			return runBench(cmd.Context(), options, files)
		},
	}
	cmd.AddCommand(newBenchCompare())
	flags := cmd.Flags()
	flags.BoolVar(&options.Quick, "quick", false, "small sizes: to see whether it works, not how fast")
	flags.StringVar(&files.json, "json", "", "also write the result to this file, for machines")
	flags.StringVar(&files.page, "doc", "", "also write the table into this page, between its marks, and its picture beside it: docs/performance.md")
	flags.StringVar(&options.Profiles, "pprof", "", "write CPU and allocation profiles of the apps to this directory (costs a few per cent)")
	flags.StringVar(&options.DataDir, "data", "", "keep data and logs in this directory (default: temporary)")
	flags.IntVar(&options.Rows, "rows", 0, "rows of a run of the stages; smtp takes two fifths (default 100,000; quick 20,000)")
	flags.IntVar(&options.Runs, "runs", 0, "runs of each stage, each beside its baseline; the median counts (default 5; quick 1)")
	flags.IntSliceVar(&options.Sizes, "sizes", nil, "growth: rows of each month (default 1000000,10000000; quick 200000,2000000)")
	flags.IntVar(&options.Bills, "bills", 0, "month, life: bills (default 5,000,000)")
	flags.IntVar(&options.Statements, "statements", 0, "delivery: requests in the topic (default 700,000; quick 60,000); whole: rows (default 1,000,000)")
	flags.BoolVar(&options.RandomText, "random-text", false, "delivery: statements that hardly compress, instead of itemised bills")
	flags.StringToStringVar(&options.Set, "set", nil, "variables of the measured processes, as in BALSONG_DELIVERY_LINGER=25ms (default: production's defaults)")
	flags.StringVar(&options.Kafka, "kafka", "", "apache, kfake, or addresses (default: apache where it can run)")
	flags.StringVar(&options.Postgres, "postgres", "", "embedded, a directory with PostgreSQL's programs, or a superuser's URL")
	flags.BoolVar(&options.Durable, "durable", false, "PostgreSQL waits for the disk at each commit")
	return cmd
}

// benchFiles are where a result goes beside the terminal; "" where nobody wants it.
type benchFiles struct{ json, page string }

// runBench holds everything temporary in a scratch directory, as components do.
func runBench(ctx context.Context, options bench.Options, files benchFiles) (err error) {
	scratch, err := newScratch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.close()) }()
	if options.DataDir == "" {
		options.DataDir = scratch.path("data")
	}
	for _, dir := range []*string{&options.DataDir, &options.Profiles} {
		if *dir == "" {
			continue
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
		if err := os.MkdirAll(*dir, 0o711); err != nil {
			return err
		}
	}
	if files.page != "" {
		if err := bench.CanDocument(options.What, files.page); err != nil { // before the work, not after it
			return fmt.Errorf("--doc: %w", err)
		}
	}
	report, err := bench.Run(ctx, options)
	if err != nil {
		return err
	}
	return files.write(report)
}

// write writes a result into the files that are wanted.
func (f benchFiles) write(report *bench.Report) (err error) {
	if f.json != "" {
		out, failed := os.Create(f.json)
		if failed == nil {
			failed = errors.Join(report.WriteJSON(out), out.Close())
		}
		if failed != nil {
			err = fmt.Errorf("--json: %w", failed)
		}
	}
	if f.page != "" {
		if failed := report.Document(f.page); failed != nil {
			err = errors.Join(err, fmt.Errorf("--doc: %w", failed))
		}
	}
	return err
}

// newBenchCompare is the subcommand "bench compare".
func newBenchCompare() *cobra.Command {
	return &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Compare two results of bench --json, by what a busier machine changes least",
		Long: `Compare two results of bench --json stage by stage: by the share of the baseline where there is one,
else by the processor time of a row. What is worse than the spread of the runs and 10% explain is marked and counted;
the exit code is 0 all the same, since a machine that does other work makes noise.`,
		Args:    cobra.ExactArgs(2),
		Example: "  balsong-dev bench compare yesterday.json today.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := bench.Compare(cmd.OutOrStdout(), args[0], args[1])
			return err
		},
	}
}
