package mapping

import (
	_ "embed"
	"fmt"
	"maps"
	"strings"
	"unicode"
)

//go:embed names.txt
var shippedNames string

// NameTable holds names of headers, by what they stand for. A table is a text file that people can extend: names.txt says its form.
type NameTable struct {
	columns []meaning
	byName  map[string]int // the first of columns with a name
	joins   []joining
	items   map[string]bool
	details map[string]string            // by name: item_name, item_amount, item_count
	values  map[string]map[string]string // by column, what people write for which value
	totals  map[string]bool              // what stands in a row of totals
	secret  map[string]bool              // what no bill should keep
}

// meaning is a column of billing data and a header's name of it, in the order of preference.
type meaning struct{ column, name string }

// joining makes a column of several.
type joining struct {
	column, between string
	names           []string
}

func newNameTable() *NameTable {
	return &NameTable{
		byName: map[string]int{}, items: map[string]bool{}, details: map[string]string{}, values: map[string]map[string]string{},
		totals: map[string]bool{}, secret: map[string]bool{},
	}
}

// ShippedNames is the table that comes with Balsong.
func ShippedNames() *NameTable {
	t := newNameTable()
	if err := t.Add(shippedNames); err != nil {
		panic(err) // it is part of the program
	}
	return t
}

// Add reads more lines of a table; its names come before those that are there. The error names the line.
func (t *NameTable) Add(text string) error {
	more := newNameTable()
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, names, found := strings.Cut(line, ":")
		if !found || !more.line(what, strings.Split(names, ",")) {
			return fmt.Errorf("line %d is none of the forms `column: name, …`, `join column \" \": name + name, …` and `value column VALUE: word, …`", n)
		}
	}
	t.columns, t.joins = append(more.columns, t.columns...), append(more.joins, t.joins...)
	maps.Copy(t.items, more.items)
	maps.Copy(t.details, more.details)
	maps.Copy(t.totals, more.totals)
	maps.Copy(t.secret, more.secret)
	for column, words := range more.values {
		if t.values[column] == nil {
			t.values[column] = map[string]string{}
		}
		maps.Copy(t.values[column], words)
	}
	clear(t.byName)
	for i, m := range t.columns {
		if _, there := t.byName[m.name]; !there {
			t.byName[m.name] = i
		}
	}
	return nil
}

// line adds what one line says; false where it has no form of the table.
func (t *NameTable) line(what string, names []string) bool {
	words := strings.Fields(what)
	switch {
	case len(words) >= 2 && words[0] == "join":
		_, between, _ := strings.Cut(what, `"`)
		between, _, _ = strings.Cut(between, `"`)
		for _, each := range names {
			join := joining{column: words[1], between: between}
			for name := range strings.SplitSeq(each, "+") {
				join.names = append(join.names, key(name))
			}
			t.joins = append(t.joins, join)
		}
	case len(words) == 3 && words[0] == "value":
		if t.values[words[1]] == nil {
			t.values[words[1]] = map[string]string{}
		}
		for _, name := range names {
			t.values[words[1]][key(name)] = words[2]
		}
	case len(words) == 1:
		for _, name := range names {
			t.name(words[0], key(name))
		}
	default:
		return false
	}
	return true
}

// name adds a name of a header, or a word of a row of totals.
func (t *NameTable) name(what, name string) {
	switch what {
	case "item":
		t.items[name] = true
	case "item_name", "item_amount", "item_count":
		t.details[name] = what
	case "never":
		t.secret[name] = true
	case "total_row":
		t.totals[name] = true
	default:
		t.columns = append(t.columns, meaning{what, name})
	}
}

// rank returns what a name of a header stands for, and how it ranks among the names of that column.
func (t *NameTable) rank(name string) (column string, rank int) {
	for _, k := range []string{key(name), key(withoutUnit(name))} {
		if i, found := t.byName[k]; found && k != "" {
			return t.columns[i].column, i
		}
	}
	return "", 0
}

// key is a name without what people write in different ways: case, spaces, signs, full-width forms.
func key(name string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, narrow(name))
}

// withoutUnit leaves out what stands in brackets at the end of a name: 청구금액(원), Amount [EUR].
func withoutUnit(name string) string {
	name = strings.TrimSpace(narrow(name))
	for _, pair := range []string{"()", "[]"} {
		if at := strings.LastIndex(name, pair[:1]); at > 0 && strings.HasSuffix(name, pair[1:]) {
			return name[:at]
		}
	}
	return name
}

// find returns what the column of a header stands for: its whole name, or in a double header the lower part of it.
func (t *NameTable) find(h Header, at int) (column string, rank int) {
	if column, rank = t.rank(h.Names[at]); column == "" && at < len(h.below) {
		return t.rank(h.below[at])
	}
	return column, rank
}

// joined are the places of the columns that make one together; nil where one of them is missing.
func joined(names []string, join joining) (places []int) {
	for _, want := range join.names {
		found := -1
		for at, name := range names {
			if key(name) == want {
				found = at
				break
			}
		}
		if found < 0 {
			return nil
		}
		places = append(places, found)
	}
	return places
}
