package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/balsong/balsong/application/billfile"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// chunkRows is how many rows are stored in one transaction, and how many bills lie in one pack.
const chunkRows = 1000

// ImportOptions are an import's parameters.
type ImportOptions struct {
	Month     key.Month
	NotBefore time.Time         // the opening of dispatch: no bill goes out before; required
	Zone      *time.Location    // of send days and quiet hours where a row names none; required
	File      string            // the file's name without folders, under which bills and refused rows are noted
	Encoding  billfile.Encoding // of its fields; ImportFile: as asked for
	Correct   bool              // a row that differs from the bill that is there corrects it, where it still may; needs By
	By        port.Act          // who imports, and why; both may be empty unless it corrects
	Rejects   io.Writer         // takes the refused rows as rejects.csv; nil: nobody wants them
	Workers   int               // chunks at the same time; default 2
	Progress  func(ImportProgress)
	Refused   func(Refusal)     // told of each row that is not taken, as it is found
	Remark    func(text string) // told what a person should know about the file
	Unchanged func() error      // ImportFile asks it after its look at the file and at the end: billfile.ErrChanged ends the import; nil: nobody knows
}

func (o ImportOptions) validate() error {
	switch {
	case o.Month == 0:
		return fmt.Errorf("%w: the import needs a billing month", port.ErrInvalid)
	case o.NotBefore.IsZero():
		return fmt.Errorf("%w: the import needs the instant at which dispatch opens", port.ErrInvalid)
	case o.Zone == nil:
		return fmt.Errorf("%w: the import needs a default time zone", port.ErrInvalid)
	case o.Correct && (strings.TrimSpace(o.By.Actor) == "" || strings.TrimSpace(o.By.Reason) == ""):
		return fmt.Errorf("%w: a correction needs who corrects and why", port.ErrInvalid)
	}
	return nil
}

// ImportProgress tells how far an import is; it is told after each chunk.
type ImportProgress struct {
	Rows  int   // rows read so far, the header and empty lines not counted
	Bytes int64 // bytes read so far, unpacked
	All   int64 // bytes of the whole file, unpacked; 0: nobody knows
}

// Refusal tells of a row that was not taken. Nothing of it is personal data but the customer number.
type Refusal struct {
	Line     int    // of this file
	Customer string // "" where it could not be read
	Field    string // "" where it is the whole row
	Reason   string
	Conflict bool // another bill of the customer is there and stays; else the row is rejected
}

// ImportSummary says what an import came to. Rows = Inserted + Unchanged + Corrected + Conflicts + Rejected.
type ImportSummary struct {
	Rows      int
	Inserted  int
	Unchanged int // there already: importing twice changes nothing
	Corrected int // another bill was there and is replaced by this one
	Conflicts int // another bill of the same customer and month is there: it stays, since it may not change or nobody asked to correct it
	Rejected  int // refused, each with line, field and reason
}

// Importer reads billing data into storage.
type Importer struct {
	months      port.Months
	imports     port.Imports
	corrections port.Corrections
	audit       port.Audit
	cipher      port.Cipher
	clock       port.Clock
	watch       *outage.Watch
}

// NewImporter returns an importer; watch waits where the database is away.
func NewImporter(months port.Months, imports port.Imports, corrections port.Corrections, audit port.Audit, cipher port.Cipher, clock port.Clock, watch *outage.Watch) *Importer {
	return &Importer{months: months, imports: imports, corrections: corrections, audit: audit, cipher: cipher, clock: clock, watch: watch}
}

// ImportFile looks the file over, packed or not, before it imports a row of it, and finds out about its encoding; then
// it imports it as Import does. billfile.ErrRefused where no row of the file can be believed, billfile.ErrChanged where
// it changes meanwhile.
func (i *Importer) ImportFile(ctx context.Context, file io.ReadSeeker, options ImportOptions) (ImportSummary, error) {
	fail := func(err error) (ImportSummary, error) {
		return ImportSummary{}, fmt.Errorf("import %s: %w", options.File, err)
	}
	form, err := billfile.Inspect(file, options.Encoding)
	if err != nil {
		return fail(err)
	}
	if options.Unchanged == nil {
		options.Unchanged = func() error { return nil }
	}
	_, err = file.Seek(0, io.SeekStart)
	if err := errors.Join(err, options.Unchanged()); err != nil {
		return fail(err)
	}
	rows, err := form.Reader(file)
	if err != nil {
		return fail(err)
	}
	options.remark(form)
	options.Encoding = form.Encoding
	if tell := options.Progress; tell != nil {
		options.Progress = func(p ImportProgress) {
			p.All = form.Size
			tell(p)
		}
	}
	summary, err := i.Import(ctx, rows, options)
	if err == nil {
		err = options.Unchanged()
	}
	return summary, err
}

func (o ImportOptions) remark(form billfile.Form) {
	if o.Remark == nil {
		return
	}
	if form.Packing != billfile.Plain {
		o.Remark(fmt.Sprintf("the file is compressed with %s: %d bytes unpacked", form.Packing, form.Size))
	}
	if form.Encoding != billfile.UTF8 {
		how := "as its byte order mark says"
		if form.Mark == 0 {
			how = "as you asked"
		}
		o.Remark(fmt.Sprintf("the file is read as %s, %s", strings.ToUpper(string(form.Encoding)), how))
	}
	if form.Unterminated {
		o.Remark("the file does not end with a line break: if it was cut off, its last row is not whole")
	}
}

// Import opens the month and reads the canonical CSV, unpacked, to its end. Bad rows are refused and noted, the others
// go in. It may be repeated after any error, and run beside other imports of the month: what is in stays as it is.
// ErrHeader where the file is none; ErrInvalid where the month is closed or a parameter is missing. The summary tells
// what was done so far, also with an error.
func (i *Importer) Import(ctx context.Context, file io.Reader, options ImportOptions) (ImportSummary, error) {
	if err := options.validate(); err != nil {
		return ImportSummary{}, err
	}
	if options.Workers < 1 {
		options.Workers = 2
	}
	run := importRun{Importer: i, options: options, lines: newSplitter(file)}
	var err error
	if run.header, err = run.lines.header(options.Encoding); err != nil {
		return ImportSummary{}, fmt.Errorf("import %s: %w", options.File, err)
	}
	if len(run.header.unknown) > 0 && options.Remark != nil {
		options.Remark("columns that are not known are left out: " + run.header.ignored())
	}
	if options.Rejects != nil {
		run.rejects = newRejectFile(options.Rejects, run.header)
	}
	err = i.watch.Retry(ctx, "database", func(ctx context.Context) error { return i.months.Open(ctx, options.Month) })
	if err == nil {
		err = run.recorded(ctx)
	}
	if err != nil {
		err = fmt.Errorf("import %s for %s, behind row %d: %w", options.File, options.Month, run.summary.Rows, err)
	} else if run.summary.Rows == 0 && options.Remark != nil {
		options.Remark("the file has a header and no rows")
	}
	return run.summary, err
}
