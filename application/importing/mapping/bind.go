package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Missing says which columns of a mapping a header lacks.
type Missing struct {
	Names  []string
	Header []string
}

// Error implements error.
func (m *Missing) Error() string {
	said, table := make([]string, len(m.Names)), ShippedNames()
	for i, name := range m.Names {
		said[i] = fmt.Sprintf("%q", name)
		if near := table.Meant(name, m.Header); near != "" {
			said[i] += fmt.Sprintf(" (did you mean %q?)", near)
		}
	}
	return "the file has no column " + strings.Join(said, ", ")
}

// binding finds the columns of a mapping in a header.
type binding struct {
	Translator
	header  []string
	missing []string
}

// Bind makes the translator for files with a header, whose names HeaderNames returned. *Missing if it lacks columns.
func (m Mapping) Bind(header []string) (*Translator, error) {
	b := &binding{header: header}
	b.itemsAt, b.sum, b.key, b.several, b.comma = -1, -1, -1, m.OneBill == "customer", m.Decimal == "comma"
	for _, column := range m.Columns {
		b.column(m, column)
	}
	for _, name := range sortedKeys(m.Constants) {
		b.add(name, target{same: m.Constants[name]})
	}
	if len(m.Items) > 0 {
		b.itemsAt = len(b.targets)
		b.add("items", target{})
	}
	b.money = slices.Index(b.names, "currency")
	for _, item := range m.Items {
		b.items = append(b.items, itemOf{
			name: b.optional(item.Name), amount: b.find(item.Amount), times: b.optional(item.Times), text: item.Text, skipZero: item.Skip0,
		})
	}
	b.skip = b.where(m.SkipRows)
	if len(b.missing) > 0 {
		return nil, &Missing{Names: b.missing, Header: header}
	}
	return &b.Translator, nil
}

func (b *binding) column(m Mapping, column Column) {
	made := target{
		join: " ", split: column.Split, part: column.Part, values: column.Values, dflt: column.Default, digits: column.Digits,
		kind: kinds[column.To], dates: cmp.Or(column.Dates, m.Dates, "ymd"), comma: cmp.Or(column.Decimal, m.Decimal) == "comma", calling: m.CallingCode, code: -1,
	}
	if column.CallingCodeFrom != "" {
		made.code = b.find(column.CallingCodeFrom)
	}
	made.minus = b.where(column.MinusWhere)
	if column.Join != nil {
		made.join = *column.Join
	}
	switch {
	case column.From[0] == SumOfItems:
		b.sum = len(b.targets)
	case column.To == "customer_number":
		b.key = len(b.targets)
		fallthrough
	default:
		for _, name := range column.From {
			made.from = append(made.from, b.find(name))
		}
	}
	b.add(column.To, made)
}

// where finds rows by values of columns.
func (b *binding) where(values map[string][]string) (list []having) {
	for _, name := range sortedKeys(values) {
		one := having{b.find(name), map[string]bool{}}
		for _, v := range values[name] {
			one.values[v] = true
		}
		list = append(list, one)
	}
	return list
}

func (b *binding) add(name string, made target) {
	b.names, b.targets = append(b.names, name), append(b.targets, made)
}

// find is the place of a column in the header: of its name, or of the only one that is the same but for case, spaces and
// signs. A column that is not there is missing.
func (b *binding) find(name string) int {
	if at := slices.Index(b.header, name); at >= 0 {
		return at
	}
	var alike []int
	if want := key(name); want != "" {
		for i, h := range b.header {
			if key(h) == want {
				alike = append(alike, i)
			}
		}
	}
	if len(alike) == 1 {
		return alike[0]
	}
	b.missing = append(b.missing, name)
	return -1
}

// optional is the place of a column that may be left out; -1 then.
func (b *binding) optional(name string) int {
	if name == "" {
		return -1
	}
	return b.find(name)
}
