package rendering

import (
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// locale formats months and dates for readers of a language.
type locale struct {
	tag        string
	month      func(key.Month) string
	shortMonth func(key.Month) string
	date       func(time.Time) string
	shortDate  func(time.Time) string
}

// fallback is the language for bills in a language without templates.
const fallback = "en"

// Languages lists the languages that bills can be rendered in. Templates have a directory for each.
var Languages = []string{"en", "ko"}

var locales = map[string]locale{
	"en": {
		tag:        "en",
		month:      func(m key.Month) string { return fmt.Sprintf("%s %d", m.Month(), m.Year()) },
		shortMonth: func(m key.Month) string { return m.Month().String()[:3] },
		date:       func(d time.Time) string { return d.Format("January 2, 2006") },
		shortDate:  func(d time.Time) string { return d.Format("Jan 2") },
	},
	"ko": {
		tag:        "ko",
		month:      func(m key.Month) string { return fmt.Sprintf("%d년 %d월", m.Year(), int(m.Month())) },
		shortMonth: func(m key.Month) string { return fmt.Sprintf("%d월", int(m.Month())) },
		date:       func(d time.Time) string { return d.Format("2006년 1월 2일") },
		shortDate:  func(d time.Time) string { return d.Format("1/2") },
	},
}

// shortDue writes a due date short if it can be no other year's: within eleven months of the start of the billing month.
func (l locale) shortDue(due time.Time, month key.Month) string {
	start := month.Start(time.UTC)
	if due.Before(start) || !due.Before(start.AddDate(0, 11, 0)) {
		return l.date(due)
	}
	return l.shortDate(due)
}

// languageOf returns the language in which a bill with a language tag is rendered, by the tag's primary subtag.
func languageOf(tag string) string {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if _, known := locales[primary]; known {
		return primary
	}
	return fallback
}
