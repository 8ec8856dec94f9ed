package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Answers are what a person said beside the file: settings and constants (decimal, dates, calling_code, one_bill, or a
// column of billing data), and which column of the file makes which of billing data.
type Answers struct {
	Set     map[string]string
	Columns map[string]string
}

// Apply changes a mapping as the answers say.
func (m *Mapping) Apply(a Answers) {
	for _, to := range sortedKeys(a.Columns) {
		m.drop(to)
		m.Columns = append(m.Columns, Column{From: Names{a.Columns[to]}, To: to})
	}
	for _, name := range sortedKeys(a.Set) {
		value := a.Set[name]
		switch name {
		case "decimal":
			m.Decimal = value
		case "dates":
			m.Dates = value
		case "calling_code":
			m.CallingCode = value
		case "one_bill":
			m.OneBill = value
		default:
			m.drop(name)
			if m.Constants == nil {
				m.Constants = map[string]string{}
			}
			m.Constants[name] = value
		}
	}
}

// drop removes what makes a column.
func (m *Mapping) drop(to string) {
	m.Columns = slices.DeleteFunc(m.Columns, func(c Column) bool { return c.To == to })
	delete(m.Constants, to)
}

// Question is what only a person can know.
type Question struct {
	About  string   `json:"about"`  // "dates", "currency", a column
	Reason string   `json:"reason"` // why it is asked
	Answer []string `json:"answer"` // flags that answer it
}

// Proposal is a mapping made from the beginning of a file.
type Proposal struct {
	Mapping   Mapping
	Why       map[string]string // by column of billing data: what it was taken for, and by what
	LeftOut   []string          // columns of the file that nothing takes, with the reason
	Questions []Question
	Notes     []string
}

// Bounds of what a proposal takes.
const (
	maxFields    = 40
	enoughValues = 80 // per cent of the values that must look right
)

// proposing makes a proposal.
type proposing struct {
	Proposal
	header   Header
	rows     []Row
	table    *NameTable
	answers  Answers
	required []string
	used     map[int]bool // columns of the file
	samples  [][]string   // by column, the values that are not empty
	korean   bool
}

// Propose makes a mapping from the header and the first rows of a file.
func Propose(h Header, rows []Row, format Format, table *NameTable, required []string, answers Answers) Proposal {
	p := &proposing{header: h, rows: rows, table: table, answers: answers, required: required, used: map[int]bool{}}
	p.Why = map[string]string{}
	p.Mapping = Mapping{Version: Version, File: format, Constants: map[string]string{}}
	p.sample()
	p.skipTotals()
	p.asked()
	p.byJoins()
	p.byNames()
	p.byValues()
	p.parts()
	p.items()
	p.fields()
	p.notation()
	p.currency()
	p.phones()
	p.abroad()
	p.missing()
	p.Mapping.Apply(Answers{Set: answers.Set})
	for name := range answers.Set {
		p.Why[name] = "as you said"
	}
	if len(p.Mapping.Constants) == 0 {
		p.Mapping.Constants = nil
	}
	p.order()
	return p.Proposal
}

// sample collects the values of each column.
func (p *proposing) sample() {
	p.samples = make([][]string, len(p.header.Names))
	for _, row := range p.rows {
		for at := range p.samples {
			if value := string(trim([]byte(fieldOf(row, at)))); value != "" {
				p.samples[at] = append(p.samples[at], value)
			}
		}
	}
	for _, name := range p.header.Names {
		p.korean = p.korean || strings.ContainsFunc(name, func(c rune) bool { return '가' <= c && c <= '힣' })
	}
}

func fieldOf(row Row, at int) string {
	if at >= len(row.Fields) {
		return ""
	}
	return row.Fields[at]
}

// share is how many of a column's values fit, in per cent; 0 where it has none.
func (p *proposing) share(at int, fits func(value string) bool) int {
	n := 0
	for _, value := range p.samples[at] {
		if fits(value) {
			n++
		}
	}
	return n * 100 / max(len(p.samples[at]), 1)
}

// take lets a column of billing data come from columns of the file.
func (p *proposing) take(to, why string, places ...int) {
	column := Column{To: to}
	for _, at := range places {
		p.used[at] = true
		column.From = append(column.From, p.header.Names[at])
	}
	p.Mapping.Columns = append(p.Mapping.Columns, column)
	p.Why[to] = why
}

func (p *proposing) taken(to string) bool {
	_, set := p.answers.Set[to]
	return set || slices.ContainsFunc(p.Mapping.Columns, func(c Column) bool { return c.To == to })
}

// place is where the mapping makes a column of billing data; -1 where nothing does.
func (p *proposing) place(to string) int {
	return slices.IndexFunc(p.Mapping.Columns, func(c Column) bool { return c.To == to })
}

// from is the first column of the file that makes a column of billing data; -1 where none does.
func (p *proposing) from(to string) int {
	for _, c := range p.Mapping.Columns {
		if c.To == to && len(c.From) > 0 {
			return slices.Index(p.header.Names, c.From[0])
		}
	}
	return -1
}

// asked takes the columns that the answers name.
func (p *proposing) asked() {
	for _, to := range sortedKeys(p.answers.Columns) {
		name := p.answers.Columns[to]
		at := slices.Index(p.header.Names, name)
		if at < 0 {
			for i, h := range p.header.Names {
				if key(h) == key(name) {
					at = i
				}
			}
		}
		if at < 0 {
			p.Notes = append(p.Notes, fmt.Sprintf("the file has no column %q, which --column names for %s", name, to))
			continue
		}
		p.take(to, "as you said", at)
	}
}

func (p *proposing) byJoins() {
	for _, join := range p.table.joins {
		places := joined(p.header.Names, join)
		if places == nil || p.taken(join.column) || slices.ContainsFunc(places, func(at int) bool { return p.used[at] }) {
			continue
		}
		p.take(join.column, "by the names of the columns", places...)
		if between := join.between; between != " " {
			p.Mapping.Columns[len(p.Mapping.Columns)-1].Join = &between
		}
	}
}

// byNames takes columns by their names, of several for one the first in the table whose values look right.
func (p *proposing) byNames() {
	type found struct{ at, rank int }
	best := map[string]found{}
	for at := range p.header.Names {
		if p.used[at] {
			continue
		}
		column, rank := p.table.find(p.header, at)
		if before, there := best[column]; column == "" || there && before.rank <= rank || !p.plausible(column, at) {
			continue
		}
		best[column] = found{at, rank}
	}
	for _, column := range sortedKeys(best) {
		if !p.taken(column) {
			p.take(column, "by its name", best[column].at)
		}
	}
}

// plausible reports whether the values of a column can be what its name says.
func (p *proposing) plausible(column string, at int) bool {
	if len(p.samples[at]) == 0 {
		return true
	}
	var fits func(string) bool
	switch column {
	case "amount", "billed_before":
		fits = isAmount
	case "due_date":
		fits = func(v string) bool { return len(dateFormsOf([]string{v})) > 0 }
	case "email":
		fits = func(v string) bool { return strings.Contains(v, "@") }
	case "phone":
		fits = func(v string) bool { return strings.ContainsAny(narrow(v), "0123456789") && !strings.Contains(v, "@") }
	default:
		return true
	}
	return p.share(at, fits) >= enoughValues/2
}

func isAmount(v string) bool {
	_, _, point := number([]byte(v), false)
	_, _, comma := number([]byte(v), true)
	return point == "" || comma == ""
}

// byValues takes columns for addresses by what stands in them.
func (p *proposing) byValues() {
	for _, c := range []struct {
		column string
		fits   func(string) bool
	}{
		{"email", func(v string) bool { return isEmail(email([]byte(v))) }},
		{"phone", isMobile},
	} {
		for at := range p.header.Names {
			if !p.used[at] && !p.taken(c.column) && len(p.samples[at]) > 0 && p.share(at, c.fits) >= enoughValues {
				p.take(c.column, "by its values", at)
			}
		}
	}
}

// parts takes what stands in parts elsewhere: the calling code of phone numbers in a column of its own, and the name beside
// the address in one field.
func (p *proposing) parts() {
	for at, name := range p.header.Names {
		if i := p.place("phone"); i >= 0 && !p.used[at] && (p.table.codes[key(name)] || p.table.codes[key(withoutUnit(name))]) &&
			p.share(at, func(v string) bool { return codeOf(v) != "" }) >= enoughValues {
			p.used[at] = true
			p.Mapping.Columns[i].CallingCodeFrom = name
			break
		}
	}
	p.credits()
	at := p.from("email")
	if at < 0 || p.taken("name") || len(p.samples[at]) == 0 || p.share(at, func(v string) bool { return strings.Index(v, "<") > 0 && isEmail(email([]byte(v))) }) < 100 {
		return
	}
	p.take("name", "what stands before the address", at)
	name := &p.Mapping.Columns[len(p.Mapping.Columns)-1]
	name.Split, name.Part = "<", 1
}

// creditFor is the word for credit beside one for debit.
var creditFor = map[string]string{"s": "H", "soll": "Haben", "d": "C", "dr": "Cr", "debit": "Credit", "차변": "대변"}

// credits finds the column that says which amounts are given back: all its values are words for debit or credit.
func (p *proposing) credits() {
	amount, words := p.place("amount"), p.table.values["debit_credit"]
	for at, name := range p.header.Names {
		if amount < 0 || !p.table.signs[key(name)] || len(p.samples[at]) == 0 || p.share(at, func(v string) bool { return words[key(v)] != "" }) < 100 {
			continue
		}
		var credits []string
		for _, v := range p.samples[at] {
			if words[key(v)] == "debit" { // its credits may come later in the file
				other := creditFor[key(v)]
				if v = other; v == "" {
					continue
				}
				if debit := p.samples[at][0]; debit == strings.ToUpper(debit) {
					v = strings.ToUpper(v)
				}
			}
			if !slices.Contains(credits, v) {
				credits = append(credits, v)
			}
		}
		if len(credits) > 0 {
			p.Mapping.Columns[amount].MinusWhere = map[string][]string{name: credits}
			p.Notes = append(p.Notes, fmt.Sprintf("rows with %s in %q are credits: their amounts become negative (minus_where in the mapping)", strings.Join(credits, " or "), name))
		}
		return
	}
}

// isMobile reports whether a value is a Korean mobile number, or one with its calling code.
func isMobile(v string) bool {
	digits := strings.NewReplacer("-", "", " ", "", "(", "", ")", "", ".", "").Replace(narrow(v))
	return len(digits) == 11 && strings.HasPrefix(digits, "010") || len(digits) >= 10 && digits[0] == '+'
}

// FieldName makes of a column's name the name that templates use.
func FieldName(name string) string {
	if ours, found := strings.CutPrefix(strings.ToLower(name), FieldPrefix); found && IsFieldName(ours) {
		return ours
	}
	name, _ = cutBrackets(name)
	name = strings.ToLower(name)
	var out strings.Builder
	for _, word := range strings.FieldsFunc(name, func(c rune) bool { return !fieldName.MatchString("a" + string(c)) }) {
		if out.Len() > 0 {
			out.WriteByte('_')
		}
		out.WriteString(word)
	}
	made := out.String()
	if made != "" && made[0] >= '0' && made[0] <= '9' {
		made = "_" + made
	}
	return made
}

// order puts the columns into the order of the file's columns.
func (p *proposing) order() {
	slices.SortStableFunc(p.Mapping.Columns, func(a, b Column) int {
		place := func(c Column) int {
			if strings.HasPrefix(c.To, FieldPrefix) {
				return 1000 + slices.Index(p.header.Names, c.From[0])
			}
			if at := slices.Index(p.header.Names, c.From[0]); at >= 0 {
				return at
			}
			return 999
		}
		return place(a) - place(b)
	})
}
