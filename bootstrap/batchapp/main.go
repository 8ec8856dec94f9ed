package batchapp

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/prepare"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/window"
)

const usage = `batch prepares a month's statements. Each command is safe to run twice, and again after it was killed.

Usage:
  batch migrate                                  bring the schema, the topics and the bucket up to date
  batch import --month 2026-11 --file bills.csv  read billing data (docs/contract/billing-csv.md); bad rows go to rejects.csv
  batch render --month 2026-11                   render every imported bill and store it
  batch templates export|check|fields            write the texts of bills out as files, check yours, list what they may use

`

var exitCodes = []int{core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitRejected, core.ExitNotFound, core.ExitRefused, core.ExitInterrupted}

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

// flagSet is a command's flags, with help that lists the configuration too.
func flagSet(name string, args []string, stdout, stderr io.Writer) (*flag.FlagSet, *core.Output) {
	flags := flag.NewFlagSet("batch "+name, flag.ContinueOnError)
	out := core.FlagOutput(args, stdout, stderr)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprintf(out, "Usage of batch %s:\n", name)
		flags.PrintDefaults()
		fmt.Fprintln(out)
		core.DescribeExitCodes(out, exitCodes...)
		config.Describe[config.Batch](out)
	}
	answer := core.Text
	flags.Var(&answer, "output", core.OutputHelp)
	return flags, &answer
}

// with loads the configuration and runs do with the batch.
func with(ctx context.Context, stderr io.Writer, do func(context.Context, Batch) error) int {
	c, err := config.Load[config.Batch](ctx)
	if err != nil {
		fmt.Fprintln(stderr, "batch:", err)
		return core.ExitCodeOf(ctx, err)
	}
	return core.Once(ctx, stderr, Options(c), do)
}

func migrateMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags, output := flagSet("migrate", args, stdout, stderr)
	if err := flags.Parse(args); err != nil {
		return core.ExitCodeOfFlags(err)
	}
	return with(ctx, stderr, func(ctx context.Context, b Batch) error {
		if err := b.Migrate(ctx); err != nil {
			return err
		}
		return output.Answer(stdout, map[string]bool{"up_to_date": true}, func(w io.Writer) {
			fmt.Fprintln(w, "the schema, the topics and the bucket are up to date")
		})
	})
}

// importArguments are the import's flags.
type importArguments struct {
	month, file, format, zone, notBefore, rejects, actor, reason string
}

func importMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags, output := flagSet("import", args, stdout, stderr)
	var a importArguments
	flags.StringVar(&a.month, "month", "", "billing month, as in 2026-11 (required)")
	flags.StringVar(&a.file, "file", "", "billing data (required)")
	flags.StringVar(&a.format, "format", "canonical", "canonical, or telco for the sample data")
	flags.StringVar(&a.zone, "zone", "Asia/Seoul", "time zone of rows that name none")
	flags.StringVar(&a.notBefore, "not-before", "", "when dispatch opens, as in 2026-11-25T09:00:00+09:00; without: now")
	flags.StringVar(&a.rejects, "rejects", "", "where refused rows go, never over an earlier file; without: rejects.csv beside the file")
	flags.StringVar(&a.actor, "actor", whoami(), "who imports; it is written down")
	flags.StringVar(&a.reason, "reason", "", "why; it is written down")
	if err := flags.Parse(args); err != nil {
		return core.ExitCodeOfFlags(err)
	}
	options, err := a.options()
	if err != nil {
		fmt.Fprintln(stderr, "batch import:", err)
		return core.ExitUsage
	}
	rejected := 0
	code := with(ctx, stderr, func(ctx context.Context, b Batch) error {
		summary, err := a.run(ctx, b, options, stderr)
		rejected = summary.Rejected + summary.Conflicts
		if err != nil && summary.Rows == 0 {
			return err // there is nothing to answer
		}
		return errors.Join(err, output.Answer(stdout, a.answer(options.Month, summary), func(w io.Writer) {
			fmt.Fprintf(w, "month %s: %d rows: %d new, %d known already, %d in conflict, %d rejected\n",
				options.Month, summary.Rows, summary.Inserted, summary.Unchanged, summary.Conflicts, summary.Rejected)
		}))
	})
	if code == core.ExitOK && rejected > 0 {
		fmt.Fprintf(stderr, "%d rows were refused: mend them in %s and import that file\n", rejected, a.rejects)
		return core.ExitRejected
	}
	return code
}

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (a *importArguments) options() (prepare.ImportOptions, error) {
	options := prepare.ImportOptions{File: filepath.Base(a.file), NotBefore: time.Now(), By: port.Act{Actor: a.actor, Reason: a.reason}}
	var err error
	if a.file == "" {
		return options, errors.New("--file is missing")
	}
	if a.format != "canonical" && a.format != "telco" {
		return options, fmt.Errorf("--format is %q (want canonical or telco)", a.format)
	}
	if options.Month, err = key.ParseMonth(a.month); err != nil {
		return options, fmt.Errorf("--month: %w", err)
	}
	if options.Zone, err = window.Zone(a.zone); err != nil {
		return options, fmt.Errorf("--zone: %w", err)
	}
	if a.notBefore != "" {
		if options.NotBefore, err = time.Parse(time.RFC3339, a.notBefore); err != nil {
			return options, fmt.Errorf("--not-before: %q is not of the form 2026-11-25T09:00:00+09:00", a.notBefore)
		}
	}
	if a.rejects == "" {
		a.rejects = filepath.Join(filepath.Dir(a.file), "rejects.csv")
	}
	return options, nil
}

func (a *importArguments) run(ctx context.Context, b Batch, options prepare.ImportOptions, stderr io.Writer) (summary prepare.ImportSummary, err error) {
	file, err := os.Open(a.file)
	if err != nil {
		return summary, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return summary, fmt.Errorf("%w: %s is a directory: name a file", port.ErrInvalid, a.file)
	}
	var data io.Reader = file
	if a.format == "telco" {
		if data, err = prepare.Telco(file, options.Month); err != nil {
			return summary, err
		}
	}
	rejects := &lateFile{path: a.rejects}
	defer func() {
		err = errors.Join(err, rejects.Close())
		a.rejects = rejects.path
	}()
	options.Rejects = rejects
	work := progress.On(stderr).Begin("import", "bytes", size(file))
	defer work.End()
	options.Progress = func(p prepare.ImportProgress) { work.Set(p.Bytes) }
	return b.Importer.Import(ctx, data, options)
}

// size is a file's length; 0 where it has none, as a pipe.
func size(file *os.File) int64 {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// lateFile is made with its first byte: an import without refused rows leaves none. It never overwrites: an earlier
// file may hold rows that somebody is mending.
type lateFile struct {
	path string
	file *os.File
}

// make takes the path, or the first one beside it that is free: rejects.csv, rejects-2.csv, …
func (l *lateFile) make() error {
	ending := filepath.Ext(l.path)
	stem := strings.TrimSuffix(l.path, ending)
	for n := 2; ; n++ {
		file, err := os.OpenFile(l.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil || !errors.Is(err, os.ErrExist) {
			l.file = file
			return err
		}
		l.path = fmt.Sprintf("%s-%d%s", stem, n, ending)
	}
}

func (l *lateFile) Write(p []byte) (int, error) {
	if l.file == nil {
		if err := l.make(); err != nil {
			return 0, err
		}
	}
	return l.file.Write(p)
}

// Close closes what was made.
func (l *lateFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
