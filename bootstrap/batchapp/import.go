package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/fileio"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
	"github.com/balsong/balsong/domain/wording"
)

// saidRefusals is how many refused rows are shown on the terminal; rejects.csv has all of them.
const saidRefusals = 10

// importArguments are the import's flags.
type importArguments struct {
	cli.By
	lookArguments
	month                                            key.Month
	file, label, encoding, zone                      string
	notBefore                                        time.Time
	rejects, remarks                                 string
	correct, removeContacts                          bool
	allowNew, allowConcurrent                        bool
	allowUnterminated, firstAddress, allowWrongMonth bool
	expectRows                                       int
	files, expectTotals                              []string
	stdin                                            io.Reader
}

func (a *importArguments) flags(cmd *cobra.Command) {
	cli.MonthFlag(cmd, &a.month, " (required, except with --look)")
	a.ActorFlags(cmd, "", "why; recorded")
	flags := cmd.Flags()
	flags.StringArrayVar(&a.files, "file", nil, "`file` of billing data, plain or compressed with gzip or zstd; - is the standard input, s3://bucket/key an object (required; for several files repeat it, or name them as arguments)")
	flags.StringVar(&a.label, "label", "", "name of the file in the records of the import; without: the file's own, without directories")
	flags.StringVar(&a.encoding, "encoding", "", "utf-8, euc-kr (cp949), utf-16, utf-16le, utf-16be or windows-1252 (iso-8859-1); without: UTF-8, or what a byte order mark says")
	flags.StringVar(&a.zone, "zone", "Asia/Seoul", "time zone of rows that name none")
	cli.InstantFlag(flags, &a.notBefore, "not-before", "`instant` when dispatch opens, as in 2026-11-25T09:00:00+09:00; without: now")
	flags.BoolVar(&a.correct, "correct", false, "let a row that differs replace the bill that is there, where that may still change (needs --reason)")
	flags.BoolVar(&a.removeContacts, "remove-contacts", false, "with --correct: take an address away from a bill whose row has none; without, such a row is refused")
	flags.BoolVar(&a.allowNew, "allow-new", false, "accept bills of customers whom the month does not have, although its dispatch has begun or with --correct (needs --reason)")
	flags.BoolVar(&a.allowWrongMonth, "allow-wrong-month", false, "import although the file seems to be another month's (needs --reason)")
	flags.BoolVar(&a.allowConcurrent, "allow-concurrent", false, "run although another import of the month is running")
	flags.BoolVar(&a.allowMapping, "allow-mapping", false, "use this mapping although the month was imported with another one")
	flags.BoolVar(&a.allowUnterminated, "allow-unterminated", false, "accept a file that does not end with a line break as complete")
	flags.BoolVar(&a.firstAddress, "first-address", false, "use the first of several addresses in one field; without: that channel is left out, with a remark")
	flags.IntVar(&a.expectRows, "expect-rows", 0, "`rows` that the file must have; nothing of it is imported where it has others")
	flags.StringArrayVar(&a.expectTotals, "expect-total", nil, "`total` that the file must come to, as KRW=123,456 (repeat it for each currency); nothing of it is imported where it differs")
	cli.FileFlag(flags, &a.rejects, "rejects", "`file` or s3://bucket/key for refused rows; an earlier one is never overwritten; without: rejects.csv beside the file")
	cli.FileFlag(flags, &a.remarks, "remarks", "`file` or s3://bucket/key for remarks about rows that were taken; an earlier one is never overwritten; without: remarks.csv beside the file")
	a.lookArguments.flags(flags)
}

// importMemory bounds Go's memory while it imports: five million customers of one file are remembered in some 80 MB.
const importMemory = 130 << 20

func newImport() *cobra.Command {
	var a importArguments
	cmd := &cobra.Command{
		Use:   "import --month MONTH --file FILE [FILE …]",
		Short: "Read a month's billing data and store a bill for each valid row",
		Long: "Read a month's billing data (docs/contract/billing-csv.md) and store a bill for each valid row. Refused rows go to rejects.csv\n" +
			"with line, field and reason: correct them there and import that file. Importing a file twice changes nothing.\n" +
			"Objects (s3://bucket/key) are read and written with the variables BALSONG_S3_… of batch render, which nothing else of an import needs.\n" +
			"A file of another form, as a spreadsheet or a billing system exports it: --look first, then --mapping.",
		Example: "  batch import --look bills.csv\n  batch import --month 2026-11 --mapping bills.mapping.yaml bills.csv\n  batch import --month 2026-11 --file bills.csv\n  batch import --month 2026-11 --zone UTC part-1.csv.zst part-2.csv.zst\n  batch import --month 2026-11 --file s3://billing/2026-11/bills.csv.zst\n  zcat bills.csv.gz | batch import --month 2026-11 --rejects rejects.csv -",
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.look {
				return runLook(cmd, &a, args)
			}
			return runImport(cmd, &a, args)
		},
	}
	a.flags(cmd)
	cmd.AddCommand(newImportList(), newImportUndo(), newImportRefused(), newImportDismiss())
	cmd.Args = cobra.ArbitraryArgs // files
	cli.AddOutput(cmd)
	cli.Describe(cmd, exitCodes, cli.Configuration[config.Import]())
	return cmd
}

func runImport(cmd *cobra.Command, a *importArguments, args []string) error {
	a.stdin = cmd.InOrStdin()
	files, err := a.named(cmd.Context(), args)
	if err != nil {
		return badFlags(err)
	}
	useMemory(importMemory)
	began, stderr := time.Now(), cmd.ErrOrStderr()
	failure := cli.Once(cmd, Importing, func(ctx context.Context, c config.Import, b Import) error {
		uses := doctor.Components{Database: &c.Database, Keys: &c.Keys}
		err := doctor.Beside(ctx, uses, b.Log, func(ctx context.Context) error { return files.run(ctx, b, stderr) })
		total := files.total()
		if total.Rows > 0 {
			warnOfDeadline(ctx, b, files[0].month, stderr)
		}
		if err != nil && total.Rows == 0 {
			return err // there is nothing to answer
		}
		return errors.Join(err, cli.Answer(cmd, files.answer(), func(w io.Writer) {
			files.print(w)
			fmt.Fprintf(w, "%s %s; at most %d MiB of memory\n", progress.Counted(total.Rows, "row", "rows"), progress.Took(total.Rows, time.Since(began)), observe.PeakMemory()>>20)
		}))
	})
	refused := 0
	for _, f := range files {
		refused += f.summary.Rejected + f.summary.Conflicts
		if n := f.summary.Conflicts; n > 0 {
			fmt.Fprintf(stderr, "in conflict: %s with what the month has. %s\n", wording.Count(n, "row", "rows"), f.conflictAdvice())
		}
		if n := f.summary.ContactsKept; n > 0 {
			fmt.Fprintf(stderr, "some of them would take %s away from bills: a customer would get the bill another way, or not at all. Fill the empty columns in; if the addresses are to go, run the same import again with --remove-contacts\n", wording.Count(n, "address", "addresses"))
		}
		if n := f.summary.ContactsRemoved; n > 0 {
			fmt.Fprintf(stderr, "taken away from bills: %s\n", wording.Count(n, "address", "addresses"))
		}
		if n := f.summary.Rejected; n > 0 && f.unwritten {
			fmt.Fprintf(stderr, "refused: %s, and %s could not be written: import the file again, with another --rejects\n", wording.Count(n, "row", "rows"), f.rejects)
		} else if n > 0 {
			fmt.Fprintf(stderr, "refused: %s. %s has %s with line, field and reason: correct %s there and import that file%s\n", wording.Count(n, "row", "rows"), f.rejects, wording.Form(n, "it", "them"), wording.Form(n, "it", "them"), f.again(f.named.Encoding))
			if a.mapping == "" && n == f.summary.Rows {
				fmt.Fprintf(stderr, "no row is in the form of billing data: batch import --look %s shows whether a mapping makes bills of them\n", cli.Quote(f.file))
			}
		}
	}
	for _, f := range files {
		if f.summary.Remarks > 0 {
			fmt.Fprintf(stderr, "remarks: %d (%s). The rows were taken; %s has the remarks with line, field and kind\n", f.summary.Remarks, f.result.kinds(), f.remarks)
		}
	}
	if failure == nil && refused > 0 {
		return cli.Exit(core.ExitRejected)
	}
	return failure
}

// conflictAdvice says what becomes of rows in conflict: nothing is wrong with the rows themselves.
func (a *importArguments) conflictAdvice() string {
	advice := "If the file is right, run the same import again with --correct --reason … (it replaces bills that differ) or --allow-new --reason … (it takes customers without a bill)"
	switch {
	case a.correct && a.allowNew:
		advice = "The bills that are there can no longer change"
	case a.correct:
		advice = "A row whose customer has no bill yet may have a mistyped number: correct it; the same import with --allow-new takes new customers. What was sent stays as it is"
	}
	return advice + "; " + a.rejects + " has each reason"
}

// warnOfDeadline warns, before a run does harm, that every bill of the month would expire.
func warnOfDeadline(ctx context.Context, b Import, month key.Month, stderr io.Writer) {
	versions, err := b.Policies.Versions(ctx)
	if err != nil {
		return // a warning is not worth a wait; status shows it too
	}
	snapshot, err := policy.NewSnapshot(versions)
	if err != nil {
		return // nothing is ACTIVE yet: the dispatcher says so
	}
	if past := answer.PastDeadline(snapshot.Active(), month, b.Clock.Now()); past != "" {
		fmt.Fprintf(stderr, "warning: %s: the next dispatcher run would let every bill of it expire. Before it, %s\n", past, answer.BeforeTheyExpire)
	}
}

// again says how rejects.csv is to be imported, where that differs from this import.
func (a *importArguments) again(asked billfile.Encoding) string {
	switch {
	case a.mapping != "":
		return " (it is billing data in UTF-8: without --mapping and --encoding)"
	case asked == billfile.EUCKR:
		return ", with --encoding euc-kr as this one"
	case asked != billfile.Detected && asked != billfile.UTF8:
		return " (it is UTF-8: without --encoding)"
	default:
		return ""
	}
}

// read checks the flags.
func (a *importArguments) read(ctx context.Context) (file importing.File, options importing.Options, err error) {
	if a.month == 0 {
		return file, options, errors.New("--month is missing: the billing month, as in 2026-11")
	}
	file = importing.File{Name: baseName(a.file), AllowUnterminated: a.allowUnterminated}
	rules := importing.Rules{Month: a.month, NotBefore: time.Now(), Correct: a.correct, RemoveContacts: a.removeContacts, AllowNew: a.allowNew, AllowConcurrent: a.allowConcurrent, FirstAddress: a.firstAddress, AllowWrongMonth: a.allowWrongMonth}
	if a.label != "" {
		file.Name = a.label
	}
	if err = a.readMapping(ctx, &file); err != nil {
		return file, options, err
	}
	rules.AllowMapping = a.allowMapping
	if file.Encoding, err = billfile.ParseEncoding(a.encoding); err != nil {
		return file, options, fmt.Errorf("--encoding: %w", err)
	}
	if a.allowNew && !a.Named() {
		return file, options, errors.New("--allow-new needs --reason (and --actor): that new bills were imported after dispatch had begun, or with a correction, is recorded with who and why")
	}
	if a.allowWrongMonth && !a.Named() {
		return file, options, errors.New("--allow-wrong-month needs --reason (and --actor): that it was imported all the same is recorded with who and why")
	}
	if a.removeContacts && !a.correct {
		return file, options, errors.New("--remove-contacts belongs to --correct: a bill keeps its addresses otherwise")
	}
	if a.correct && !a.Named() {
		return file, options, errors.New("--correct needs --reason (and --actor): a correction is recorded with who and why")
	}
	if rules.Zone, err = window.Zone(a.zone); err != nil {
		return file, options, fmt.Errorf("--zone: %w", err)
	}
	if !a.notBefore.IsZero() {
		rules.NotBefore = a.notBefore
	}
	control, err := a.control(file.Mapping)
	if err != nil {
		return file, options, err
	}
	if a.rejects == "" {
		a.rejects = beside(a.file, "rejects.csv")
	}
	if a.remarks == "" {
		a.remarks = beside(a.file, "remarks.csv")
	}
	options = importing.Options{Rules: rules, Control: control, By: port.Act{Actor: a.Actor, Reason: a.Reason}, Workers: runtime.GOMAXPROCS(0) + 2}
	return file, options, nil
}

// run imports one file.
func (f *importedFile) run(ctx context.Context, b Import, files importedFiles, stderr io.Writer) (err error) {
	file, err := openBillingFile(ctx, f.file, f.stdin)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	f.named.Unchanged = file.unchanged
	if err := f.settle(file, &f.named); err != nil {
		return err
	}
	source, err := importing.Open(file, f.named)
	if err != nil {
		return err
	}
	if f.plain = source.Size(); f.plain > 0 {
		if err := files.checkDisk(ctx, b, f.options.Rules.Month); err != nil {
			return fmt.Errorf("import %s: %w", f.named.Name, err)
		}
	}
	rejects, remarks := fileio.NewLate(ctx, f.rejects), fileio.NewLate(ctx, f.remarks)
	defer func() {
		closed := rejects.Close()
		f.unwritten = closed != nil
		err = errors.Join(err, closed, remarks.Close())
		f.rejects, f.remarks = rejects.Name(), remarks.Name()
	}()
	report := &importReport{result: &f.result, work: progress.On(stderr).Begin("import", "bytes", file.size())}
	defer report.work.End()
	options := f.options
	options.Rejects, options.Remarks, options.Reporter = rejects, remarks, report
	f.summary, err = b.Importer.Import(ctx, source, options)
	if report.refused > saidRefusals {
		report.work.Say("… and %d more", report.refused-saidRefusals)
	}
	return err
}
