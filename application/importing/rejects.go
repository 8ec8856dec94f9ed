package importing

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/sheet"
)

// The columns in front of the original ones in rejects.csv.
const (
	colRejectFile   = "reject_file" // where the row was refused first
	colRejectLine   = "reject_line"
	colRejectField  = "reject_field"
	colRejectReason = "reject_reason"
	colRejectRow    = "reject_row"      // a fingerprint of the row: as long as it matches, the row was not edited
	colRejectNumber = "reject_customer" // the customer number of the row, behind a word, so that no spreadsheet changes it
)

var rejectColumns = []string{colRejectFile, colRejectLine, colRejectField, colRejectReason, colRejectRow, colRejectNumber}

// rejectNumber begins the value of reject_customer.
const rejectNumber = "was "

// maxRejectText bounds the texts of these columns, in bytes: enough for a reason for each field.
const maxRejectText = 4 << 10

// maxFileName bounds the file names in a rejects.csv, in bytes.
const maxFileName = 255

// rejectFile writes the refused rows as they were, with place, field and reason in front. The result is always
// well-formed CSV in the encoding of the file that was read; a stray quote of a malformed row becomes part of its
// field. Fields are guarded against formulas. Once its rows are edited, the file can be imported; a row that was
// not edited is refused again. The file contains billing data: keep it as carefully.
type rejectFile struct {
	to     *csv.Writer
	header header
	headed bool
}

func newRejectFile(to io.Writer, h header) *rejectFile {
	return &rejectFile{to: csv.NewWriter(to), header: h}
}

// refusal is why a row is not taken.
type refusal struct {
	faults
	place    port.RejectedRow
	conflict bool   // the row itself is not wrong: it may come again as it is
	before   string // the reason that a rejects.csv has for it already; "" otherwise
	customer string
	number   string // the customer number that a rejects.csv has for it already; "" otherwise
	resolved bool   // refused so before, and resolved since
}

// add writes one row, after the header if it is the first.
func (f *rejectFile) add(r refusal, fields [][]byte) error {
	if !f.headed {
		f.headed = true
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
	reason, sum := r.reasons(), ""
	if r.before != "" {
		reason = r.before
	}
	if !r.conflict {
		sum = f.header.fingerprint(fields)
	}
	file := string(f.header.encoding.Bytes(r.place.File))
	number := cmp.Or(r.number, r.customer, (&row{header: f.header, fields: fields}).likelyCustomer())
	if number != "" {
		number = rejectNumber + string(f.header.encoding.Bytes(number))
	}
	return f.write([]string{sheet.Guard(file), strconv.Itoa(r.place.Line), r.fields(), reason, sum, number}, fields)
}

func (f *rejectFile) write(front []string, row [][]byte) error {
	out := append(make([]string, 0, len(front)+len(row)), front...)
	for i, field := range row {
		if !f.header.isReject(i) {
			out = append(out, sheet.Keep(string(field)))
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

// isReject reports whether the i-th column is one of those that a rejects.csv adds.
func (h header) isReject(i int) bool {
	for _, name := range rejectColumns {
		if at, ok := h.column[name]; ok && at == i {
			return true
		}
	}
	return false
}

// fingerprint returns a hash of a row without the columns that a rejects.csv adds. It begins with a letter, so that no
// spreadsheet turns it into a number, and is of the text: a spreadsheet may save a row that nobody edited in another encoding.
func (h header) fingerprint(fields [][]byte) string {
	sum := sha256.New()
	for i, field := range fields {
		if !h.isReject(i) {
			if text, ok := h.encoding.Text(field); ok {
				field = []byte(text)
			}
			sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
			sum.Write(field)
		}
	}
	return "r" + hex.EncodeToString(sum.Sum(nil)[:8])
}

// bare removes the guard against formulas from the fields of a rejects.csv.
func (h header) bare(fields [][]byte) {
	if !h.refused {
		return
	}
	for i, field := range fields {
		if bytes.HasPrefix(field, []byte{'\''}) {
			fields[i] = []byte(sheet.Kept(string(field)))
		}
	}
}

// refusedBefore is what a rejects.csv holds about one of its rows.
type refusedBefore struct {
	place             port.RejectedRow // zero if it cannot be read
	number            string           // the customer number of the row when it was refused; "": not known
	fields            []string
	reason, unchanged string // unchanged: why the row is refused again, if it was not edited
}

// changed says why a customer number cannot be that of the corrected row: a spreadsheet has changed it on the way, and the
// bill would be another customer's. A number that was itself at fault may become another one. "" where it can be.
func (b refusedBefore) changed(customer string) string {
	padded := strings.TrimLeft(customer, "0") == strings.TrimLeft(b.number, "0")
	lost := padded && len(customer) < len(b.number)
	rounded := isSpreadsheetNumber(customer) && !isSpreadsheetNumber(b.number)
	alike := !padded && bill.ShapeOf(customer).Alike(bill.ShapeOf(b.number)) && !slices.Contains(b.fields, colCustomer)
	if b.number == "" || customer == b.number || !lost && !rounded && !alike {
		return ""
	}
	return fmt.Sprintf("is another number than that of the refused row, which had %s: a spreadsheet may have changed it (write it as it was; or clear %s to take it as it is)", b.number, colRejectNumber)
}

// before returns what a rejects.csv holds about a row; nothing if the file is not one.
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
		if !ok || len(said) > maxRejectText || strings.ContainsFunc(said, bill.Unprintable) {
			return ""
		}
		return said
	}
	var b refusedBefore
	file := text(colRejectFile)
	if line, err := strconv.Atoi(text(colRejectLine)); err == nil && line > 0 && line <= 1<<31-1 && file != "" && len(file) <= maxFileName {
		b.place = port.RejectedRow{File: file, Line: line}
	}
	if number, found := strings.CutPrefix(text(colRejectNumber), rejectNumber); found {
		b.number = number
	}
	for field := range strings.SplitSeq(text(colRejectField), faultSeparator) {
		if slices.Contains(Columns, field) || strings.HasPrefix(field, mapping.FieldPrefix) {
			b.fields = append(b.fields, field)
		}
	}
	if sum := text(colRejectRow); sum != "" && sum == h.fingerprint(fields) {
		b.reason = text(colRejectReason)
		b.unchanged = "was refused before and is unchanged (correct it; or clear reject_row to retry it unchanged)"
	}
	return b
}
