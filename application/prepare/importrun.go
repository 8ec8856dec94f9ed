package prepare

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/billing"
)

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
	r.record = port.ImportRecord{Month: r.options.Month, File: r.options.File, By: r.options.By, StartedAt: r.clock.Now()}
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
	r.record.Corrected, r.record.Conflicts, r.record.Rejected = r.summary.Corrected, r.summary.Conflicts, r.summary.Rejected
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
		r.refused = append(r.refused, port.Reject{
			File: wrong.place.File, Line: wrong.place.Line, Field: wrong.field, Reason: wrong.reason, Customer: wrong.customer, Import: r.record.ID,
		})
		if err := r.show(next.line, *wrong, next.fields); err != nil {
			return false, err
		}
	}
	return true, nil
}

// accept turns a record into a bill or says why not.
func (r *importRun) accept(next record) (port.ImportedBill, *refusal) {
	r.header.bare(next.fields)
	before := r.header.before(next.fields)
	place := before.place
	if place == (port.RejectedRow{}) {
		place = port.RejectedRow{File: r.options.File, Line: next.line}
	}
	reading := row{header: r.header, fields: next.fields}
	no := func(field, reason, customer string) (port.ImportedBill, *refusal) {
		return port.ImportedBill{}, &refusal{fieldError: fieldError{field, reason}, place: place, customer: customer}
	}
	switch {
	case next.problem != "":
		return no("", next.problem, reading.likelyCustomer())
	case len(next.fields) != len(r.header.names):
		return no("", fmt.Sprintf("has %d fields, the header has %d", len(next.fields), len(r.header.names)), reading.likelyCustomer())
	}
	bill, wrong := reading.bill(r.options)
	if wrong != nil {
		return no(wrong.field, wrong.reason, reading.likelyCustomer())
	}
	if before.unchanged != "" {
		_, refused := no(before.field, before.unchanged, "")
		refused.before = before.reason
		return bill, refused
	}
	bill.Line, bill.Import, bill.Mends = next.line, r.record.ID, before.place
	sum := sha256.Sum256([]byte(bill.Customer))
	customer := binary.BigEndian.Uint64(sum[:])
	if first, twice := r.seen[customer]; twice {
		// Not noted as the customer's: whose bill is in from the first row is not served by this one.
		return no(colCustomer, fmt.Sprintf("is the same as on line %d", first), "")
	}
	r.seen[customer] = uint32(next.line)
	return bill, nil
}

// likelyCustomer is the customer number of a row that is wrong elsewhere; "" where it cannot be told.
func (r *row) likelyCustomer() string {
	reading := row{header: r.header, fields: r.fields}
	customer := reading.text(colCustomer)
	if reading.wrong != nil || len(customer) > maxCustomer || strings.ContainsAny(customer, `"`) {
		return ""
	}
	return customer
}

// store writes the chunk, waiting as long as the database is away. The same chunk again changes nothing.
func (r *importRun) store(ctx context.Context) error {
	if len(r.refused) > 0 {
		err := r.watch.Retry(ctx, "database", func(ctx context.Context) error {
			return r.imports.Reject(ctx, r.options.Month, r.refused)
		})
		if err != nil {
			return err
		}
	}
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
	r.summary.Rows += len(r.bills) + len(r.refused) - len(report.Conflicts)
	r.summary.Inserted += report.Inserted
	r.summary.Unchanged += report.Unchanged
	r.summary.Rejected += len(r.refused)
	for _, conflict := range report.Conflicts {
		if err := r.resolve(ctx, conflict); err != nil {
			return err
		}
		r.summary.Rows++
	}
	if r.rejects == nil {
		return nil
	}
	return r.rejects.flush()
}

// resolve corrects the bill that a row is in conflict with, or says why it stays.
func (r *importRun) resolve(ctx context.Context, conflict port.ImportConflict) error {
	reason := "has another bill in this month already, which stays (--correct replaces it where it may still change)"
	at, found := slices.BinarySearchFunc(r.bills, conflict.Line, func(b port.ImportedBill, line int) int { return cmp.Compare(b.Line, line) })
	if r.options.Correct && found {
		refused, err := r.correct(ctx, r.bills[at])
		if err != nil {
			return err
		}
		if refused == nil {
			r.summary.Corrected++
			return nil
		}
		reason = "has another bill in this month already, which stays: " + refused.Error()
	}
	r.summary.Conflicts++
	return r.show(conflict.Line, refusal{
		fieldError: fieldError{colCustomer, reason}, place: port.RejectedRow{File: r.options.File, Line: conflict.Line},
		again: true, customer: conflict.Customer,
	}, r.rows[conflict.Line])
}

// correct replaces a bill's data (R6) and writes the act down. refused says why the bill may not change.
func (r *importRun) correct(ctx context.Context, bill port.ImportedBill) (refused, err error) {
	err = r.watch.Retry(ctx, "database", func(ctx context.Context) error {
		return r.corrections.Correct(ctx, bill, r.cipher.Seal, settle.Correction(bill, r.clock))
	})
	if errors.Is(err, billing.ErrRefused) {
		return err, nil
	}
	if err != nil {
		return nil, err
	}
	by := r.options.By
	by.At = r.clock.Now()
	return nil, r.watch.Retry(ctx, "database", func(ctx context.Context) error {
		return r.audit.Note(ctx, "correct", r.options.Month.String()+" customer "+bill.Customer, by)
	})
}

// show tells of a row that is not taken: the caller, and rejects.csv.
func (r *importRun) show(line int, no refusal, fields [][]byte) error {
	if r.options.Refused != nil {
		reason := no.reason
		if no.before != "" {
			reason += ": " + no.before
		}
		r.options.Refused(Refusal{Line: line, Customer: no.customer, Field: no.field, Reason: reason, Conflict: no.again})
	}
	if r.rejects == nil {
		return nil
	}
	return r.rejects.add(no, fields)
}

func cloned(fields [][]byte) [][]byte {
	whole := bytes.Join(fields, nil)
	out := make([][]byte, len(fields))
	for i, field := range fields {
		out[i], whole = whole[:len(field):len(field)], whole[len(field):]
	}
	return out
}
