package importing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/billing"
)

// importRun is one import under way.
type importRun struct {
	*Importer
	options Options
	lines   *splitter
	header  header
	rejects *rejectFile
	seen    firstLines
	summary Summary
	record  port.ImportRecord
	shut    bool // to bills of customers that the month does not have
}

// recorded runs the import and keeps its record. The record of an import that dies has no end.
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
	r.record.Corrected, r.record.Conflicts, r.record.Rejected = r.summary.Corrected, r.summary.Conflicts, r.summary.Rejected+r.summary.Resolved
	if err != nil {
		r.record.Error = err.Error()
		// One try: the import's error counts, and its context may have ended.
		return errors.Join(err, r.imports.End(context.WithoutCancel(ctx), r.record))
	}
	return r.watch.Retry(ctx, "database", func(ctx context.Context) error { return r.imports.End(ctx, r.record) })
}

// accept turns a record into a bill, or says why not.
func (r *importRun) accept(next record) (port.ImportedBill, *refusal) {
	r.header.bare(next.fields)
	before := r.header.before(next.fields)
	place := r.place(before.place, next.line)
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
	bill.Line, bill.Import, bill.Resolves = next.line, r.record.ID, before.place
	return bill, nil
}

// place returns where a row was refused first: here, unless a rejects.csv names another place.
func (r *importRun) place(before port.RejectedRow, line int) port.RejectedRow {
	if before != (port.RejectedRow{}) {
		return before
	}
	return port.RejectedRow{File: r.options.File, Line: line}
}

// likelyCustomer returns the customer number of a row that is wrong elsewhere; "" if it cannot be told.
func (r *row) likelyCustomer() string {
	reading := row{header: r.header, fields: r.fields}
	customer := reading.text(colCustomer)
	if reading.wrong != nil || len(customer) > maxCustomer || strings.ContainsAny(customer, `"`) {
		return ""
	}
	return customer
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
		return r.audit.Note(ctx, "correct", port.CustomerSubject(r.options.Month, bill.Customer), by)
	})
}

// show reports a row that is not taken, to the caller and in rejects.csv.
func (r *importRun) show(line int, no refusal, fields [][]byte) error {
	if r.options.Refused != nil {
		reason := no.reason
		if no.before != "" {
			reason += ": " + no.before
		}
		if no.resolved {
			reason += " (refused, resolved since)"
		}
		r.options.Refused(Refusal{Line: line, Customer: no.customer, Field: no.field, Reason: reason, Conflict: no.again})
	}
	if r.rejects == nil || no.resolved {
		return nil
	}
	return r.rejects.add(no, fields)
}
