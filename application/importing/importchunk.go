package importing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/port"
)

// importChunk is a part of the file on its way into storage. Several are under way at once. What depends on the rows
// before is done in turn, chunk by chunk: taking each customer once (taking), and reporting at the end (telling).
type importChunk struct {
	*importRun
	records []record // with bytes of the chunk's own
	bytes   int64    // bytes of the file up to its end

	bills   []port.ImportedBill
	refused []refusedRow
	report  port.ImportReport

	taking, telling turn
}

// refusedRow is a refused row, with its index in records.
type refusedRow struct {
	refusal
	at int
}

// turn is a chunk's place in a queue of chunks that do something one after another.
type turn struct {
	before <-chan struct{} // closed when the chunk before has had its turn
	done   chan struct{}   // to be closed when this chunk has had its turn
}

func (t turn) next() turn { return turn{before: t.done, done: make(chan struct{})} }

// wait waits until the chunk before has had its turn.
func (t turn) wait(ctx context.Context) error {
	select {
	case <-t.before:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// all reads the file chunk by chunk, and stores several chunks at once.
func (r *importRun) all(ctx context.Context) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Workers)
	begun := make(chan struct{})
	close(begun)
	taking, telling := turn{done: begun}, turn{done: begun}
	var failed error
	for more := true; more && failed == nil && within.Err() == nil; {
		taking, telling = taking.next(), telling.next()
		chunk := &importChunk{importRun: r, taking: taking, telling: telling}
		if more, failed = chunk.read(); failed == nil {
			group.Go(func() error { return chunk.run(within) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return cmp.Or(failed, ctx.Err())
}

// read reads rows until the chunk is full or the file ends, which it reports as no more.
func (c *importChunk) read() (more bool, err error) {
	var arena []byte
	for len(c.records) < chunkRows {
		next, err := c.lines.next()
		if errors.Is(err, io.EOF) {
			c.bytes = c.lines.read
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read line %d: %w", c.lines.line+1, err)
		}
		fields := make([][]byte, len(next.fields))
		for i, field := range next.fields {
			if cap(arena)-len(arena) < len(field) {
				arena = make([]byte, 0, max(len(field), maxRecord))
			}
			start := len(arena)
			arena = append(arena, field...)
			fields[i] = arena[start:len(arena):len(arena)]
		}
		next.fields = fields
		c.records = append(c.records, next)
	}
	c.bytes = c.lines.read
	return true, nil
}

// run accepts or refuses each row, stores the bills and reports the result.
func (c *importChunk) run(ctx context.Context) error {
	accepted := make([]int, 0, len(c.records)) // positions of bills in records
	for at, next := range c.records {
		bill, wrong := c.accept(next)
		if wrong != nil {
			c.refused = append(c.refused, refusedRow{*wrong, at})
			continue
		}
		c.bills, accepted = append(c.bills, bill), append(accepted, at)
	}
	if err := c.take(ctx, accepted); err != nil {
		return err
	}
	if err := c.store(ctx); err != nil {
		return err
	}
	if err := c.telling.wait(ctx); err != nil {
		return err
	}
	if err := c.tell(ctx); err != nil {
		return err
	}
	close(c.telling.done)
	return nil
}

// take refuses further rows of a customer who has come before, and notes the refused rows. A stored bill resolves rows of
// its customer that were refused before it. So a chunk with refused rows first waits until all chunks before it are
// stored, and the chunks behind it wait until its rows are noted.
func (c *importChunk) take(ctx context.Context, accepted []int) error {
	if err := c.taking.wait(ctx); err != nil {
		return err
	}
	bills := c.bills[:0]
	for i, bill := range c.bills {
		first, twice := c.seen.add(bill.Customer, uint32(bill.Line))
		if !twice {
			bills = append(bills, bill)
			continue
		}
		// Noted without the customer: the bill that is in, from the first row, does not make this row good.
		c.refused = append(c.refused, refusedRow{at: accepted[i], refusal: refusal{
			fieldError: fieldError{colCustomer, fmt.Sprintf("is the same as on line %d", first)}, place: c.place(bill.Resolves, bill.Line),
		}})
	}
	c.bills = bills
	if len(c.refused) > 0 {
		if err := c.telling.wait(ctx); err != nil {
			return err
		}
		slices.SortFunc(c.refused, func(a, b refusedRow) int { return cmp.Compare(a.at, b.at) })
		rejects := make([]port.Reject, len(c.refused))
		for i, no := range c.refused {
			rejects[i] = port.Reject{File: no.place.File, Line: no.place.Line, Field: no.field, Reason: no.reason, Customer: no.customer, Import: c.record.ID}
		}
		var resolved []port.RejectedRow
		err := c.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
			resolved, err = c.imports.Reject(ctx, c.options.Month, rejects)
			return err
		})
		if err != nil {
			return err
		}
		for i := range c.refused {
			c.refused[i].resolved = slices.Contains(resolved, c.refused[i].place)
		}
	}
	close(c.taking.done)
	return nil
}

// store stores the bills, waiting while the database is down. Storing the same chunk again changes nothing.
func (c *importChunk) store(ctx context.Context) error {
	if len(c.bills) == 0 {
		return nil
	}
	return c.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
		if c.shut {
			c.report, err = c.imports.Compare(ctx, c.options.Month, c.bills)
		} else {
			c.report, err = c.imports.Store(ctx, c.options.Month, c.bills, c.cipher.Seal)
		}
		return err
	})
}

// tell adds the chunk to the summary and reports the rows that are not taken.
func (c *importChunk) tell(ctx context.Context) error {
	for _, no := range c.refused {
		if no.resolved {
			c.summary.Resolved++
		} else {
			c.summary.Rejected++
		}
		if err := c.show(c.records[no.at].line, no.refusal, c.records[no.at].fields); err != nil {
			return err
		}
	}
	c.summary.Rows += len(c.bills) + len(c.refused) - len(c.report.Conflicts) - len(c.report.New)
	c.summary.Inserted += c.report.Inserted
	c.summary.Unchanged += c.report.Unchanged
	for _, conflict := range c.report.Conflicts {
		if err := c.resolve(ctx, conflict); err != nil {
			return err
		}
		c.summary.Rows++
	}
	for _, late := range c.report.New {
		if err := c.keepOut(late, fmt.Sprintf("has no bill in %s yet, and its dispatch has begun (--late lets new bills in)", c.options.Month)); err != nil {
			return err
		}
		c.summary.Rows++
	}
	if c.rejects != nil {
		if err := c.rejects.flush(); err != nil {
			return err
		}
	}
	if c.options.Progress != nil {
		c.options.Progress(Progress{Rows: c.summary.Rows, Bytes: c.bytes})
	}
	return nil
}

// resolve corrects the stored bill that a row is in conflict with, or reports why that stays.
func (c *importChunk) resolve(ctx context.Context, conflict port.ImportConflict) error {
	reason := "has another bill in this month already, which stays (--correct replaces it where it may still change)"
	at, found := slices.BinarySearchFunc(c.bills, conflict.Line, func(b port.ImportedBill, line int) int { return cmp.Compare(b.Line, line) })
	if c.options.Correct && found {
		refused, err := c.correct(ctx, c.bills[at])
		if err != nil {
			return err
		}
		if refused == nil {
			c.summary.Corrected++
			return nil
		}
		reason = "has another bill in this month already, which stays: " + refused.Error()
	}
	return c.keepOut(conflict, reason)
}

// keepOut counts and shows a row that is against how the month stands.
func (c *importChunk) keepOut(conflict port.ImportConflict, reason string) error {
	c.summary.Conflicts++
	row, _ := slices.BinarySearchFunc(c.records, conflict.Line, func(r record, line int) int { return cmp.Compare(r.line, line) })
	return c.show(conflict.Line, refusal{
		fieldError: fieldError{colCustomer, reason}, place: port.RejectedRow{File: c.options.File, Line: conflict.Line},
		again: true, customer: conflict.Customer,
	}, c.records[row].fields)
}
