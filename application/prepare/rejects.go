package prepare

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/application/billfile"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/sheet"
)

// The columns in front of the original ones in rejects.csv.
const (
	colRejectFile   = "reject_file" // where the row was refused first
	colRejectLine   = "reject_line"
	colRejectField  = "reject_field"
	colRejectReason = "reject_reason"
	colRejectRow    = "reject_row" // a fingerprint of the row: as long as it fits, the row was not mended
)

var rejectColumns = []string{colRejectFile, colRejectLine, colRejectField, colRejectReason, colRejectRow}

// maxFileName bounds the name of a file that a rejects.csv tells, in bytes.
const maxFileName = 255

// rejectFile writes the rows that were refused, as they were, with place, field and reason in front. It is always a
// well-formed CSV file in the encoding of the one that was read: of a row that was not well-formed, a stray quote shows
// as part of its field. Fields are guarded against formulas. Mended, it can be imported as it is; a row that was not
// mended is refused again. It holds what the billing data holds: keep it as carefully.
type rejectFile struct {
	to     *csv.Writer
	header header
	begun  bool
}

func newRejectFile(to io.Writer, h header) *rejectFile {
	return &rejectFile{to: csv.NewWriter(to), header: h}
}

// refusal is why a row is not taken.
type refusal struct {
	fieldError
	place    port.RejectedRow
	again    bool   // the same row may come again as it is: it is not the row that is wrong
	before   string // the reason that stood in a rejects.csv already; "" otherwise
	customer string
}

func (f *rejectFile) add(r refusal, fields [][]byte) error {
	if !f.begun {
		f.begun = true
		front := slices.Clone(rejectColumns)
		if f.header.encoding != billfile.EUCKR { // so spreadsheets see that it is UTF-8
			front[0] = string(byteOrderMark) + front[0]
		}
		var names [][]byte
		for _, name := range f.header.names {
			names = append(names, []byte(name))
		}
		if err := f.write(front, names); err != nil {
			return err
		}
	}
	reason, sum := r.reason, ""
	if r.before != "" {
		reason = r.before
	}
	if !r.again {
		sum = f.header.fingerprint(fields)
	}
	file := string(f.header.encoding.Bytes(r.place.File))
	return f.write([]string{sheet.Guard(file), strconv.Itoa(r.place.Line), r.field, reason, sum}, fields)
}

func (f *rejectFile) write(front []string, row [][]byte) error {
	out := append(make([]string, 0, len(front)+len(row)), front...)
	for i, field := range row {
		if !f.header.isReject(i) {
			out = append(out, sheet.Guard(string(field)))
		}
	}
	if err := f.to.Write(out); err != nil {
		return fmt.Errorf("write the refused rows: %w", err)
	}
	return nil
}

func (f *rejectFile) flush() error {
	f.to.Flush()
	if err := f.to.Error(); err != nil {
		return fmt.Errorf("write the refused rows: %w", err)
	}
	return nil
}

// isReject tells whether the i-th column is one of a rejects.csv.
func (h header) isReject(i int) bool {
	for _, name := range rejectColumns {
		if at, ok := h.column[name]; ok && at == i {
			return true
		}
	}
	return false
}

// fingerprint tells rows apart, the columns of a rejects.csv left out. It begins with a letter, so that no spreadsheet
// makes a number of it.
func (h header) fingerprint(fields [][]byte) string {
	sum := sha256.New()
	for i, field := range fields {
		if !h.isReject(i) {
			sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
			sum.Write(field)
		}
	}
	return "r" + hex.EncodeToString(sum.Sum(nil)[:8])
}

// bare takes the guard against formulas off the fields of a rejects.csv.
func (h header) bare(fields [][]byte) {
	if !h.refused {
		return
	}
	for i, field := range fields {
		if bytes.HasPrefix(field, []byte{'\''}) {
			fields[i] = []byte(sheet.Bare(string(field)))
		}
	}
}

// refusedBefore is what a rejects.csv says of one of its rows.
type refusedBefore struct {
	place                    port.RejectedRow // zero where it is not readable
	field, reason, unchanged string           // unchanged: the reason to refuse the row, where it was not mended
}

func (h header) before(fields [][]byte) refusedBefore {
	if !h.refused {
		return refusedBefore{}
	}
	text := func(column string) string {
		at, ok := h.column[column]
		if !ok || at >= len(fields) {
			return ""
		}
		said, ok := h.encoding.Text(fields[at])
		if !ok || len(said) > maxRecord/64 || strings.ContainsFunc(said, unprintable) {
			return ""
		}
		return said
	}
	var b refusedBefore
	file := text(colRejectFile)
	if line, err := strconv.Atoi(text(colRejectLine)); err == nil && line > 0 && line <= 1<<31-1 && file != "" && len(file) <= maxFileName {
		b.place = port.RejectedRow{File: file, Line: line}
	}
	if b.field = text(colRejectField); !slices.Contains(Columns, b.field) {
		b.field = ""
	}
	if sum := text(colRejectRow); sum != "" && sum == h.fingerprint(fields) {
		b.reason = text(colRejectReason)
		b.unchanged = "was refused before and is as it was (mend it; or empty reject_row to try it as it is)"
	}
	return b
}
