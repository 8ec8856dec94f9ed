package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// skipTotals finds rows of totals.
func (p *proposing) skipTotals() {
	for _, row := range p.rows {
		for at, field := range row.Fields[:min(len(row.Fields), 3)] {
			word := string(trim([]byte(field)))
			if !p.table.totals[key(word)] || at >= len(p.header.Names) || p.share(at, func(v string) bool { return v == word }) > 50 {
				continue
			}
			name := p.header.Names[at]
			if p.Mapping.SkipRows == nil {
				p.Mapping.SkipRows = map[string][]string{}
			}
			if !slices.Contains(p.Mapping.SkipRows[name], word) {
				p.Mapping.SkipRows[name] = append(p.Mapping.SkipRows[name], word)
				p.Notes = append(p.Notes, fmt.Sprintf("line %d is a row of totals (%s): rows with this word in %q are left out", row.Line, word, name))
			}
		}
	}
	p.rows = slices.DeleteFunc(slices.Clone(p.rows), func(row Row) bool {
		return slices.ContainsFunc(sortedKeys(p.Mapping.SkipRows), func(name string) bool {
			return slices.Contains(p.Mapping.SkipRows[name], string(trim([]byte(fieldOf(row, slices.Index(p.header.Names, name))))))
		})
	})
	p.sample()
}

// fields keeps what is left for templates.
func (p *proposing) fields() {
	names := map[string]bool{}
	fields := 0
	for at, name := range p.header.Names {
		if p.used[at] {
			continue
		}
		field := FieldName(name)
		why := ""
		switch {
		case p.table.secret[key(withoutUnit(name))] || p.table.secret[key(name)]:
			why = "no bill should keep it"
		case len(p.samples[at]) == 0:
			why = "it is empty"
		case !IsFieldName(field) || names[field]:
			why = "templates cannot name it"
		case fields == maxFields:
			why = fmt.Sprintf("a bill keeps at most %d fields", maxFields)
		case slices.ContainsFunc(p.samples[at], func(v string) bool { return len(v) > maxText }):
			why = "its values are too long"
		case p.Mapping.OneBill == "customer" && p.differs(at):
			why = "it differs between the rows of one bill"
		}
		if why != "" {
			p.LeftOut = append(p.LeftOut, fmt.Sprintf("%s (%s)", name, why))
			p.Mapping.Ignored = append(p.Mapping.Ignored, name)
			continue
		}
		p.askAboutContact(at)
		names[field] = true
		fields++
		p.take(FieldPrefix+field, "kept for templates", at)
	}
}

// askAboutContact asks whether a column that only templates would have is how customers are reached.
func (p *proposing) askAboutContact(at int) {
	for _, c := range []struct {
		column, what string
		fits         func(string) bool
	}{{"phone", "telephone numbers", isPhone}, {"email", "e-mail addresses", isEmail}} {
		asked := slices.ContainsFunc(p.Questions, func(q Question) bool { return q.About == c.column })
		if !p.taken(c.column) && !asked && p.share(at, c.fits) >= enoughValues/2 {
			p.ask(c.column, fmt.Sprintf("values of %q look like %s, and no column has a name that says so; without an answer nobody is reached by them", p.header.Names[at], c.what),
				fmt.Sprintf("--column %s=%q", c.column, p.header.Names[at]), fmt.Sprintf("--set %s=", c.column))
		}
	}
}

// isPhone reports whether a value is written like a telephone number of any country: with a plus, brackets or several parts,
// or as digits that begin with 0.
func isPhone(v string) bool {
	digits := strings.NewReplacer("-", "", " ", "", "(", "", ")", "", ".", "", "/", "", "+", "").Replace(narrow(v))
	if len(digits) < 8 || len(digits) > 15 || !digitsOnly(digits) || len(dateFormsOf([]string{v})) > 0 {
		return false
	}
	return strings.ContainsAny(v, "+(") || digits[0] == '0' && len(digits) >= 9 || strings.Count(v, "-")+strings.Count(v, " ")+strings.Count(v, ".") >= 2 && !isAmount(v)
}
