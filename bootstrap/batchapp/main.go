package batchapp

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
)

const usage = `batch prepares a month's statements. Each command is safe to run twice, and again after it was killed.

Usage:
  batch migrate                                  bring the schema, the topics and the bucket up to date
  batch import --month 2026-11 --file bills.csv  read billing data (docs/contract/billing-csv.md); bad rows go to rejects.csv
  batch render --month 2026-11                   render every imported bill and store it
  batch templates export|check|fields            write the texts of bills out as files, check yours, list what they may use

`

var exitCodes = []int{core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitRejected, core.ExitNotFound, core.ExitRefused, core.ExitUnavailable, core.ExitInterrupted}

// Main is the command. ctx ends with SIGINT or SIGTERM: the chunk in hand is then finished.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	help := func(w io.Writer) {
		fmt.Fprint(w, usage)
		core.DescribeExitCodes(w, exitCodes...)
		config.Describe[config.Batch](w)
	}
	if len(args) == 0 {
		help(stderr)
		return core.ExitUsage
	}
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) int{
		"migrate": migrateMain, "import": importMain, "render": renderMain, "templates": TemplatesMain,
	}
	run, ok := commands[args[0]]
	if !ok {
		switch args[0] {
		case "help", "-h", "--help":
			help(stdout)
			return core.ExitOK
		case "version", "--version":
			fmt.Fprintln(stdout, "balsong batch", core.Version())
			return core.ExitOK
		}
		help(stderr)
		fmt.Fprintf(stderr, "\nbatch: there is no command %q\n", args[0])
		return core.ExitUsage
	}
	return run(ctx, args[1:], stdout, stderr)
}

// flagSet is a command's flags, with help that begins with about and lists the configuration too.
func flagSet(name, about string, args []string, stdout, stderr io.Writer) (*flag.FlagSet, *core.Output) {
	flags := core.NewFlags("batch "+name, args, stdout, stderr, func(out io.Writer, flags *flag.FlagSet) {
		fmt.Fprintf(out, "%s\n\n", about)
		flags.PrintDefaults()
		fmt.Fprintln(out)
		core.DescribeExitCodes(out, exitCodes...)
		config.Describe[config.Batch](out)
	})
	answer := core.Text
	flags.Var(&answer, "output", core.OutputHelp)
	return flags, &answer
}

// look is taken at the parts that a command uses, beside its work.
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
func with(ctx context.Context, stderr io.Writer, look look, do func(context.Context, Batch) error) int {
	c, err := config.Load[config.Batch](ctx)
	if err != nil {
		fmt.Fprintln(stderr, "batch:", err)
		return core.ExitCodeOf(ctx, err)
	}
	return core.Once(ctx, stderr, Options(c), func(ctx context.Context, b Batch) error {
		return look(ctx, c, b.Log, func(ctx context.Context) error { return do(ctx, b) })
	})
}

const migrateUsage = `Bring the database's schema, the topics and the bucket up to date. Run it before the services of a new version.

Usage: batch migrate [--output json]`

func migrateMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags, output := flagSet("migrate", migrateUsage, args, stdout, stderr)
	if code, ok := core.ParseFlags(flags, args); !ok {
		return code
	}
	return with(ctx, stderr, lookBesideMigrate, func(ctx context.Context, b Batch) error {
		if err := b.Migrate(ctx); err != nil {
			return err
		}
		return output.Answer(stdout, map[string]bool{"up_to_date": true}, func(w io.Writer) {
			fmt.Fprintln(w, "the schema, the topics and the bucket are up to date")
		})
	})
}

// useMemory lets a command use so many bytes before it collects garbage in earnest: most of what a chunk of rows leaves behind is garbage, and to collect it early costs more than the memory.
func useMemory(limit int64) {
	core.BoundMemory(limit)
	core.CollectGarbageAt(commandGC)
}

// commandGC is the growth of a command's heap between two collections, in per cent; the memory's bound comes first.
const commandGC = 400
