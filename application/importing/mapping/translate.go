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
	skip    []having
	several bool // rows of one customer make one bill
	key     int  // of the customer number; -1: none
}

type itemOf struct {
	name, amount, times int // columns of the file; -1: none
	text                string
	skipZero            bool
}

// having are rows with one of some values in a column.
type having struct {
	at     int
	values map[string]bool
}

func isAmong(list []having, row [][]byte) bool {
	for _, one := range list {
		if one.values[string(trim(fieldAt(row, one.at)))] {
			return true
		}
	}
	return false
}

// Columns are the columns of billing data that it makes, in their order.
func (t *Translator) Columns() []string { return slices.Clone(t.names) }

// Several reports whether several rows make one bill.
func (t *Translator) Several() bool { return t.several }

// Skips reports whether the mapping says that a row is no bill.
func (t *Translator) Skips(fields [][]byte) bool { return isAmong(t.skip, fields) }

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
// The result may share its bytes with the rows. There is at least one row.
func (t *Translator) Translate(rows ...[][]byte) (fields [][]byte, faults []Fault) {
	var signs [4]sign
	made := translation{Translator: t, fields: make([][]byte, len(t.targets))}
	money := made.columns(rows, signs[:0])
	money = made.itemize(rows, money)
	made.compare(money)
	return made.fields, made.faults
}

// translation is one bill on its way. Its steps take rows and signs as parameters, which so need no memory of their own.
type translation struct {
	*Translator
	fields [][]byte
	faults []Fault
}

// wrong notes the first thing that is wrong with a column.
func (m *translation) wrong(at int, reason string) {
	if reason != "" && !slices.ContainsFunc(m.faults, func(f Fault) bool { return f.Column == m.names[at] }) {
		m.faults = append(m.faults, Fault{m.names[at], reason})
	}
}

// columns makes what comes of the first row; the others have to say the same. It adds the signs of currencies.
func (m *translation) columns(rows [][][]byte, signs []sign) []sign {
	for at := range m.targets {
		made := &m.targets[at]
		if len(made.from) == 0 {
			m.fields[at] = []byte(made.same)
			continue
		}
		value, currencies, reason := made.value(rows[0])
		m.wrong(at, reason)
		m.fields[at] = value
		if currencies != nil {
			signs = append(signs, sign{at, currencies, rows[0]})
		}
		for _, row := range rows[1:] {
			if other, _, _ := made.value(row); !bytes.Equal(other, value) {
				m.wrong(at, "differs between the rows of one bill")
				break
			}
		}
	}
	for _, f := range m.faults {
		if at := slices.Index(m.names, f.Column); m.targets[at].kind == asNumber || m.targets[at].kind == asDate {
			m.fields[at] = doubtful(m.fields[at])
		}
	}
	return signs
}

// itemize makes the items, and the amount where it is their sum.
func (m *translation) itemize(rows [][][]byte, signs []sign) []sign {
	if m.itemsAt < 0 {
		return signs
	}
	made := m.itemsOf(rows, m.sum >= 0)
	m.fields[m.itemsAt] = made.text
	m.wrong(m.itemsAt, made.reason)
	if m.sum >= 0 {
		m.fields[m.sum] = []byte(made.total.String())
		if made.reason != "" {
			m.fields[m.sum] = nil
			m.wrong(m.sum, "is the sum of the items, and an item is wrong")
		}
	}
	if made.currencies != nil {
		signs = append(signs, sign{m.itemsAt, made.currencies, nil})
	}
	return signs
}

// compare refuses amounts with the sign of another currency than the bill's.
func (m *translation) compare(signs []sign) {
	if m.money < 0 {
		return
	}
	for _, s := range signs {
		if !fits(s.currencies, string(m.fields[m.money])) {
			m.wrong(s.at, "has the sign of another currency")
			if said := m.Before(s.at, s.row); said != "" { // with the sign: without it, the number would pass for the bill's currency
				m.fields[s.at] = []byte(said)
			}
			m.fields[s.at] = doubtful(m.fields[s.at])
		}
	}
}

// sign is a currency's sign that stood beside an amount.
type sign struct {
	at         int
	currencies []string
	row        [][]byte // where it stood; nil for items
}

// Before is what the file has for the at-th column, for people: the fields as they are.
func (t *Translator) Before(at int, row [][]byte) string {
	from := slices.Clone(t.targets[at].from)
	if made := &t.targets[at]; len(from) > 0 && made.code >= 0 {
		from = append([]int{made.code}, from...)
	}
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
