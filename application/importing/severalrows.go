package importing

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing/billfile"
)

// severalRows returns the next bill where several rows make one: those of a customer that are next to each other. A row of
// no known customer, malformed or without a number, may be a part of the bill before or behind it: neither is taken then,
// because a bill without one of its rows would have a wrong total.
func (b *billRows) severalRows() (record, error) {
	first, err := b.firstRow()
	if err != nil {
		return record{}, err
	}
	customer := b.customerOf(*first)
	problem := ""
	if b.stray > 0 && customer != "" {
		problem = strayRow(b.stray)
	}
	b.stray = 0
	if customer == "" {
		b.stray = first.line
	}
	for size := 0; ; {
		row, err := b.seenRow()
		switch {
		case errors.Is(err, io.EOF):
			first.problem = cmp.Or(first.problem, problem)
			return *first, nil
		case err != nil:
			return record{}, err
		}
		if other := b.customerOf(row); customer == "" || other != customer {
			if b.ahead = cloned(row); other == "" && customer != "" {
				problem = cmp.Or(problem, strayRow(row.line))
			}
			first.problem = cmp.Or(first.problem, problem)
			return *first, nil
		}
		for _, field := range row.fields {
			size += len(field)
		}
		if len(first.more) < maxItems && size < maxRecord {
			first.more = append(first.more, cloned(row).fields)
		} else {
			problem = fmt.Sprintf("its bill has more than %d rows or %d bytes", maxItems, maxRecord)
		}
	}
}

func strayRow(line int) string {
	return fmt.Sprintf("the row on line %d beside it is of no known customer and may be a part of this bill", line)
}

// firstRow returns the first row of the next bill.
func (b *billRows) firstRow() (*record, error) {
	if first := b.ahead; first != nil {
		b.ahead = nil
		return first, nil
	}
	row, err := b.seenRow()
	if err != nil {
		return nil, err
	}
	return cloned(row), nil
}

// seenRow returns the next row that has something in a field.
func (b *billRows) seenRow() (record, error) {
	for {
		row, err := b.row()
		if err != nil || !(header{encoding: billfile.UTF8}).isBlank(row) {
			return row, err
		}
		b.blanks++
	}
}

// customerOf is the number of a row's customer in the form in which it is stored; "" where it has none.
func (b *billRows) customerOf(row record) string {
	if row.problem != "" {
		return ""
	}
	return bill.CustomerNumber(string(b.made.Customer(row.fields)))
}

// cloned is a record whose bytes are its own.
func cloned(row record) *record {
	row.fields = slices.Clone(row.fields)
	for i, field := range row.fields {
		row.fields[i] = bytes.Clone(field)
	}
	return &row
}

// checkOrder refuses a file in which the rows of one bill are not next to each other: when a bill is stored, more of its
// rows could still come.
func checkOrder(source *Source) error {
	rows := newRows(source)
	if _, err := rows.header(source.file.Encoding); err != nil {
		return err
	}
	var seen firstLines
	before := ""
	for {
		row, err := rows.row()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", rows.line+1, err)
		}
		customer := rows.customerOf(row)
		if customer == "" || customer == before {
			continue
		}
		if first, _ := seen.add(customer, uint32(row.line)); first > 0 {
			return fmt.Errorf("%w: the rows of the customer on line %d are not next to each other: more come on line %d; sort the file by customer first",
				billfile.ErrRefused, first, row.line)
		}
		before = customer
	}
}
