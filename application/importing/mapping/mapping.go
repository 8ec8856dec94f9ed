// Package mapping turns the rows of a file as people have it, an export of a spreadsheet or a billing system, into rows of
// canonical billing data (docs/contract/billing-csv.md). A Mapping says which columns become which and how values are
// written; Propose makes one from the beginning of a file; a Translator applies it.
package mapping

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Version is the version of the mapping's form.
const Version = 1

// Unknown stands where a person has to decide: a mapping that has it is not used.
const Unknown = "?"

// FieldPrefix begins the names of the columns that a bill keeps for templates: fields.kwh is {{.Fields.kwh}} there.
const FieldPrefix = "fields."

// Bounds of a mapping.
const (
	maxColumns = 200
	maxText    = 400 // bytes of a name or a value
	maxValues  = 1000
	maxFrom    = 50 // columns of the file that make one: each row's values are joined
)

// Mapping says how the columns of a file become the columns of billing data.
type Mapping struct {
	Version     int                 `json:"version" yaml:"version"`
	File        Format              `json:"file" yaml:"file"`
	Decimal     string              `json:"decimal,omitempty" yaml:"decimal"`           // point or comma; "": point
	Dates       string              `json:"dates,omitempty" yaml:"dates"`               // ymd, dmy, mdy or excel; "": ymd
	CallingCode string              `json:"calling_code,omitempty" yaml:"calling_code"` // of phone numbers without one: 82; "": they stay as they are
	OneBill     string              `json:"one_bill,omitempty" yaml:"one_bill"`         // row or customer; "": row
	Columns     []Column            `json:"columns" yaml:"columns"`
	Items       []Item              `json:"items,omitempty" yaml:"items"`
	Constants   map[string]string   `json:"constants,omitempty" yaml:"constants"`
	SkipRows    map[string][]string `json:"skip_rows,omitempty" yaml:"skip_rows"` // by column of the file: rows with one of these values are no bills
	Ignored     []string            `json:"-" yaml:"ignored"`                     // for people: what is left out on purpose
}

// Format is how a file is written.
type Format struct {
	Encoding   string `json:"encoding,omitempty" yaml:"encoding"`       // "": UTF-8, or what a byte order mark says
	Separator  string `json:"separator,omitempty" yaml:"separator"`     // comma, semicolon, tab or bar; "": comma
	HeaderRows int    `json:"header_rows,omitempty" yaml:"header_rows"` // 1 or 2; 0: 1
}

// Names are one or more columns of the file. In a file of mappings one name may stand alone.
type Names []string

// UnmarshalYAML reads one name, or a list of names.
func (n *Names) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*n = Names{one}
		return nil
	}
	return unmarshal((*[]string)(n))
}

// Column makes a column of billing data from one or more columns of the file.
type Column struct {
	From    Names             `json:"from" yaml:"from"`
	To      string            `json:"to" yaml:"to"`
	Join    *string           `json:"join,omitempty" yaml:"join"`       // between the columns of From; nil: a space
	Split   string            `json:"split,omitempty" yaml:"split"`     // cut the value here, and take …
	Part    int               `json:"part,omitempty" yaml:"part"`       // … this part of it: 1 is the first, -1 the last
	Values  map[string]string `json:"values,omitempty" yaml:"values"`   // what stands for what
	Default string            `json:"default,omitempty" yaml:"default"` // where the value is empty
	Digits  int               `json:"digits,omitempty" yaml:"digits"`   // zeros in front of a number up to so many digits, which a spreadsheet took away
	Dates   string            `json:"dates,omitempty" yaml:"dates"`     // as Mapping.Dates, for this column
	Decimal string            `json:"decimal,omitempty" yaml:"decimal"` // as Mapping.Decimal, for this column

	MinusWhere      map[string][]string `json:"minus_where,omitempty" yaml:"minus_where"`             // by column of the file: rows with one of these values have the amount with the other sign
	CallingCodeFrom string              `json:"calling_code_from,omitempty" yaml:"calling_code_from"` // the column with the calling code of each phone number
}

// Item makes a line of the bill from each row. Rows whose amount is empty have none.
type Item struct {
	Name   string `json:"name,omitempty" yaml:"name"`           // the column with its name
	Text   string `json:"text,omitempty" yaml:"text"`           // the name itself
	Amount string `json:"amount" yaml:"amount"`                 // the column with its amount
	Times  string `json:"times,omitempty" yaml:"times"`         // the column with a quantity: the amount is that of one
	Skip0  bool   `json:"skip_zero,omitempty" yaml:"skip_zero"` // leave out an item of nothing
}

// SumOfItems as the amount's source: the total is the sum of the items.
const SumOfItems = "sum of items"

// Fields are the names of the fields for templates that the mapping makes, in alphabetical order.
func (m Mapping) Fields() (names []string) {
	add := func(to string) {
		if name, isField := strings.CutPrefix(to, FieldPrefix); isField {
			names = append(names, name)
		}
	}
	for _, c := range m.Columns {
		add(c.To)
	}
	for name := range m.Constants {
		add(name)
	}
	slices.Sort(names)
	return names
}

// Problem is one thing that is wrong with a mapping. Path leads to it: "columns", 2, "to".
type Problem struct {
	Path   []any
	Reason string
}

// String writes "columns[2].to: …".
func (p Problem) String() string {
	var text strings.Builder
	for i, part := range p.Path {
		switch part := part.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", part+1)
		default:
			if i > 0 {
				text.WriteByte('.')
			}
			fmt.Fprint(&text, part)
		}
	}
	return text.String() + ": " + p.Reason
}

// Fingerprint is a hash of what bills a mapping makes of rows, whatever its comments and the order of its keys. How a file is
// written and which of its rows are no bills does not count: two exports of a month may differ in that.
func (m Mapping) Fingerprint() [sha256.Size]byte {
	m.Version, m.File, m.SkipRows, m.Ignored = 0, Format{}, nil, nil
	m.Decimal, m.Dates, m.OneBill = cmp.Or(m.Decimal, "point"), cmp.Or(m.Dates, "ymd"), cmp.Or(m.OneBill, "row")
	return sha256.Sum256(asJSON(m))
}

func asJSON(what any) []byte {
	said, err := json.Marshal(what) // map keys are sorted
	if err != nil {
		panic(err) // strings, numbers and lists
	}
	return said
}

// Differences names the keys in which two mappings with different fingerprints differ.
func (m Mapping) Differences(other Mapping) (keys []string) {
	differ := func(key string, a, b any) {
		if !bytes.Equal(asJSON(a), asJSON(b)) {
			keys = append(keys, key)
		}
	}
	differ("decimal", cmp.Or(m.Decimal, "point"), cmp.Or(other.Decimal, "point"))
	differ("dates", cmp.Or(m.Dates, "ymd"), cmp.Or(other.Dates, "ymd"))
	differ("calling_code", m.CallingCode, other.CallingCode)
	differ("one_bill", cmp.Or(m.OneBill, "row"), cmp.Or(other.OneBill, "row"))
	made := [2]map[string]any{{}, {}}
	for i, each := range []Mapping{m, other} {
		for name, value := range each.Constants {
			made[i][name] = value
		}
		for _, c := range each.Columns {
			made[i][c.To] = c
		}
	}
	for _, name := range slices.Compact(slices.Sorted(chained(maps.Keys(made[0]), maps.Keys(made[1])))) {
		differ(name, made[0][name], made[1][name])
	}
	differ("items", m.Items, other.Items)
	if len(keys) == 0 {
		keys = []string{"the order of columns"}
	}
	return keys
}

func chained(all ...iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, one := range all {
			for name := range one {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// separators are the names of separators.
var separators = map[string]byte{"": ',', "comma": ',', ",": ',', "semicolon": ';', ";": ';', "tab": '\t', "\t": '\t', "bar": '|', "|": '|'}

// SeparatorByte is the byte that separates the fields of the file; a comma where it is unknown.
func (f Format) SeparatorByte() byte {
	if c, known := separators[f.Separator]; known {
		return c
	}
	return ','
}

// fieldName is the form of the names of fields for templates, which {{.Fields.NAME}} can spell.
var fieldName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{Nd}_]*$`)

// MaxFieldName bounds the name of a field for templates, in bytes.
const MaxFieldName = 60

// IsFieldName reports whether a template can use a name behind .Fields.
func IsFieldName(name string) bool { return len(name) <= MaxFieldName && fieldName.MatchString(name) }

// Check returns everything that is wrong with a mapping to the given canonical columns.
func (m Mapping) Check(canonical, required []string) []Problem {
	c := checking{m: m, canonical: canonical, to: map[string]bool{}}
	c.format()
	c.columns()
	c.items()
	for _, name := range sortedKeys(m.Constants) {
		c.target(name, "constants", name)
		c.text(m.Constants[name], "constants", name)
		if m.Constants[name] == Unknown {
			c.wrong(unknownTarget(name), "constants", name)
		}
	}
	for _, name := range sortedKeys(m.SkipRows) {
		if len(m.SkipRows[name]) > maxValues {
			c.wrong("has too many values", "skip_rows", name)
		}
	}
	for _, name := range required {
		if !c.to[name] {
			c.wrong("nothing makes the column "+name+", which every bill needs", "columns")
		}
	}
	return c.problems
}

func unknownTarget(name string) string {
	return fmt.Sprintf("is not known: say the value here or with --set %s=…, or name a column of the file for it", name)
}

// checking collects what is wrong with a mapping.
type checking struct {
	m         Mapping
	canonical []string
	to        map[string]bool // columns that something makes
	problems  []Problem
}

func (c *checking) wrong(reason string, path ...any) {
	c.problems = append(c.problems, Problem{path, reason})
}

func (c *checking) oneOf(value string, values []string, path ...any) {
	switch {
	case value == Unknown:
		c.wrong(fmt.Sprintf("is not known: say %s (or --set %v=…)", either(values), path[len(path)-1]), path...)
	case value != "" && !slices.Contains(values, value):
		c.wrong(fmt.Sprintf("is %q and none of %s", value, either(values)), path...)
	}
}

func either(values []string) string {
	return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
}

// What the settings of a mapping may be.
var (
	decimals  = []string{"point", "comma"}
	dateForms = []string{"ymd", "dmy", "mdy", "excel"}
	billForms = []string{"row", "customer"}
)

func (c *checking) format() {
	if c.m.Version != Version {
		c.wrong(fmt.Sprintf("is %d: this program knows version %d", c.m.Version, Version), "version")
	}
	if _, known := separators[c.m.File.Separator]; !known {
		c.wrong("is none of comma, semicolon, tab and bar", "file", "separator")
	}
	if c.m.File.HeaderRows < 0 || c.m.File.HeaderRows > 2 {
		c.wrong("is neither 1 nor 2", "file", "header_rows")
	}
	c.oneOf(c.m.Decimal, decimals, "decimal")
	c.oneOf(c.m.Dates, dateForms, "dates")
	c.oneOf(c.m.OneBill, billForms, "one_bill")
	if code := c.m.CallingCode; len(code) > 3 || strings.Trim(code, "0123456789") != "" || strings.HasPrefix(code, "0") {
		c.wrong("is no calling code such as 82 or 1", "calling_code")
	}
}

func (c *checking) columns() {
	if len(c.m.Columns) > maxColumns || len(c.m.Items) > maxColumns {
		c.wrong(fmt.Sprintf("has more than %d entries", maxColumns), "columns")
		return
	}
	for i, column := range c.m.Columns {
		at := func(key string) []any { return []any{"columns", i, key} }
		switch {
		case len(column.From) == 0:
			c.wrong("is missing", at("from")...)
		case slices.Contains(column.From, Unknown):
			c.wrong(fmt.Sprintf("is not known: name the column of the file for %s (or --column %s=NAME)", column.To, column.To), at("from")...)
		case column.From[0] == SumOfItems && (column.To != "amount" || len(c.m.Items) == 0):
			c.wrong("is for amount, and needs items", at("from")...)
		}
		if len(column.From) > maxFrom {
			c.wrong(fmt.Sprintf("names more than %d columns", maxFrom), at("from")...)
		}
		for _, name := range column.From {
			c.text(name, at("from")...)
		}
		if column.Join != nil {
			c.text(*column.Join, at("join")...)
		}
		c.text(column.Split, at("split")...)
		c.text(column.Default, at("default")...)
		c.target(column.To, at("to")...)
		if (column.Split == "") != (column.Part == 0) {
			c.wrong("split and part belong together", at("split")...)
		}
		if column.Digits < 0 || column.Digits > 64 {
			c.wrong("is not from 1 to 64", at("digits")...)
		}
		if len(column.Values) > maxValues {
			c.wrong(fmt.Sprintf("has more than %d entries", maxValues), at("values")...)
		}
		for _, value := range sortedKeys(column.Values) {
			c.text(column.Values[value], append(at("values"), value)...)
		}
		if c.text(column.CallingCodeFrom, at("calling_code_from")...); column.CallingCodeFrom != "" && column.To != "phone" {
			c.wrong("is for phone", at("calling_code_from")...)
		}
		if len(column.MinusWhere) > 0 && (kinds[column.To] != asNumber || column.From[0] == SumOfItems) {
			c.wrong("is for amounts of a column", at("minus_where")...)
		}
		c.oneOf(column.Dates, dateForms, at("dates")...)
		c.oneOf(column.Decimal, decimals, at("decimal")...)
	}
}

func (c *checking) items() {
	for i, item := range c.m.Items {
		at := []any{"items", i}
		switch {
		case (item.Name == "") == (item.Text == ""):
			c.wrong("needs either name (a column of the file) or text (the name itself)", at...)
		case item.Amount == "":
			c.wrong("amount is missing: the column of the file", at...)
		}
		c.text(item.Text, append(at, "text")...)
	}
	if len(c.m.Items) > 0 && c.to["items"] {
		c.wrong("a column makes items already", "items")
	}
}

func (c *checking) text(text string, path ...any) {
	if len(text) > maxText {
		c.wrong(fmt.Sprintf("has more than %d bytes", maxText), path...)
	}
}

// target checks a column that is made.
func (c *checking) target(name string, path ...any) {
	field, isField := strings.CutPrefix(name, FieldPrefix)
	switch {
	case isField && field != strings.ToLower(field):
		c.wrong(fmt.Sprintf("%q has capital letters: fields for templates are in lower case", field), path...)
	case isField && !IsFieldName(field):
		c.wrong(fmt.Sprintf("%q is no name for templates: letters, digits and _ with a letter in front, at most %d bytes", field, MaxFieldName), path...)
	case !isField && !slices.Contains(c.canonical, name):
		c.wrong(fmt.Sprintf("%q is no column of billing data (there are %s, and %sNAME for templates)", name, strings.Join(c.canonical, ", "), FieldPrefix), path...)
	case c.to[name]:
		c.wrong(name+" is made twice", path...)
	}
	c.to[name] = true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
