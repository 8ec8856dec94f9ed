package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// currency finds the currency where the file has no column for it: by the signs beside the amounts, or the columns' names.
func (p *proposing) currency() {
	if p.taken("currency") {
		return
	}
	var found []string
	signs := map[string]int{}
	for _, value := range p.amounts() {
		for _, comma := range []bool{false, true} {
			if _, currencies, wrong := number([]byte(value), comma); wrong == "" && currencies != nil {
				found = currencies
				signs[strings.Join(currencies, " ")]++
				break
			}
		}
	}
	if found = p.likely(found); len(signs) == 1 && len(found) == 1 {
		p.constant("currency", found[0], "by the sign beside the amounts")
		return
	}
	beside := "the sign beside the amounts"
	if len(signs) == 0 {
		found, beside = p.likely(p.units()), "the unit in the column's name"
	}
	switch {
	case len(signs) == 0 && len(found) == 1:
		p.constant("currency", found[0], "by the unit in the column's name")
		return
	case len(signs) == 0 && found == nil && p.korean:
		p.constant("currency", "KRW", "the columns have Korean names")
		return
	}
	p.constant("currency", Unknown, "")
	if len(signs) < 2 && len(found) > 0 {
		answers := make([]string, len(found))
		for i, code := range found {
			answers[i] = "--set currency=" + code
		}
		p.ask("currency", beside+" stands for several", answers[:min(len(answers), 3)]...)
		return
	}
	p.ask("currency", "no column has it", "--set currency=CODE", "--column currency=NAME")
}

// likely are the currencies of a sign that are likely in the file: what Korean programs write as a backslash is the won.
func (p *proposing) likely(currencies []string) []string {
	if slices.Contains(currencies, "KRW") && (p.korean || p.Mapping.File.Encoding == "euc-kr") {
		return []string{"KRW"}
	}
	return currencies
}

// units are the currencies that the name of a column with amounts says; nil where none does.
func (p *proposing) units() []string {
	var names []string
	for _, c := range p.Mapping.Columns {
		if kinds[c.To] == asNumber {
			names = append(names, c.From...)
		}
	}
	for _, item := range p.Mapping.Items {
		names = append(names, item.Amount)
	}
	for _, name := range names {
		_, unit := cutUnit(name)
		if found := unitCurrencies(unit); found != nil {
			return found
		}
		if strings.HasSuffix(unit, "천원") || strings.HasSuffix(unit, "백만원") {
			p.Notes = append(p.Notes, fmt.Sprintf("%q is in %s, and a mapping does not multiply: export the file with whole amounts", name, unit))
		}
	}
	return nil
}

// abroad asks for language and time zone where bills are not in won: without them a bill is in Korean, and its quiet hours and
// send day are those of Korea.
func (p *proposing) abroad() {
	if !p.foreign() {
		return
	}
	if !p.taken("language") {
		p.constant("language", Unknown, "")
		p.ask("language", "no column has it, and a bill without one is in Korean", "--set language=en", "--set language=ko")
	}
	if !p.taken("zone") {
		p.constant("zone", Unknown, "")
		p.ask("zone", "no column has it, and quiet hours and send days without one are those of Korea", "--set zone=Europe/London", "--set zone=Asia/Seoul")
	}
}

// foreign reports whether bills are in another currency than won.
func (p *proposing) foreign() bool {
	code, constant := p.Mapping.Constants["currency"]
	if answer, said := p.answers.Set["currency"]; said {
		code, constant = answer, true
	}
	if at := p.from("currency"); !constant && at >= 0 {
		return p.share(at, func(v string) bool { return strings.EqualFold(v, "KRW") || p.table.values["currency"][key(v)] == "KRW" }) < 100
	}
	return constant && !strings.EqualFold(code, "KRW")
}

func (p *proposing) constant(name, value, why string) {
	p.Mapping.Constants[name] = value
	if why != "" {
		p.Why[name] = why
	}
}
