package batchapp

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
)

var exitCodes = cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitRejected, core.ExitNotFound, core.ExitRefused, core.ExitUnavailable, core.ExitInterrupted)

// NewCommand returns the command batch. When its context ends, as by a signal, the chunk under way is finished first.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "batch",
		Short: "Prepare a month's statements: migrate, import, render",
		Long:  "Prepare a month's statements. Each command is safe to run twice, and again after it was killed.",
		Example: "  batch migrate\n" +
			"  batch import --month 2026-11 --file bills.csv\n" +
			"  batch render --month 2026-11",
	}
	cmd.AddCommand(newMigrate(), newImport(), newRender(), NewTemplatesCommand())
	cli.Describe(cmd, exitCodes)
	return cmd
}

// look examines the parts that a command uses, while it works.
type look func(ctx context.Context, c config.Batch, log port.Log, work func(context.Context) error) error

func lookBesideImport(ctx context.Context, c config.Batch, log port.Log, work func(context.Context) error) error {
	return doctor.Beside(ctx, doctor.Parts{Database: &c.Database, Keys: &c.Keys}, log, work)
}

func lookBesideRender(ctx context.Context, c config.Batch, log port.Log, work func(context.Context) error) error {
	return doctor.Beside(ctx, doctor.Parts{Database: &c.Database, S3: &c.S3, Keys: &c.Keys}, log, work)
}

func lookBesideMigrate(ctx context.Context, c config.Batch, log port.Log, work func(context.Context) error) error {
	return doctor.BesideMigrate(ctx, doctor.Parts{Database: &c.Database, Kafka: &c.Kafka, S3: &c.S3}, log, work)
}

// with loads the configuration and runs do with the batch, after a look and beside it.
func with(ctx context.Context, stderr io.Writer, look look, do func(context.Context, Batch) error) error {
	c, err := config.Load[config.Batch](ctx)
	if err != nil {
		return err
	}
	return cli.Exit(core.Once(ctx, stderr, Options(c), func(ctx context.Context, b Batch) error {
		return look(ctx, c, b.Log, func(ctx context.Context) error { return do(ctx, b) })
	}))
}

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema, the topics and the bucket up to date",
		Long:  "Bring the database's schema, the topics and the bucket up to date. Run it before the services of a new version.",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), cmd.ErrOrStderr(), lookBesideMigrate, func(ctx context.Context, b Batch) error {
				if err := b.Migrate(ctx); err != nil {
					return err
				}
				return cli.Answer(cmd, map[string]bool{"up_to_date": true}, func(w io.Writer) {
					fmt.Fprintln(w, "the schema, the topics and the bucket are up to date")
				})
			})
		},
	}
	cli.AddOutput(cmd)
	cli.Describe(cmd, exitCodes, cli.Configuration[config.Batch]())
	return cmd
}

// useMemory lets a command use so many bytes before it collects garbage in earnest: most of what a chunk of rows leaves behind is garbage, and to collect it early costs more than the memory.
func useMemory(limit int64) {
	core.BoundMemory(limit)
	core.CollectGarbageAt(commandGC)
}

// commandGC is the growth of a command's heap between two collections, in per cent; the memory's bound comes first.
const commandGC = 400
