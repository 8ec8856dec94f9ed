package mapping

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/balsong/balsong/domain/wording"
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
	codes   map[string]bool              // columns with the calling code of a phone number
	signs   map[string]bool              // columns with debit or credit
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
		totals: map[string]bool{}, secret: map[string]bool{}, codes: map[string]bool{}, signs: map[string]bool{},
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
	maps.Copy(t.codes, more.codes)
	maps.Copy(t.signs, more.signs)
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
	case "calling_code":
		t.codes[name] = true
	case "debit_credit":
		t.signs[name] = true
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

// withoutUnit leaves out the unit of a name.
func withoutUnit(name string) string {
	rest, _ := cutUnit(name)
	return rest
}

// cutUnit takes the unit off a name: what stands in brackets at its end, or a currency at either end, as in 청구금액(원),
// Amount [EUR], Amount £ and Betrag in EUR. unit is "" where there is none.
func cutUnit(name string) (rest, unit string) {
	if name, unit = cutBrackets(name); unit != "" {
		return name, unit
	}
	words := strings.FieldsFunc(name, isBetweenWords)
	if len(words) == 0 {
		return name, ""
	}
	first, last := words[0], words[len(words)-1]
	for _, m := range marks {
		if cut, found := strings.CutSuffix(name, m.sign); found && cut != "" && (last == m.sign || !unicode.IsLetter([]rune(m.sign)[0])) {
			return strings.TrimRightFunc(cut, isBetweenWords), m.sign
		}
		if cut, found := strings.CutPrefix(name, m.sign); found && cut != "" && (first == m.sign || !unicode.IsLetter([]rune(m.sign)[0])) {
			return strings.TrimLeftFunc(cut, isBetweenWords), m.sign
		}
	}
	if cut, found := strings.CutSuffix(name, last); found && cut != "" && slices.Contains(currencyCodes, last) {
		cut = strings.TrimRightFunc(cut, isBetweenWords)
		return strings.TrimRightFunc(strings.TrimSuffix(cut, " in"), isBetweenWords), last
	}
	return name, ""
}

// cutBrackets takes what stands in brackets at the end of a name off it.
func cutBrackets(name string) (rest, inside string) {
	name = strings.TrimSpace(narrow(name))
	for _, pair := range []string{"()", "[]"} {
		if at := strings.LastIndex(name, pair[:1]); at > 0 && strings.HasSuffix(name, pair[1:]) {
			return name[:at], strings.TrimSpace(name[at+1 : len(name)-1])
		}
	}
	return name, ""
}

func isBetweenWords(c rune) bool { return strings.ContainsRune(" _-/:.,", c) }

// currencyCodes are the codes of currencies that count as a unit in a name.
var currencyCodes = []string{"KRW", "USD", "EUR", "JPY", "GBP", "CNY", "CHF", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "SEK", "NOK", "DKK", "PLN", "CZK", "INR", "VND", "THB"}

// unitCurrencies are the currencies for which a unit stands; nil where it is none of a currency.
func unitCurrencies(unit string) []string {
	for _, word := range strings.FieldsFunc(unit, isBetweenWords) {
		if slices.Contains(currencyCodes, word) {
			return []string{word}
		}
		for _, m := range marks {
			if m.sign == word {
				return m.currencies
			}
		}
	}
	return nil
}

// Meant returns which of some names a person probably meant with another one: it is the same but for spaces, case and signs or
// one letter, stands for the same column of billing data, or one is a part of the other. "" where none is near.
func (t *NameTable) Meant(name string, names []string) string {
	want := key(name)
	column, _ := t.rank(name)
	for _, near := range []func(other string) bool{
		func(other string) bool { return key(other) == want },
		func(other string) bool {
			a := []rune(key(other))
			return min(len(a), len([]rune(want))) > 2 && wording.Differing(string(a), want) == 1
		},
		func(other string) bool { same, _ := t.rank(other); return column != "" && same == column },
		func(other string) bool {
			a := key(other)
			return min(len(a), len(want)) > 2 && (strings.HasPrefix(a, want) || strings.HasPrefix(want, a))
		},
		func(other string) bool {
			a := key(other)
			return min(len(a), len(want)) > 5 && (strings.Contains(a, want) || strings.Contains(want, a))
		},
	} {
		if at := slices.IndexFunc(names, near); at >= 0 {
			return names[at]
		}
	}
	return ""
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
			if key(name) == want || key(withoutUnit(name)) == want {
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
