package importing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
)

// billRows are the rows of a source as bills: canonical ones as they are, others as a mapping says.
type billRows struct {
	*splitter
	mapping *mapping.Mapping // nil: the file is canonical
	made    *mapping.Translator
	names   []string // the columns that it makes
	contact []bool   // those of them that are addresses
	skipped int      // rows that the mapping says are no bills

	// Where several rows make one bill:
	ahead  *record // read already: the first row of the next bill
	stray  int     // the line of the row before it, where that is of no known customer
	blanks int     // rows without anything in any field, which were passed over
}

func newRows(source *Source) *billRows {
	b := &billRows{splitter: newSplitter(source.rows), mapping: source.file.Mapping}
	if b.mapping != nil {
		b.splitter = newSplitterAt(source.rows, b.mapping.File.SeparatorByte())
		b.formula = true
	}
	return b
}

// header reads the header. With a mapping that is the first row that has all the columns which the mapping names; the header
// that is returned is the one that the mapping makes.
func (b *billRows) header(encoding billfile.Encoding) (header, error) {
	if b.mapping == nil {
		return b.splitter.header(encoding)
	}
	b.fill(len(byteOrderMark))
	b.buffer = bytes.TrimPrefix(b.buffer, byteOrderMark)
	b.loose = true
	var before []string
	var least *mapping.Missing
	line := 0
	for range mapping.HeaderWithin {
		next, err := b.splitter.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return header{}, err
		}
		fields := textsOf(next.fields)
		names := mapping.HeaderNames(fields)
		if b.mapping.File.HeaderRows == 2 && before != nil {
			names = mapping.HeaderNames(before, fields)
		} else {
			line = next.line
		}
		made, err := b.mapping.Bind(names)
		var missing *mapping.Missing
		switch {
		case err == nil:
			b.made, b.loose, b.want, b.names = made, false, len(names), made.Columns()
			for _, name := range b.names {
				b.contact = append(b.contact, slices.Contains(destinationColumns(), name))
			}
			return madeHeader(made, line), nil
		case !errors.As(err, &missing):
			return header{}, err
		case least == nil || len(missing.Names) < len(least.Names):
			least = missing
		}
		before, line = fields, next.line
	}
	if least == nil {
		return header{}, fmt.Errorf("%w: it is empty", ErrHeader)
	}
	return header{}, fmt.Errorf("%w: none of its first %d rows has all columns of the mapping: %w", ErrHeader, mapping.HeaderWithin, least)
}

func textsOf(fields [][]byte) []string {
	texts := make([]string, len(fields))
	for i, field := range fields {
		texts[i] = string(field)
	}
	return texts
}

// madeHeader is the header of the rows that a mapping makes.
func madeHeader(made *mapping.Translator, line int) header {
	h := header{line: line, column: map[string]int{}, encoding: billfile.UTF8}
	for at, name := range made.Columns() {
		h.add(at, name)
	}
	return h
}

// next returns the next row, or with a mapping the rows of the next bill.
func (b *billRows) next() (record, error) {
	switch {
	case b.mapping == nil:
		return b.splitter.next()
	case b.made.Several():
		return b.severalRows()
	default:
		return b.row()
	}
}

// row returns the next row of the file that the mapping does not leave out.
func (b *billRows) row() (record, error) {
	for {
		row, err := b.splitter.next()
		if err != nil {
			return row, err
		}
		if row.problem == "" && len(row.fields) != b.want {
			b.fit(&row)
		}
		if b.made.Skips(row.fields) {
			b.skipped++
			continue
		}
		return row, nil
	}
}

// fit forgives empty fields behind the last column, which spreadsheets write.
func (b *billRows) fit(row *record) {
	fields := len(row.fields)
	for len(row.fields) > b.want && len(bytes.TrimSpace(row.fields[len(row.fields)-1])) == 0 {
		row.fields = row.fields[:len(row.fields)-1]
	}
	if len(row.fields) != b.want {
		row.problem = fmt.Sprintf("has %d fields, the header has %d", fields, b.want)
	}
}

// noText is what is wrong with a field that is not text in the file's encoding.
const noText = "has bytes that are no text in the encoding of the file"

// canonical makes a canonical row of the rows of a bill.
func (b *billRows) canonical(next record) record {
	if b.mapping == nil {
		return next
	}
	rows := append([][][]byte{next.fields}, next.more...)
	fields, wrong := b.made.Translate(rows...)
	for i, field := range fields {
		if !b.contact[i] && !isPrintable(field) && bytes.ContainsRune(field, utf8.RuneError) {
			next.faults.add(b.names[i], noText)
		}
	}
	for _, fault := range wrong {
		next.faults.add(fault.Column, fault.Reason)
	}
	next.fields, next.more = fields, nil
	return next
}
