package importing

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
)

// The columns of the canonical CSV, as docs/contract/billing-csv.md describes them.
const (
	colCustomer     = "customer_number"
	colName         = "name"
	colEmail        = "email"
	colPhone        = "phone"
	colPushToken    = "push_token"
	colLanguage     = "language"
	colCurrency     = "currency"
	colAmount       = "amount"
	colBilledBefore = "billed_before"
	colDueDate      = "due_date"
	colItems        = "items"
	colQuietFrom    = "quiet_from"
	colQuietTo      = "quiet_to"
	colZone         = "zone"
	colSendDay      = "send_day"
	colChannelWish  = "channel_wish"
	colPayment      = "payment_method"
	colUnsubscribe  = "unsubscribe_url"
)

// Columns lists the canonical columns in their usual order.
var Columns = slices.Concat([]string{colCustomer, colName}, destinationColumns(), []string{
	colLanguage, colCurrency, colAmount, colBilledBefore, colDueDate, colItems, colQuietFrom, colQuietTo, colZone,
	colSendDay, colChannelWish, colPayment, colUnsubscribe,
})

// requiredColumns must be in every file; a column that is left out is empty in every row.
var requiredColumns = []string{colCustomer, colCurrency, colAmount, colDueDate}

// ErrHeader says that the file is not canonical CSV, and that nothing of it was imported. The text says what is wrong
// with its header.
var ErrHeader = fmt.Errorf("%w: the file has no header of billing data", port.ErrInvalid)

// header knows where each column stands, and how fields are encoded.
type header struct {
	line     int            // of the file, on which it begins
	names    []string       // as in the file, byte for byte
	column   map[string]int // only columns in Columns or rejectColumns, and fields.NAME
	fields   []string       // the columns fields.NAME that bills keep for templates, by their names
	unknown  []string       // all other columns, decoded
	refused  bool           // the file is a rejects.csv, whose fields are guarded against formulas
	encoding billfile.Encoding
}

func (s *splitter) header(encoding billfile.Encoding) (header, error) {
	s.fill(len(byteOrderMark))
	s.buffer = bytes.TrimPrefix(s.buffer, byteOrderMark)
	first, err := s.next()
	for err == nil && (header{encoding: encoding}).isBlank(first) { // as spreadsheets write empty rows
		first, err = s.next()
	}
	switch {
	case errors.Is(err, io.EOF):
		return header{}, fmt.Errorf("%w: it is empty", ErrHeader)
	case err != nil:
		return header{}, err
	case first.problem != "":
		return header{}, fmt.Errorf("%w: line %d: %s", ErrHeader, first.line, first.problem)
	}
	h := header{line: first.line, column: map[string]int{}, encoding: encoding}
	for i, field := range first.fields {
		text, _ := encoding.Text(field)
		if !h.add(i, strings.TrimSpace(text)) {
			return header{}, fmt.Errorf("%w: the column %s is there twice", ErrHeader, strings.ToLower(strings.TrimSpace(text)))
		}
		h.names[i] = string(field)
	}
	if len(h.fields) > maxFieldsOfBill {
		return header{}, fmt.Errorf("%w: it has more than %d columns %sNAME", ErrHeader, maxFieldsOfBill, mapping.FieldPrefix)
	}
	if missing := h.missing(); len(missing) > 0 {
		return header{}, fmt.Errorf("%w: %s", ErrHeader, cmp.Or(separator(first.fields), h.wanted(missing)))
	}
	s.want = len(h.names)
	if h.refused {
		s.most = maxRefused
	}
	return h, nil
}

// add notes the next column; false where it is there already.
func (h *header) add(at int, text string) bool {
	h.names = append(h.names, text)
	name := strings.ToLower(text)
	field, isField := strings.CutPrefix(name, mapping.FieldPrefix)
	isField = isField && mapping.IsFieldName(field)
	ours := slices.Contains(rejectColumns, name)
	if !ours && !isField && !slices.Contains(Columns, name) {
		h.unknown = append(h.unknown, text)
		return true
	}
	if _, twice := h.column[name]; twice {
		return false
	}
	h.column[name] = at
	h.refused = h.refused || ours
	if isField {
		h.fields = append(h.fields, field)
	}
	return true
}

// absentContent returns those columns that the file does not have of what a customer reads, or is reached by.
func (h header) absentContent() (names []string) {
	for _, name := range []string{colName, colEmail, colPhone, colPushToken, colLanguage, colItems, colBilledBefore, colPayment} {
		if _, ok := h.column[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// missing returns the required columns that the header does not have.
func (h header) missing() (names []string) {
	for _, name := range requiredColumns {
		if _, ok := h.column[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// wanted says which columns are missing, and which unknown ones may have been meant for them.
func (h header) wanted(missing []string) string {
	said, table := make([]string, 0, len(missing)), mapping.ShippedNames()
	for _, name := range missing {
		if meant := table.Meant(name, h.unknown); meant != "" {
			name += " (did you mean it with " + strconv.Quote(meant) + "?)"
		}
		said = append(said, name)
	}
	switch list := strings.Join(said, ", "); {
	case len(h.column) == 0:
		return fmt.Sprintf("its first line names none of the columns: %s are required, %s may be there; for a file with other names, --look proposes a mapping", list, strings.Join(optionalColumns(), ", "))
	case len(said) == 1:
		return "the column " + list + " is missing"
	default:
		return "the columns " + list + " are missing; for a file with other names, --look proposes a mapping"
	}
}

func optionalColumns() []string {
	return slices.DeleteFunc(slices.Clone(Columns), func(name string) bool { return slices.Contains(requiredColumns, name) })
}

// separator returns a hint for the user if the fields seem to be separated by something else than commas.
func separator(fields [][]byte) string {
	for c, name := range map[string]string{";": "semicolons", "\t": "tabs", "|": "vertical bars"} {
		if len(fields) == 1 && bytes.Contains(fields[0], []byte(c)) {
			return "its fields are separated by " + name + ", not by commas; --look proposes a mapping"
		}
	}
	return ""
}

// ignored lists the unknown columns, each with the known one that may have been meant.
func (h header) ignored() string {
	said, table := make([]string, 0, len(h.unknown)), mapping.ShippedNames()
	absent := slices.DeleteFunc(slices.Clone(Columns), func(name string) bool { _, there := h.column[name]; return there })
	for _, name := range h.unknown {
		text := strconv.Quote(name)
		if meant := table.Meant(name, absent); meant != "" {
			text += " (did you mean " + meant + "?)"
		}
		said = append(said, text)
	}
	return strings.Join(said, ", ")
}
