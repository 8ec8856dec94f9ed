package mapping

import (
	"bytes"
	"slices"
	"strings"
)

// Fault is why a value cannot be read as its mapping says. The reason never holds the value.
type Fault struct{ Column, Reason string }

// Translator makes rows of billing data from rows of a file with one header. It is safe for concurrent use.
type Translator struct {
	names   []string // the columns that it makes
	targets []target
	items   []itemOf
	itemsAt int // of the column items; -1: none
	sum     int // of the amount that is the sum of the items; -1: none
	money   int // of the currency; -1: none
	comma   bool
	skip    []skipping
	several bool // rows of one customer make one bill
	key     int  // of the customer number; -1: none
}

// target makes one column.
type target struct {
	from    []int // columns of the file; none: it has a constant or is made otherwise
	join    string
	split   string
	part    int
	values  map[string]string
	dflt    string
	digits  int
	kind    kind
	dates   string
	comma   bool
	calling string
	same    string // the constant
}

// kind is how a column's values are written.
type kind int

const (
	asText kind = iota
	asNumber
	asDate
	asPhone
	asEmail
)

// kinds are the columns whose values have a form.
var kinds = map[string]kind{"amount": asNumber, "billed_before": asNumber, "due_date": asDate, "phone": asPhone, "email": asEmail}

type itemOf struct {
	name, amount, times int // columns of the file; -1: none
	text                string
	skipZero            bool
}

type skipping struct {
	at     int
	values map[string]bool
}

// Columns are the columns of billing data that it makes, in their order.
func (t *Translator) Columns() []string { return slices.Clone(t.names) }

// Several reports whether several rows make one bill.
func (t *Translator) Several() bool { return t.several }

// Skips reports whether the mapping says that a row is no bill.
func (t *Translator) Skips(fields [][]byte) bool {
	for _, s := range t.skip {
		if s.values[string(trim(fieldAt(fields, s.at)))] {
			return true
		}
	}
	return false
}

// Customer is the customer number of a row, as the mapping makes it.
func (t *Translator) Customer(fields [][]byte) []byte {
	if t.key < 0 {
		return nil
	}
	number, _, _ := t.targets[t.key].value(fields)
	return number
}

func fieldAt(fields [][]byte, at int) []byte {
	if at < 0 || at >= len(fields) {
		return nil
	}
	return fields[at]
}

// Translate makes a row of billing data from the rows of one bill, in the order of Columns, with what is wrong with it.
// The result may share its bytes with the rows.
func (t *Translator) Translate(rows ...[][]byte) (fields [][]byte, faults []Fault) {
	fields = make([][]byte, len(t.targets))
	wrong := func(at int, reason string) {
		if reason != "" && !slices.ContainsFunc(faults, func(f Fault) bool { return f.Column == t.names[at] }) {
			faults = append(faults, Fault{t.names[at], reason})
		}
	}
	var signs [4]sign
	money := signs[:0]
	for at := range t.targets {
		made := &t.targets[at]
		if len(made.from) == 0 {
			fields[at] = []byte(made.same)
			continue
		}
		value, currencies, reason := made.value(rows[0])
		wrong(at, reason)
		fields[at] = value
		if currencies != nil {
			money = append(money, sign{at, currencies})
		}
		for _, row := range rows[1:] {
			if other, _, _ := made.value(row); !bytes.Equal(other, value) {
				wrong(at, "differs between the rows of one bill")
				break
			}
		}
	}
	for _, f := range faults {
		if at := slices.Index(t.names, f.Column); t.targets[at].kind == asNumber || t.targets[at].kind == asDate {
			fields[at] = doubtful(fields[at])
		}
	}
	if t.itemsAt >= 0 {
		made := t.itemize(rows, t.sum >= 0)
		fields[t.itemsAt] = made.text
		wrong(t.itemsAt, made.reason)
		if t.sum >= 0 {
			fields[t.sum] = []byte(made.total.String())
			if made.reason != "" {
				fields[t.sum] = nil
				wrong(t.sum, "is the sum of the items, and an item is wrong")
			}
		}
		if made.currencies != nil {
			money = append(money, sign{t.itemsAt, made.currencies})
		}
	}
	if t.money >= 0 {
		for _, s := range money {
			if !fits(s.currencies, string(fields[t.money])) {
				wrong(s.at, "has the sign of another currency")
				fields[s.at] = doubtful(fields[s.at])
			}
		}
	}
	return fields, faults
}

// doubtful marks a value that stays in a refused row as the file has it. There it must not pass for a value in the form of billing
// data, which it could be with another meaning: 1.234.
func doubtful(value []byte) []byte { return append(slices.Clone(value), '?') }

// sign is a currency's sign that stood beside an amount.
type sign struct {
	at         int
	currencies []string
}

// value makes a column's value of a row.
func (c *target) value(row [][]byte) (value []byte, currencies []string, reason string) {
	value = unquoted(trim(fieldAt(row, c.from[0])))
	for _, at := range c.from[1:] {
		next := trim(fieldAt(row, at))
		if len(next) > 0 && len(value) > 0 {
			value = slices.Concat(value, []byte(c.join), next)
		} else if len(next) > 0 {
			value = next
		}
	}
	if c.split != "" {
		value = partOf(value, c.split, c.part)
	}
	if c.values != nil {
		if instead, found := c.values[string(value)]; found {
			value = []byte(instead)
		}
	}
	if len(value) == 0 {
		return []byte(c.dflt), nil, ""
	}
	if c.digits > len(value) && digitsOnly(string(value)) {
		value = append(bytes.Repeat([]byte{'0'}, c.digits-len(value)), value...)
	}
	var made string
	switch c.kind {
	case asText:
		return value, nil, ""
	case asNumber:
		if quick, signs, ok := quickNumber(make([]byte, 0, maxQuick+1), value, c.comma); ok {
			return quick, signs, ""
		}
		made, currencies, reason = number(value, c.comma)
	case asDate:
		if quick, ok := quickDate(value); ok && c.dates != "excel" {
			return quick, nil, ""
		}
		made, reason = date(value, c.dates)
	case asPhone:
		made = phone(value, c.calling)
	case asEmail:
		made = email(value)
	}
	if reason != "" {
		return value, nil, reason
	}
	if made == string(value) {
		return value, currencies, ""
	}
	return []byte(made), currencies, ""
}

// unquoted takes off what a spreadsheet's export puts around text that looks like a number: ="00123".
func unquoted(text []byte) []byte {
	if len(text) > 3 && bytes.HasPrefix(text, []byte(`="`)) && text[len(text)-1] == '"' {
		return text[2 : len(text)-1]
	}
	return text
}

func partOf(text []byte, at string, part int) []byte {
	parts := bytes.Split(text, []byte(at))
	if part < 0 {
		part += len(parts) + 1
	}
	if part < 1 || part > len(parts) {
		return nil
	}
	return trim(parts[part-1])
}

func email(text []byte) string {
	said := string(text)
	if !isPlain(text) {
		said = strings.TrimSpace(narrow(said))
	}
	return strings.TrimPrefix(said, "mailto:")
}

// Before is what the file has for the at-th column, for people: the fields as they are.
func (t *Translator) Before(at int, row [][]byte) string {
	from := slices.Clone(t.targets[at].from)
	if at == t.itemsAt {
		for _, item := range t.items {
			from = append(from, item.name, item.amount, item.times)
		}
	}
	var said []string
	for _, place := range from {
		if value := string(trim(fieldAt(row, place))); value != "" {
			said = append(said, value)
		}
	}
	return strings.Join(said, " + ")
}
