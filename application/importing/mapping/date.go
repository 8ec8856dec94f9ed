package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// months are the beginnings of the names of months.
var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// date reads a date in the order of a form (ymd, dmy, mdy; excel: the number of a day) and writes it as 2026-11-25. A year
// of four digits in front, and a month by its name, need no order. A time behind the date is left out. reason says what is
// wrong, and never holds the value.
func date(text []byte, form string) (day, reason string) {
	if len(text) == 10 && text[4] == '-' && text[7] == '-' && isDecimal(text[:4]) {
		return string(text), ""
	}
	said := strings.TrimSpace(narrow(string(text)))
	if form == "excel" {
		return excelDate(said)
	}
	said, reason = withoutTime(said)
	if reason != "" {
		return "", reason
	}
	parts := dateParts(said)
	if len(parts) == 1 && digitsOnly(parts[0]) {
		parts = cutDigits(parts[0], form)
	}
	if len(parts) != 3 {
		return "", "is no date such as 2026-11-25"
	}
	order := form
	for at, part := range parts {
		if month := monthOf(part); month != "" {
			parts[at] = month
			order = [...]string{"mdy", "dmy", ""}[at]
			if at == 1 && len(parts[0]) == 4 {
				order = "ymd"
			}
		}
	}
	if len(parts[0]) == 4 {
		order = "ymd"
	}
	var year, month, number string
	switch order {
	case "dmy":
		number, month, year = parts[0], parts[1], parts[2]
	case "mdy":
		month, number, year = parts[0], parts[1], parts[2]
	case "ymd", "":
		year, month, number = parts[0], parts[1], parts[2]
	}
	if len(year) == 2 {
		year = "20" + year
	}
	if !digitsOnly(year) || !digitsOnly(month) || !digitsOnly(number) || len(year) != 4 || len(month) > 2 || len(number) > 2 {
		return "", "is no date in the order " + orderName(order)
	}
	day = year + "-" + twoDigits(month) + "-" + twoDigits(number)
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return "", "is no date in the order " + orderName(order)
	}
	return day, ""
}

func orderName(form string) string {
	switch form {
	case "dmy":
		return "day, month, year"
	case "mdy":
		return "month, day, year"
	default:
		return "year, month, day"
	}
}

func twoDigits(text string) string {
	if len(text) == 1 {
		return "0" + text
	}
	return text
}

// dateParts cuts a date at everything that is neither a letter nor a digit, and at the Korean year, month and day.
func dateParts(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// cutDigits cuts a date that is digits alone: 20261125, 25112026, 261125.
func cutDigits(text, form string) []string {
	switch {
	case len(text) == 8 && (form == "dmy" || form == "mdy"):
		return []string{text[:2], text[2:4], text[4:]}
	case len(text) == 8:
		return []string{text[:4], text[4:6], text[6:]}
	case len(text) == 6:
		return []string{text[:2], text[2:4], text[4:]}
	default:
		return nil
	}
}

func monthOf(text string) string {
	if len(text) < 3 || text[0] < 'A' {
		return ""
	}
	for i, name := range months {
		if strings.EqualFold(text[:3], name) {
			return strconv.Itoa(i + 1)
		}
	}
	return ""
}

// withoutTime leaves out a time behind a date. One that names its distance from UTC could move the date, unless it is
// midnight.
func withoutTime(text string) (day, reason string) {
	at := strings.IndexAny(text, ":")
	if at < 0 {
		if rest, found := strings.CutSuffix(text, "T"); found {
			return rest, ""
		}
		return text, ""
	}
	begin := strings.LastIndexAny(text[:at], " T")
	if begin < 1 {
		return "", "is a time without a date"
	}
	day, clock := strings.TrimSpace(text[:begin]), text[begin+1:]
	for _, half := range []string{"오전", "오후"} {
		day = strings.TrimSpace(strings.TrimSuffix(day, half))
	}
	if offset := strings.LastIndexAny(clock, "Z+-"); offset >= 0 && strings.Trim(clock[:offset], "0:.") != "" {
		return "", "has a time with its distance from UTC, which could move the date"
	}
	return day, ""
}

// excelDate reads the number that a spreadsheet has for a day: 46351 is 2026-11-25.
func excelDate(text string) (day, reason string) {
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(whole)
	if err != nil || n < 36526 || n > 109574 { // 2000 to 2199
		return "", "is no number of a day such as 46351, as a spreadsheet counts"
	}
	at := time.Date(1899, time.December, 30+n, 0, 0, 0, 0, time.UTC)
	return fmt.Sprintf("%04d-%02d-%02d", at.Year(), at.Month(), at.Day()), ""
}
