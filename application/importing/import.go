// Package importing turns files of billing data into bills: it reads the canonical CSV (docs/contract/billing-csv.md), checks
// each row, and stores a bill for each good one.
package importing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// chunkRows is how many rows are stored in one transaction.
const chunkRows = 1000

// Options are an import's parameters.
type Options struct {
	Month     key.Month
	NotBefore time.Time               // the opening of dispatch: no bill goes out before; required
	Zone      *time.Location          // of send days and quiet hours where a row names none; required
	File      string                  // the file's name without folders, under which bills and refused rows are noted
	Encoding  billfile.Encoding       // of the file's fields; for ImportFile the one that the user asked for
	Correct   bool                    // a row that differs from the stored bill corrects it, if the bill may still change; needs By
	Late      bool                    // bills of customers that the month does not have come in although its dispatch has begun; needs By
	Beside    bool                    // run although another import of the month is under way
	Whole     bool                    // ImportFile: the file is whole although it does not end with a line break
	By        port.Act                // who imports, and why; both may be empty unless it corrects or is late
	Rejects   io.Writer               // receives the refused rows as rejects.csv; may be nil
	Workers   int                     // chunks stored at once; default 2
	Progress  func(Progress)          // called after each chunk; may be nil
	Refused   func(Refusal)           // called for each row that is not taken; may be nil
	Remark    func(text string)       // called with what a person should know about the file; may be nil
	Room      func(plain int64) error // called by ImportFile with the file's unpacked size in bytes, before its first row; its error ends the import; may be nil
	Unchanged func() error            // called by ImportFile after inspecting the file and at the end; returns billfile.ErrChanged if the file changed; may be nil
}

func (o Options) validate() error {
	switch {
	case o.Month == 0:
		return fmt.Errorf("%w: the import needs a billing month", port.ErrInvalid)
	case o.Month.Year() < 2000 || o.Month.Year() > 2199:
		return fmt.Errorf("%w: the billing month %s is out of range (2000-01 to 2199-12)", port.ErrInvalid, o.Month)
	case o.NotBefore.IsZero():
		return fmt.Errorf("%w: the import needs the instant at which dispatch opens", port.ErrInvalid)
	case o.Zone == nil:
		return fmt.Errorf("%w: the import needs a default time zone", port.ErrInvalid)
	case (o.Correct || o.Late) && (strings.TrimSpace(o.By.Actor) == "" || strings.TrimSpace(o.By.Reason) == ""):
		return fmt.Errorf("%w: a correction, and bills after dispatch has begun, need who and why", port.ErrInvalid)
	}
	return nil
}

// Progress is how far an import is.
type Progress struct {
	Rows  int   // rows read so far, the header and empty lines not counted
	Bytes int64 // bytes read so far, unpacked
	All   int64 // bytes of the whole file, unpacked; 0: not known
}

// Refusal is a row that was not taken. The customer number is the only personal data in it.
type Refusal struct {
	Line     int    // in this file
	Customer string // the customer number; "" if it could not be read
	Field    string // the column; "" if it is about the whole row
	Reason   string
	Conflict bool // another bill of the customer is stored and stays, or the bill is new and dispatch has begun; otherwise the row is rejected
}

// Summary is the result of an import. Rows = Inserted + Unchanged + Corrected + Conflicts + Rejected + Resolved.
type Summary struct {
	Rows      int
	Inserted  int
	Unchanged int // stored already: importing twice changes nothing
	Corrected int // replaced another bill that was stored
	Conflicts int // another bill of the customer is stored and stays: it may not change, or no correction was asked for; or the bill is new, dispatch has begun, and late bills were not asked for
	Rejected  int // refused, each with line, field and reason
	Resolved  int // refused as before, and resolved since: nothing is left to do about them
}

// Importer imports billing data. Safe for concurrent use.
type Importer struct {
	months      port.Months
	imports     port.Imports
	corrections port.Corrections
	audit       port.Audit
	cipher      port.Cipher
	clock       port.Clock
	watch       *outage.Watch
}

// NewImporter returns an importer. watch is what it waits with while the database is down.
func NewImporter(months port.Months, imports port.Imports, corrections port.Corrections, audit port.Audit, cipher port.Cipher, clock port.Clock, watch *outage.Watch) *Importer {
	return &Importer{months: months, imports: imports, corrections: corrections, audit: audit, cipher: cipher, clock: clock, watch: watch}
}

// ImportFile inspects a file, compressed or not, before it imports any row, and imports it as Import does, with the
// encoding that it found. billfile.ErrRefused if the file as a whole cannot be trusted; billfile.ErrChanged if it
// changes meanwhile.
func (i *Importer) ImportFile(ctx context.Context, file io.ReadSeeker, options Options) (Summary, error) {
	fail := func(err error) (Summary, error) {
		return Summary{}, fmt.Errorf("import %s: %w", options.File, err)
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
	if form.Unterminated && !options.Whole {
		return fail(fmt.Errorf("%w: it does not end with a line break: it may have been cut off in the middle of its last row; get it anew, or say that it is whole (--whole)", billfile.ErrRefused))
	}
	if options.Room != nil {
		if err := options.Room(form.Size); err != nil {
			return fail(err)
		}
	}
	options.remark(form)
	options.Encoding = form.Encoding
	if tell := options.Progress; tell != nil {
		options.Progress = func(p Progress) {
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

// remark reports what was found out about the file's form.
func (o Options) remark(form billfile.Form) {
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
}

// Import opens the month and reads canonical CSV, unpacked, to its end. Bad rows are refused and noted; the others go
// in; new ones only while dispatch of the month has not begun, unless they are asked for. It may be repeated after any
// error, and run beside other imports of the month if that is asked for: what is stored stays as it is.
// ErrHeader if the file is not canonical CSV; ErrInvalid if the month is closed or a parameter is missing;
// billing.ErrRefused while another import of the month is under way. The summary says what was done, also with an error.
func (i *Importer) Import(ctx context.Context, file io.Reader, options Options) (Summary, error) {
	if err := options.validate(); err != nil {
		return Summary{}, err
	}
	if options.Workers < 1 {
		options.Workers = 2
	}
	run := importRun{Importer: i, options: options, lines: newSplitter(file)}
	var err error
	if run.header, err = run.lines.header(options.Encoding); err != nil {
		return Summary{}, fmt.Errorf("import %s: %w", options.File, err)
	}
	if len(run.header.unknown) > 0 && options.Remark != nil {
		options.Remark("columns that are not known are left out: " + run.header.ignored())
	}
	if options.Rejects != nil {
		run.rejects = newRejectFile(options.Rejects, run.header)
	}
	err = run.admitted(ctx, run.recorded)
	if err != nil {
		err = fmt.Errorf("import %s for %s, behind row %d: %w", options.File, options.Month, run.summary.Rows, err)
	} else if run.summary.Rows == 0 && options.Remark != nil {
		options.Remark("the file has a header and no rows")
	}
	return run.summary, err
}
