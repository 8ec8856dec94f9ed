package prepare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// chunkRows is how many rows are stored in one transaction, and how many bills lie in one pack.
const chunkRows = 1000

// ImportOptions are an import's parameters.
type ImportOptions struct {
	Month     key.Month
	NotBefore time.Time      // the opening of dispatch: no bill goes out before; required
	Zone      *time.Location // of send days and quiet hours where a row names none; required
	File      string         // the file's name without folders, under which bills and refused rows are noted
	By        port.Act       // who imports, and why; both may be empty
	Rejects   io.Writer      // takes the refused rows as rejects.csv; nil: nobody wants them
	Progress  func(ImportProgress)
}

func (o ImportOptions) validate() error {
	switch {
	case o.Month == 0:
		return fmt.Errorf("%w: the import needs a billing month", port.ErrInvalid)
	case o.NotBefore.IsZero():
		return fmt.Errorf("%w: the import needs the instant at which dispatch opens", port.ErrInvalid)
	case o.Zone == nil:
		return fmt.Errorf("%w: the import needs a default time zone", port.ErrInvalid)
	}
	return nil
}

// ImportProgress tells how far an import is; it is told after each chunk.
type ImportProgress struct {
	Rows  int   // rows read so far, the header and empty lines not counted
	Bytes int64 // bytes read so far
}

// ImportSummary says what an import came to. Rows = Inserted + Unchanged + Conflicts + Rejected.
type ImportSummary struct {
	Rows      int
	Inserted  int
	Unchanged int // there already: importing twice changes nothing
	Conflicts int // another bill of the same customer and month is there: it stays; correct it instead
	Rejected  int // refused, each with line, field and reason
}

// Importer reads billing data into storage.
type Importer struct {
	months  port.Months
	imports port.Imports
	cipher  port.Cipher
	clock   port.Clock
	watch   *outage.Watch
}

// NewImporter returns an importer; watch waits where the database is away.
func NewImporter(months port.Months, imports port.Imports, cipher port.Cipher, clock port.Clock, watch *outage.Watch) *Importer {
	return &Importer{months: months, imports: imports, cipher: cipher, clock: clock, watch: watch}
}

// Import opens the month and reads the canonical CSV to its end. Bad rows are refused and noted, the others go in.
// It may be repeated after any error: what is in stays as it is. ErrHeader where the file is none; ErrInvalid where
// the month is closed or a parameter is missing. The summary tells what was done so far, also with an error.
func (i *Importer) Import(ctx context.Context, file io.Reader, options ImportOptions) (ImportSummary, error) {
	if err := options.validate(); err != nil {
		return ImportSummary{}, err
	}
	run := importRun{Importer: i, options: options, lines: newSplitter(file), seen: map[uint64]uint32{}}
	var err error
	if run.header, err = run.lines.header(); err != nil {
		return ImportSummary{}, fmt.Errorf("import %s: %w", options.File, err)
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
	}
	return run.summary, err
}

// importRun is one import under way.
type importRun struct {
	*Importer
	options ImportOptions
	lines   *splitter
	header  header
	rejects *rejectFile
	seen    map[uint64]uint32 // customer → line; by a 64-bit hash, for five million of them in about 130 MB
	summary ImportSummary
	record  port.ImportRecord

	bills   []port.ImportedBill
	rows    map[int][][]byte // the chunk's rows by line, for those that turn out to be in conflict
	refused []port.Reject
}

// recorded is the import with its record around it. An import that dies leaves a record without an end.
func (r *importRun) recorded(ctx context.Context) error {
	by := r.options.By
	r.record = port.ImportRecord{Month: r.options.Month, File: r.options.File, By: by, StartedAt: r.clock.Now()}
	err := r.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
		r.record.ID, err = r.imports.Begin(ctx, r.record)
		return err
	})
	if err != nil {
		return err
	}
	err = r.all(ctx)
	r.record.FinishedAt = r.clock.Now()
	r.record.Rows, r.record.Inserted, r.record.Unchanged = r.summary.Rows, r.summary.Inserted, r.summary.Unchanged
	r.record.Conflicts, r.record.Rejected = r.summary.Conflicts, r.summary.Rejected
	if err != nil {
		r.record.Error = err.Error()
		// One try: the import's error counts, and its context may have ended.
		return errors.Join(err, r.imports.End(context.WithoutCancel(ctx), r.record))
	}
	return r.watch.Retry(ctx, "database", func(ctx context.Context) error { return r.imports.End(ctx, r.record) })
}

func (r *importRun) all(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := r.chunk()
		if err != nil {
			return err
		}
		if err := r.store(ctx); err != nil {
			return err
		}
		if r.options.Progress != nil {
			r.options.Progress(ImportProgress{Rows: r.summary.Rows, Bytes: r.lines.read})
		}
		if !more {
			return nil
		}
	}
}

// chunk reads rows until the chunk is full or the file ends.
func (r *importRun) chunk() (more bool, err error) {
	r.bills, r.refused, r.rows = r.bills[:0], r.refused[:0], map[int][][]byte{}
	for len(r.bills)+len(r.refused) < chunkRows {
		next, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read line %d: %w", r.lines.line+1, err)
		}
		bill, wrong := r.accept(next)
		if wrong == nil {
			r.bills = append(r.bills, bill)
			r.rows[next.line] = cloned(next.fields)
			continue
		}
		r.refused = append(r.refused, port.Reject{File: r.options.File, Line: next.line, Field: wrong.field, Reason: wrong.reason})
		if err := r.show(next.line, *wrong, next.fields); err != nil {
			return false, err
		}
	}
	return true, nil
}

// accept turns a record into a bill or says why not.
func (r *importRun) accept(next record) (port.ImportedBill, *fieldError) {
	switch {
	case next.problem != "":
		return port.ImportedBill{}, &fieldError{"", next.problem}
	case len(next.fields) != len(r.header.names):
		return port.ImportedBill{}, &fieldError{"", fmt.Sprintf("has %d fields, the header has %d", len(next.fields), len(r.header.names))}
	}
	reading := row{header: r.header, fields: next.fields}
	bill, wrong := reading.bill(r.options)
	if wrong != nil {
		return bill, wrong
	}
	bill.Line, bill.Import = next.line, r.record.ID
	sum := sha256.Sum256([]byte(bill.Customer))
	customer := binary.BigEndian.Uint64(sum[:])
	if first, twice := r.seen[customer]; twice {
		return bill, &fieldError{colCustomer, fmt.Sprintf("is the same as on line %d", first)}
	}
	r.seen[customer] = uint32(next.line)
	return bill, nil
}

// store writes the chunk, waiting as long as the database is away. The same chunk again changes nothing.
func (r *importRun) store(ctx context.Context) error {
	var report port.ImportReport
	if len(r.bills) > 0 {
		err := r.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
			report, err = r.imports.Store(ctx, r.options.Month, r.bills, r.cipher.Seal)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(r.refused) > 0 {
		err := r.watch.Retry(ctx, "database", func(ctx context.Context) error {
			return r.imports.Reject(ctx, r.options.Month, r.refused)
		})
		if err != nil {
			return err
		}
	}
	for _, conflict := range report.Conflicts {
		wrong := fieldError{colCustomer, "has another bill in this month already, which stays: correct that one instead"}
		if err := r.show(conflict.Line, wrong, r.rows[conflict.Line]); err != nil {
			return err
		}
	}
	r.summary.Rows += len(r.bills) + len(r.refused)
	r.summary.Inserted += report.Inserted
	r.summary.Unchanged += report.Unchanged
	r.summary.Conflicts += len(report.Conflicts)
	r.summary.Rejected += len(r.refused)
	if r.rejects == nil {
		return nil
	}
	return r.rejects.flush()
}

func (r *importRun) show(line int, wrong fieldError, fields [][]byte) error {
	if r.rejects == nil {
		return nil
	}
	return r.rejects.add(line, wrong, fields)
}

func cloned(fields [][]byte) [][]byte {
	whole := bytes.Join(fields, nil)
	out := make([][]byte, len(fields))
	for i, field := range fields {
		out[i], whole = whole[:len(field):len(field)], whole[len(field):]
	}
	return out
}
