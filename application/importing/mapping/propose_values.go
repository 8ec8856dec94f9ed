package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// notation finds out how numbers, dates, phone numbers and words are written.
func (p *proposing) notation() {
	p.decimal()
	p.dates()
	for i := range p.Mapping.Columns {
		p.words(&p.Mapping.Columns[i])
	}
	p.customers()
}

// amounts are the sample values of all columns with amounts.
func (p *proposing) amounts() (values []string) {
	for at, name := range p.header.Names {
		isAmount := slices.ContainsFunc(p.Mapping.Columns, func(c Column) bool { return kinds[c.To] == asNumber && slices.Contains(c.From, name) }) ||
			slices.ContainsFunc(p.Mapping.Items, func(i Item) bool { return i.Amount == name })
		if isAmount {
			values = append(values, p.samples[at]...)
		}
	}
	return values
}

// decimal finds out whether amounts have a point or a comma before their decimal digits.
func (p *proposing) decimal() {
	form, why, question := decimalOf(p.amounts())
	switch {
	case question == nil:
		p.Mapping.Decimal = form
		if why != "" {
			p.Why["decimal"] = why
		}
	case p.answers.Set["decimal"] == "":
		p.Mapping.Decimal = Unknown
		p.Questions = append(p.Questions, *question)
	}
}

func (p *proposing) ask(about, reason string, answers ...string) {
	p.Questions = append(p.Questions, Question{About: about, Reason: reason, Answer: answers})
}

// dates finds out in which order dates are written. Where several read all samples differently, a person has to say.
func (p *proposing) dates() {
	at := p.from("due_date")
	if at < 0 || p.answers.Set["dates"] != "" || len(p.samples[at]) == 0 {
		return
	}
	form, why, question := datesOf(p.samples[at], p.header.Names[at])
	if question != nil {
		p.Mapping.Dates = Unknown
		p.Questions = append(p.Questions, *question)
		return
	}
	if p.Mapping.Dates = form; why != "" {
		p.Why["dates"] = why
	}
}

// phones finds out whether numbers lack their calling code, and which it is.
func (p *proposing) phones() {
	at := p.from("phone")
	if at < 0 || p.answers.Set["calling_code"] != "" {
		return
	}
	domestic, korean, elsewhere := 0, 0, false
	for _, value := range p.samples[at] {
		coded := phone([]byte(value), "")
		elsewhere = elsewhere || strings.HasPrefix(coded, "+") && !strings.HasPrefix(coded, "+82")
		if strings.HasPrefix(coded, "+") || p.Mapping.Columns[p.place("phone")].CallingCodeFrom != "" {
			continue
		}
		domestic++
		if made := strings.ReplaceAll(phone([]byte(value), "82"), "-", ""); len(made) == 11 && strings.HasPrefix(made, "01") {
			korean++
		}
	}
	likely := "1 (or 49, …)"
	if korean*2 > domestic && !elsewhere {
		likely = "82"
	}
	switch {
	case domestic == 0:
	case p.korean || korean*2 > domestic && !p.foreign(): // numbers of other countries may look like those of Korea
		p.Mapping.CallingCode = "82"
		p.Why["calling_code"] = "Korean numbers without a calling code"
	default:
		p.Notes = append(p.Notes, fmt.Sprintf("%d of %d sample numbers in %q have no calling code, and cannot be used so: if all are of one country, --set calling_code=%s",
			domestic, len(p.samples[at]), p.header.Names[at], likely))
	}
}

// words finds what people write for the values of a column.
func (p *proposing) words(c *Column) {
	at := slices.Index(p.header.Names, c.From[0])
	if at < 0 {
		return
	}
	known := p.table.values[c.To]
	for _, value := range p.samples[at] {
		instead := known[key(value)]
		if kinds[c.To] == asNumber && isNothing(value) {
			instead = "0"
		}
		if instead == "" || instead == value {
			continue
		}
		if c.Values == nil {
			c.Values = map[string]string{}
		}
		c.Values[value] = instead
	}
}

// customers remarks on customer numbers that a spreadsheet has changed.
func (p *proposing) customers() {
	at := p.from("customer_number")
	if at < 0 {
		return
	}
	lengths := map[int]int{}
	exponents := 0
	for _, value := range p.samples[at] {
		if digitsOnly(value) {
			lengths[len(value)]++
		}
		if _, power, found := strings.Cut(value, "E+"); found && digitsOnly(power) {
			exponents++
		}
	}
	name := p.header.Names[at]
	if exponents > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d customer numbers in %q look like 1.9E+18: a spreadsheet has rounded them, and the digits are lost; export the file anew with this column as text", exponents, name))
	}
	longest, most := 0, 0
	for length, n := range lengths {
		longest = max(longest, length)
		most = max(most, n)
	}
	if len(lengths) > 1 && lengths[longest] == most && longest >= 6 {
		p.Notes = append(p.Notes, fmt.Sprintf("most customer numbers in %q have %d digits, some have fewer: if a spreadsheet took zeros away, write `digits: %d` at this column in the mapping", name, longest, longest))
	}
}

// missing asks for the columns that every bill needs and nothing makes.
func (p *proposing) missing() {
	for _, name := range p.required {
		if _, constant := p.Mapping.Constants[name]; constant || p.taken(name) {
			continue
		}
		candidates := p.candidates(name)
		answers := make([]string, 0, 4)
		for _, candidate := range candidates[:min(len(candidates), 3)] {
			answers = append(answers, fmt.Sprintf("--column %s=%q", name, candidate))
		}
		switch name {
		case "due_date":
			answers = append(answers, "--set due_date=2026-12-25")
			p.constant(name, Unknown, "")
		default:
			if len(answers) == 0 {
				answers = append(answers, "--column "+name+"=NAME")
			}
			p.Mapping.Columns = append(p.Mapping.Columns, Column{From: Names{Unknown}, To: name})
		}
		p.ask(name, "no column has a name that says it is this", answers...)
	}
}

// candidates are columns whose values could be those of a column of billing data.
func (p *proposing) candidates(name string) (names []string) {
	var parts []string
	for at, header := range p.header.Names {
		if len(p.samples[at]) == 0 {
			continue
		}
		fits, known := false, false
		switch name {
		case "due_date":
			fits = p.share(at, func(v string) bool { forms := dateFormsOf([]string{v}); return len(forms) > 0 && forms[0] != "excel" }) >= enoughValues
		case "amount":
			fits = p.share(at, isAmount) >= enoughValues
			known = p.table.items[key(withoutUnit(header))]
		case "customer_number":
			distinct := map[string]bool{}
			for _, v := range p.samples[at] {
				distinct[v] = true
			}
			forms := dateFormsOf(p.samples[at][:1])
			fits = len(distinct) == len(p.samples[at]) && len(p.samples[at]) == len(p.rows) && !strings.Contains(p.samples[at][0], "@") &&
				(len(forms) == 0 || digitsOnly(p.samples[at][0])) && !slices.ContainsFunc(p.Mapping.Columns, func(c Column) bool {
				return kinds[c.To] != asText && slices.Contains(c.From, header)
			}) && !slices.ContainsFunc(p.Mapping.Items, func(i Item) bool { return i.Amount == header })
		}
		if fits && known { // a part of the bill is its amount only where nothing else is
			parts = append(parts, header)
		} else if fits {
			names = append(names, header)
		}
	}
	names = append(names, parts...)
	if name == "customer_number" { // names of numbers first
		slices.SortStableFunc(names, func(a, b string) int { return isNumberName(b) - isNumberName(a) })
	}
	return names
}

// isNumberName is 1 for the name of a column that says it is the number of something.
func isNumberName(name string) int {
	for _, part := range []string{"번호", "코드", "number", "code", "konto", "nummer"} {
		if strings.Contains(key(name), part) {
			return 1
		}
	}
	if k := key(name); strings.HasSuffix(k, "id") || strings.HasSuffix(k, "no") {
		return 1
	}
	return 0
}
