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
	"runtime"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// saidRefusals is how many refused rows are shown on the terminal; rejects.csv has all of them.
const saidRefusals = 10

// importArguments are the import's flags.
type importArguments struct {
	month, file, label, format, encoding, zone, notBefore, rejects, actor, reason string
	correct, late, beside, whole                                                  bool
	files                                                                         []string
}

func (a *importArguments) flags(flags *flag.FlagSet) {
	flags.StringVar(&a.month, "month", "", "billing month, as in 2026-11 (required)")
	flags.Func("file", "`file` of billing data, plain or compressed with gzip or zstd (required; for several files repeat it, or name them after all flags)", func(path string) error {
		a.files = append(a.files, path)
		return nil
	})
	flags.StringVar(&a.label, "label", "", "name of the file in the records of the import; without: the file's own, without directories")
	flags.StringVar(&a.format, "format", "canonical", "canonical, or telco for the sample data")
	flags.StringVar(&a.encoding, "encoding", "", "utf-8, euc-kr (cp949), utf-16, utf-16le or utf-16be; without: UTF-8, or what a byte order mark says")
	flags.StringVar(&a.zone, "zone", "Asia/Seoul", "time zone of rows that name none")
	flags.StringVar(&a.notBefore, "not-before", "", "when dispatch opens, as in 2026-11-25T09:00:00+09:00; without: now")
	flags.BoolVar(&a.correct, "correct", false, "let a row that differs replace the bill that is there, where that may still change (needs --reason)")
	flags.BoolVar(&a.late, "late", false, "let bills of new customers in although dispatch of the month has begun (needs --reason)")
	flags.BoolVar(&a.beside, "beside", false, "run although another import of the month is under way")
	flags.BoolVar(&a.whole, "whole", false, "the file is whole although it does not end with a line break")
	flags.StringVar(&a.rejects, "rejects", "", "`file` for refused rows; an earlier one is never overwritten; without: rejects.csv beside the file")
	flags.StringVar(&a.actor, "actor", whoami(), "who imports; it is written down")
	flags.StringVar(&a.reason, "reason", "", "why; it is written down")
}

// importMemory bounds Go's memory while it imports: five million customers of one file are remembered in some 80 MB.
const importMemory = 130 << 20

const importUsage = `Read a month's billing data (docs/contract/billing-csv.md) and store a bill for each good row. Refused rows go to rejects.csv
with line, field and reason: correct them there and import that file. Importing a file twice changes nothing.

Usage: batch import --month 2026-11 --file bills.csv [flags] [FILE ...]`

func importMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags, output := flagSet("import", importUsage, args, stdout, stderr)
	var a importArguments
	a.flags(flags)
	if err := flags.Parse(args); err != nil {
		return core.ExitCodeOfFlags(err)
	}
	files, err := a.named(flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, "batch import:", err)
		return core.ExitUsage
	}
	useMemory(importMemory)
	began := time.Now()
	code := with(ctx, stderr, lookBesideImport, func(ctx context.Context, b Batch) error {
		err := files.run(ctx, b, stderr)
		total := files.total()
		if total.Rows > 0 {
			warnOfDeadline(ctx, b, files[0].options.Month, stderr)
		}
		if err != nil && total.Rows == 0 {
			return err // there is nothing to answer
		}
		return errors.Join(err, output.Answer(stdout, files.answer(), func(w io.Writer) {
			files.print(w)
			fmt.Fprintf(w, "%s rows in %.1f s: %s a second; at most %d MiB of memory\n", progress.Thousands(total.Rows),
				time.Since(began).Seconds(), progress.Thousands(int(float64(total.Rows)/time.Since(began).Seconds())), observe.PeakMemory()>>20)
		}))
	})
	refused := 0
	for _, f := range files {
		if n := f.summary.Rejected + f.summary.Conflicts; n > 0 {
			refused += n
			fmt.Fprintf(stderr, "refused: %d rows. %s has them with line, field and reason: correct them there and import that file%s\n", n, f.rejects, f.again(f.options.Encoding))
		}
	}
	if code == core.ExitOK && refused > 0 {
		return core.ExitRejected
	}
	return code
}

// warnOfDeadline tells, before a run does harm, that every bill of the month would expire.
func warnOfDeadline(ctx context.Context, b Batch, month key.Month, stderr io.Writer) {
	versions, err := b.Policies.Versions(ctx)
	if err != nil {
		return // nobody is kept waiting for a warning; status says it too
	}
	snapshot, err := policy.NewSnapshot(versions)
	if err != nil {
		return // nothing is ACTIVE yet: the dispatcher says so
	}
	if past := answer.PastDeadline(snapshot.Active(), month, b.Clock.Now()); past != "" {
		fmt.Fprintf(stderr, "warning: %s: the next dispatcher run would let every bill of it expire. Before it, %s\n", past, answer.BeforeTheyExpire)
	}
}

// again says with which --encoding rejects.csv is to be imported, where that is not clear.
func (a *importArguments) again(asked billfile.Encoding) string {
	switch asked {
	case billfile.EUCKR:
		return ", with --encoding euc-kr as this one"
	case billfile.UTF16, billfile.UTF16LE, billfile.UTF16BE:
		return " (it is UTF-8: without --encoding)"
	default:
		return ""
	}
}

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (a *importArguments) read() (importing.Options, error) {
	options := importing.Options{File: filepath.Base(a.file), Workers: runtime.GOMAXPROCS(0) + 2, NotBefore: time.Now(), Correct: a.correct, Late: a.late, Beside: a.beside, Whole: a.whole, By: port.Act{Actor: a.actor, Reason: a.reason}}
	var err error
	if a.label != "" {
		options.File = a.label
	}
	if a.format != "canonical" && a.format != "telco" {
		return options, fmt.Errorf("--format is %q (want canonical or telco)", a.format)
	}
	if options.Encoding, err = billfile.ParseEncoding(a.encoding); err != nil {
		return options, fmt.Errorf("--encoding: %w", err)
	}
	if a.late && (a.actor == "" || a.reason == "") {
		return options, errors.New("--late needs --reason (and --actor): that new bills came in after dispatch had begun is written down with who and why")
	}
	if a.correct && (a.actor == "" || a.reason == "") {
		return options, errors.New("--correct needs --reason (and --actor): a correction is written down with who and why")
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

func (a *importArguments) run(ctx context.Context, b Batch, options importing.Options, stderr io.Writer) (summary importing.Summary, err error) {
	file, err := openSource(a.file)
	if err != nil {
		return summary, err
	}
	defer func() { _ = file.Close() }() // it was only read
	rejects := &lateFile{path: a.rejects}
	defer func() {
		err = errors.Join(err, rejects.Close())
		a.rejects = rejects.path
	}()
	options.Rejects = rejects
	work := progress.On(stderr).Begin("import", "bytes", file.before.Size())
	defer work.End()
	options.Progress = func(p importing.Progress) {
		work.All(p.All)
		work.Set(p.Bytes)
	}
	options.Remark = func(text string) { work.Say("note: %s", text) }
	said := 0
	options.Refused = func(r importing.Refusal) {
		if said++; said <= saidRefusals {
			work.Say("%s", refusalText(r))
		}
	}
	if a.format == "telco" {
		data, err := importing.Telco(file, options.Month)
		if err != nil {
			return summary, err
		}
		summary, err = b.Importer.Import(ctx, data, options)
		return summary, errors.Join(err, file.unchanged())
	}
	options.Unchanged = file.unchanged
	summary, err = b.Importer.ImportFile(ctx, file, options)
	if said > saidRefusals {
		work.Say("… and %d more", said-saidRefusals)
	}
	return summary, err
}

// refusalText says which row was not taken and why.
func refusalText(r importing.Refusal) string {
	text := fmt.Sprintf("line %d", r.Line)
	if r.Customer != "" {
		text += fmt.Sprintf(", customer %q", r.Customer)
	}
	if r.Field != "" {
		return text + ": " + r.Field + " " + r.Reason
	}
	return text + ": " + r.Reason
}

// source is a billing file that is watched while it is read.
type source struct {
	*os.File
	path   string
	before os.FileInfo
}

func openSource(path string) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%w: %s is a directory: name a file in it", port.ErrInvalid, path)
	case !info.Mode().IsRegular(): // opening a pipe may wait for ever
		return nil, fmt.Errorf("%w: %s is a pipe or a device: billing data is read twice, write it to a file first", port.ErrInvalid, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &source{File: file, path: path, before: info}, nil
}

// unchanged is billfile.ErrChanged where the file was written to or replaced since it was opened.
func (s *source) unchanged() error {
	now, err := s.Stat()
	switch {
	case err != nil:
		return err
	case now.Size() != s.before.Size() || !now.ModTime().Equal(s.before.ModTime()):
		return fmt.Errorf("%s: %w: somebody writes to it; import it again once it is whole (what is in stays, the rest goes in)", s.path, billfile.ErrChanged)
	}
	if named, err := os.Stat(s.path); err != nil || !os.SameFile(named, s.before) {
		return fmt.Errorf("%s: %w: another file has its name now, or none; what was imported is the one before: import the new one too", s.path, billfile.ErrChanged)
	}
	return nil
}
