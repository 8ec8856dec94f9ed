package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/local/bench"
)

const benchHelp = `Measure the product against its floors, on this machine and with nothing but this program:
PostgreSQL, Apache Kafka (kfake where Java is missing), S3 and the gateway simulator each in a
process of its own, and so the dispatcher, delivery and settlement, wired as in production.

  dispatch  100,000 READY rows: < 10 s, peak resident memory < 100 MB; beside it the raw limit
            of the same machine: plain SQL and a plain producer, one after the other
  delivery  a filled topic, a gateway that answers after 1 s, statements of 10 KB from S3,
            one delivery process: >= 5,000 rows settled a second over 60 s
  all       both
  import    by itself: generated bills into an empty database, beside a raw COPY of the same rows
            over as many connections: >= 50% of it, encryption included
  render    by itself: imported bills into packs on S3, >= 15,000 a second; beside as many rows read,
            bytes put and columns updated

A full run takes about five minutes and 8 GB of disk; --quick takes one minute and claims nothing.
Run it on a machine that does nothing else. docs/performance.md says how to read the result.`

// newBench is the subcommand "bench".
func newBench() *cobra.Command {
	var options bench.Options
	var file string
	cmd := &cobra.Command{
		Use:       "bench [flags] dispatch|delivery|import|render|all",
		Short:     "Measure dispatch and delivery against their floors",
		Long:      benchHelp,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{bench.Dispatch, bench.Delivery, bench.Import, bench.Render, bench.All},
		Example:   "  balsong bench all --json result.json\n  balsong bench delivery --quick --pprof profiles",
		RunE: func(cmd *cobra.Command, args []string) error {
			options.What, options.Out = args[0], os.Stdout
			return runBench(cmd.Context(), options, file)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&options.Quick, "quick", false, "small sizes: to see whether it works, not how fast")
	flags.StringVar(&file, "json", "", "also write the result to this file, for machines")
	flags.StringVar(&options.Profiles, "pprof", "", "write CPU and allocation profiles of the apps to this directory (costs a few per cent)")
	flags.StringVar(&options.DataDir, "data", "", "keep data and logs in this directory (default: temporary)")
	flags.IntVar(&options.Rows, "rows", 0, "dispatch: READY rows; import: rows (default 100,000; quick 20,000)")
	flags.IntVar(&options.Runs, "runs", 0, "dispatch, import: runs, each beside its raw limit; the median counts (default 3; quick 1)")
	flags.IntVar(&options.Statements, "statements", 0, "delivery: requests in the topic (default 400,000; quick 60,000)")
	flags.IntVar(&options.StatementBytes, "statement-bytes", 0, "delivery: length of a statement's text (default 10,240)")
	flags.BoolVar(&options.RandomText, "random-text", false, "delivery: statements that hardly compress, instead of itemised bills")
	flags.DurationVar(&options.For, "for", 0, "delivery: how long to measure (default 1m; quick 8s)")
	flags.DurationVar(&options.Warmup, "warm-up", 0, "delivery: time before anything counts (default 10s; quick 3s)")
	flags.DurationVar(&options.Answer, "latency", 0, "delivery: after how long the gateway answers (default 1s)")
	flags.IntVar(&options.InFlight, "in-flight", 0, "delivery: messages in hand at the same time (default 10,000)")
	flags.IntVar(&options.Batch, "batch", 0, "delivery: rows of a bulk statement (default 500)")
	flags.IntVar(&options.CacheMiB, "s3-cache", 0, "delivery: MiB of packs kept for the neighbours of a statement (default 64)")
	flags.DurationVar(&options.Linger, "linger", 0, "delivery: how long a bulk statement waits for more rows under load, settlement twice as long (default 50ms; negative: not at all)")
	flags.StringVar(&options.Kafka, "kafka", "", "apache, kfake, or addresses (default: apache where it can run)")
	flags.StringVar(&options.Postgres, "postgres", "", "embedded, a directory with PostgreSQL's programs, or a superuser's URL")
	flags.BoolVar(&options.Durable, "durable", false, "PostgreSQL waits for the disk at each commit")
	return cmd
}

// runBench holds everything temporary in a scratch directory, as parts do.
func runBench(ctx context.Context, options bench.Options, file string) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
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
	report, err := bench.Run(ctx, options)
	if err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("--json: %w", err)
	}
	return errors.Join(report.WriteJSON(out), out.Close())
}
