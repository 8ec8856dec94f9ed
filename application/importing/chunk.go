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
	"github.com/balsong/balsong/domain/key"
)

// chunk is a part of the file on its way into storage. Several are processed at once. What depends on the rows before is
// done in turn, chunk by chunk: accepting each customer once (check), and reporting (report).
type chunk struct {
	run     *run
	records []record // with bytes of the chunk's own
	blank   int      // rows between them whose fields are all blank
	bytes   int64    // bytes of the file up to its end
	last    bool     // the source ends with it
	failed  error    // reading it failed: it is not processed

	bills    []port.ImportedBill
	accepted []int // indexes of bills in records
	refused  []refusedRow
	remarks  []Remark // in the order of their rows
	amounts  []money  // of each record
	sums     chunkSums
	stored   port.ImportReport
	inserted []key.Target // those of the bills that are traced

	checkTurn, reportTurn turn
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

// look reads the first chunk, and refuses a file that seems to be another month's.
func (r *run) look(ctx context.Context) (*chunk, error) {
	first := r.read()
	if first.failed != nil { // said when its rows are due
		return first, ctx.Err()
	}
	first.parse()
	return first, r.checkMonth(ctx, first)
}

// chunks reads the source chunk by chunk after the first, and processes several chunks at once.
func (r *run) chunks(ctx context.Context, first *chunk) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(r.workers)
	begun := make(chan struct{})
	close(begun)
	checkTurn, reportTurn := turn{done: begun}, turn{done: begun}
	c := first
	for c.failed == nil && within.Err() == nil {
		checkTurn, reportTurn = checkTurn.next(), reportTurn.next()
		c.checkTurn, c.reportTurn = checkTurn, reportTurn
		group.Go(func(ready *chunk) func() error { return func() error { return ready.process(within) } }(c))
		if c.last {
			break
		}
		c = r.read()
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return cmp.Or(c.failed, ctx.Err())
}

// read reads the next chunk.
func (r *run) read() *chunk {
	c := &chunk{run: r}
	c.failed = c.fill()
	return c
}

// fill reads rows until the chunk is full or the source ends: then it is the last.
func (c *chunk) fill() error {
	lines := c.run.lines
	defer func() {
		c.bytes = lines.read
		c.blank, lines.blanks = c.blank+lines.blanks, 0
	}()
	var arena []byte
	c.records = make([]record, 0, chunkRows)
	for len(c.records) < chunkRows {
		next, err := lines.next()
		if errors.Is(err, io.EOF) {
			c.last = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", lines.line+1, err)
		}
		if c.run.header.isBlank(next) {
			c.blank++
			continue
		}
		next.fields, arena = copied(next.fields, arena)
		c.records = append(c.records, next)
	}
	return nil
}

// copied copies fields into memory that the caller owns.
func copied(fields [][]byte, arena []byte) (own [][]byte, rest []byte) {
	own = make([][]byte, len(fields))
	for i, field := range fields {
		if cap(arena)-len(arena) < len(field) {
			arena = make([]byte, 0, max(len(field), maxRecord))
		}
		start := len(arena)
		arena = append(arena, field...)
		own[i] = arena[start:len(arena):len(arena)]
	}
	return own, arena
}

// process takes the chunk through all steps.
func (c *chunk) process(ctx context.Context) error {
	began := c.run.ports.Clock.Now()
	if c.amounts == nil { // the first chunk was parsed before
		c.parse()
	}
	for i := range c.bills {
		c.bills[i].Import = c.run.record.ID
	}
	if err := c.check(ctx); err != nil {
		return err
	}
	if err := c.store(ctx); err != nil {
		return err
	}
	c.trace(began)
	if err := c.reportTurn.wait(ctx); err != nil {
		return err
	}
	if err := c.report(ctx); err != nil {
		return err
	}
	close(c.reportTurn.done)
	return nil
}

// parse makes a bill of each row, or refuses it.
func (c *chunk) parse() {
	c.bills, c.accepted, c.amounts = make([]port.ImportedBill, 0, len(c.records)), make([]int, 0, len(c.records)), make([]money, 0, len(c.records))
	for at, next := range c.records {
		next = c.run.lines.canonical(next)
		c.records[at] = next
		p := c.run.parse(next)
		c.amounts = append(c.amounts, p.total)
		if p.refused != nil {
			c.sums.add(p.total, 1, 0)
			c.refused = append(c.refused, refusedRow{*p.refused, at})
			continue
		}
		c.sums.add(p.total, 1, 1)
		c.remarks = append(c.remarks, p.remarks...)
		c.bills, c.accepted = append(c.bills, p.bill), append(c.accepted, at)
	}
}

// check refuses further rows of a customer who has come before, and records the refused rows. A stored bill resolves
// refused rows of its customer that were recorded before it. So a chunk with refused rows first waits until all chunks
// before it are stored, and the chunks behind it wait until its rows are recorded.
func (c *chunk) check(ctx context.Context) error {
	if err := c.checkTurn.wait(ctx); err != nil {
		return err
	}
	c.refuseRepeated()
	if len(c.refused) > 0 {
		if err := c.reportTurn.wait(ctx); err != nil {
			return err
		}
		if err := c.recordRefused(ctx); err != nil {
			return err
		}
	}
	close(c.checkTurn.done)
	return nil
}

// refuseRepeated refuses the second and every later row of a customer, and remarks numbers that look like an earlier one.
func (c *chunk) refuseRepeated() {
	bills := c.bills[:0]
	alike := false
	for i, b := range c.bills {
		first, similar := c.run.firstLines.add(b.Customer, uint32(b.Line))
		if first == 0 {
			if bills = append(bills, b); similar > 0 {
				alike = true
				c.remarks = append(c.remarks, Remark{b.Line, b.Customer, colCustomer, CustomerLooksAlike, fmt.Sprintf("differs from the number on line %d in case, a blank, a hyphen or zeros in front alone, or by characters that look alike", similar)})
			}
			continue
		}
		// Recorded without the customer: the bill that is in, from the first row, does not make this row good.
		c.refused = append(c.refused, refusedRow{at: c.accepted[i], refusal: refusal{
			faults: faults{{colCustomer, fmt.Sprintf("is the same as on line %d", first)}}, place: c.run.place(b.Resolves, b.Line),
		}})
		c.sums.add(c.amounts[c.accepted[i]], 0, -1)
		c.remarks = slices.DeleteFunc(c.remarks, func(r Remark) bool { return r.Line == b.Line })
	}
	if alike {
		slices.SortStableFunc(c.remarks, func(a, b Remark) int { return cmp.Compare(a.Line, b.Line) })
	}
	c.bills = bills
	slices.SortFunc(c.refused, func(a, b refusedRow) int { return cmp.Compare(a.at, b.at) })
}

// recordRefused records the refused rows and finds out which of them were resolved since they were first refused.
func (c *chunk) recordRefused(ctx context.Context) error {
	rejects := make([]port.Reject, len(c.refused))
	for i, no := range c.refused {
		rejects[i] = port.Reject{File: no.place.File, Line: no.place.Line, Field: no.fields(), Reason: no.reasons(), Customer: no.customer, Import: c.run.record.ID}
	}
	var resolved []port.RejectedRow
	err := c.run.retry(ctx, func(ctx context.Context) (err error) {
		resolved, err = c.run.ports.Imports.Reject(ctx, c.run.rules.Month, rejects)
		return err
	})
	for i := range c.refused {
		c.refused[i].resolved = slices.Contains(resolved, c.refused[i].place)
	}
	return err
}

// store stores the bills, waiting while the database is down. Storing the same chunk again changes nothing.
func (c *chunk) store(ctx context.Context) error {
	if len(c.bills) == 0 {
		return nil
	}
	return c.run.retry(ctx, func(ctx context.Context) (err error) {
		if c.run.closedToNew {
			c.stored, err = c.run.ports.Imports.Compare(ctx, c.run.rules.Month, c.bills)
		} else {
			c.stored, err = c.run.ports.Imports.Store(ctx, c.run.rules.Month, c.bills, c.seal())
		}
		return err
	})
}
