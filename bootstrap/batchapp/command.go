package batchapp

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/adapters/postgres"
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
	cmd.AddCommand(newMigrate(), newImport(), newMappings(), newRender(), NewTemplatesCommand())
	cli.Describe(cmd, exitCodes)
	return cmd
}

func newMigrate() *cobra.Command {
	var options postgres.MigrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema, the topics and the bucket up to date",
		Long: "Bring the database's schema, the topics and the bucket up to date. Run it before the services of a new version.\n" +
			"A migration waits for a lock for a moment only, since all others wait behind it; then it is tried again, and its log says who holds locks.",
		Example: "  batch migrate\n  batch migrate --retry-for 1h",
		Args:    cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.LockTimeout < time.Millisecond || options.RetryFor < time.Second {
				return cli.Usagef("--lock-timeout must be at least 1ms, and --retry-for 1s")
			}
			return cli.Once(cmd, Migrating, func(ctx context.Context, c config.Migrate, m Migration) error {
				uses := doctor.Components{Database: &c.Database, Kafka: &c.Kafka, S3: &c.S3}
				var schema postgres.Versions
				err := doctor.BesideMigrate(ctx, uses, m.Log, func(ctx context.Context) (err error) {
					schema, err = m.Run(ctx, options)
					return err
				})
				if err != nil {
					return err
				}
				return cli.Answer(cmd, migrated{UpToDate: true, From: schema.From, To: schema.To}, func(w io.Writer) {
					if schema.From == schema.To {
						fmt.Fprintf(w, "schema %d, as before\n", schema.To)
					} else {
						fmt.Fprintf(w, "schema %d → %d\n", schema.From, schema.To)
					}
					fmt.Fprintln(w, "the schema, the topics and the bucket are up to date")
				})
			})
		},
	}
	cmd.Flags().DurationVar(&options.LockTimeout, "lock-timeout", 2*time.Second, "how long a try of a migration waits for a lock; less than BALSONG_DB_LOCK_TIMEOUT of the services")
	cmd.Flags().DurationVar(&options.RetryFor, "retry-for", 5*time.Minute, "how long a migration that does not get its locks is tried again")
	cli.AddOutput(cmd)
	cli.Describe(cmd, exitCodes, cli.Configuration[config.Migrate]())
	return cmd
}

// migrated is the answer of batch migrate.
type migrated struct {
	UpToDate bool `json:"up_to_date"`
	From     int  `json:"schema_from"` // 0: there was none
	To       int  `json:"schema_to"`
}

// useMemory lets a command use so many bytes before it collects garbage in earnest: most of what a chunk of rows leaves behind is garbage, and to collect it early costs more than the memory.
func useMemory(limit int64) {
	core.BoundMemory(limit)
	core.CollectGarbageAt(commandGC)
}

// commandGC is the growth of a command's heap between two collections, in per cent; the memory's bound comes first.
const commandGC = 400
