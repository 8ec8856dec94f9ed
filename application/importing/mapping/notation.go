package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// decimalOf finds out whether amounts have a point ("") or a comma before their decimal digits, and by what that is known. A
// question where both can be.
func decimalOf(amounts []string) (form, why string, question *Question) {
	points, commas := 0, 0 // values that can only be read with a decimal point, or comma
	both := ""             // a value that says different things with each
	for _, value := range amounts {
		withPoint, _, notPoint := number([]byte(value), false)
		withComma, _, notComma := number([]byte(value), true)
		switch {
		case notPoint == "" && notComma != "":
			points++
		case notComma == "" && notPoint != "":
			commas++
		case notPoint == "" && withPoint != withComma:
			both = value
		}
	}
	switch {
	case commas > points:
		return "comma", fmt.Sprintf("%d amounts can be read only so", commas), nil
	case points > 0 || both == "":
		return "", "", nil
	case strings.Contains(both, ","): // 12,300: a comma before three digits separates thousands where nothing says otherwise
		return "", "commas stand only before three digits: they separate thousands", nil
	default:
		return Unknown, "", &Question{
			About: "decimal", Reason: fmt.Sprintf("%s can be %s or %s", both, readAs(both, false), readAs(both, true)),
			Answer: []string{"--set decimal=point", "--set decimal=comma"},
		}
	}
}

func readAs(value string, comma bool) string {
	made, _, _ := number([]byte(value), comma)
	return made
}

// dateFormsOf are the forms in which all of some dates can be read.
func dateFormsOf(values []string) (forms []string) {
	for _, form := range dateForms {
		good := len(values) > 0
		for _, value := range values {
			if day, wrong := date([]byte(value), form); wrong != "" || day < "2000" || day > "22" {
				good = false
				break
			}
		}
		if good {
			forms = append(forms, form)
		}
	}
	return forms
}

// datesOf finds out in which order the dates of a column are written ("": ymd), and by what that is known. A question where
// several orders read all of them, and differently.
func datesOf(dates []string, column string) (form, why string, question *Question) {
	values := slices.DeleteFunc(slices.Clone(dates), func(v string) bool { return len(dateFormsOf([]string{v})) == 0 })
	forms := dateFormsOf(values)
	if len(forms) == 0 {
		return Unknown, "", &Question{
			About: "dates", Reason: "the dates in " + column + " are not all in one order; most can be read",
			Answer: []string{"--set dates=ymd", "--set dates=dmy", "--set dates=mdy"},
		}
	}
	example := ""
	for _, form := range forms[1:] {
		for _, value := range values {
			first, _ := date([]byte(value), forms[0])
			if other, _ := date([]byte(value), form); other != first && example == "" {
				example = value
			}
		}
	}
	switch {
	case example == "" && forms[0] == "ymd":
		return "", "", nil
	case example == "":
		return forms[0], fmt.Sprintf("all %d sample dates can be read only so", len(values)), nil
	}
	var answers, read []string
	for _, form := range forms {
		answers = append(answers, "--set dates="+form)
		day, _ := date([]byte(example), form)
		read = append(read, day)
	}
	return Unknown, "", &Question{About: "dates", Reason: fmt.Sprintf("%s can be %s", example, strings.Join(read, " or ")), Answer: answers}
}

// notationOf are the settings that say how the values of columns are written, each with the columns that it is for.
var notationOf = map[string][]string{"dates": {"due_date"}, "decimal": {"amount", "billed_before"}}

// LeavesNotationOpen reports whether answers take a column from elsewhere and do not say how its values are written.
func (a Answers) LeavesNotationOpen() bool {
	for setting, columns := range notationOf {
		for _, column := range columns {
			if a.Columns[column] != "" && a.Set[setting] == "" {
				return true
			}
		}
	}
	return false
}

// Settle finds out how the values of the columns that answers name are written, where the answers do not say: the mapping was
// made for other columns. values are those of a column of billing data. An order of dates or a decimal comma that the mapping
// names and with which all can be read stays. What cannot be told becomes Unknown, and is asked.
func (m *Mapping) Settle(a Answers, values func(column string) []string) (open []Question) {
	for _, column := range notationOf["dates"] {
		dates := values(column)
		stays := m.Dates != "" && m.Dates != "ymd" && slices.Contains(dateFormsOf(dates), m.Dates)
		if a.Columns[column] != "" && a.Set["dates"] == "" && len(dates) > 0 && !stays {
			form, _, question := datesOf(dates, a.Columns[column])
			m.Dates, open = form, withQuestion(open, question)
		}
	}
	for _, column := range notationOf["decimal"] {
		amounts := values(column)
		stays := m.Decimal == "comma" && !slices.ContainsFunc(amounts, func(v string) bool { _, _, wrong := number([]byte(v), true); return wrong != "" })
		if a.Columns[column] != "" && a.Set["decimal"] == "" && len(amounts) > 0 && !stays {
			form, _, question := decimalOf(amounts)
			m.Decimal, open = form, withQuestion(open, question)
		}
	}
	return open
}

func withQuestion(list []Question, more *Question) []Question {
	if more == nil {
		return list
	}
	return append(list, *more)
}
