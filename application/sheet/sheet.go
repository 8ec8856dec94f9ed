// Package sheet makes text safe for CSV files that people open in a spreadsheet. A spreadsheet takes a cell that begins
// like a formula for one, and runs it. Every CSV file that Balsong writes goes through Guard.
package sheet

import (
	"regexp"
	"strings"
)

// starts are the characters with which spreadsheets begin a formula, or skip on their way to one.
const starts = "=+-@\t\r\n"

// Guard puts an apostrophe before text that a spreadsheet would take for a formula, and before text that looks guarded
// already, so that Bare gets the original back. It returns other text as it is.
func Guard(text string) string {
	if dangerous(text) {
		return "'" + text
	}
	return text
}

// Bare removes the apostrophe that Guard put before text.
func Bare(text string) string {
	if rest, guarded := strings.CutPrefix(text, "'"); guarded && dangerous(rest) {
		return rest
	}
	return text
}

func dangerous(text string) bool {
	text = strings.TrimLeft(text, "'")
	return text != "" && strings.IndexByte(starts, text[0]) >= 0
}

// changed matches text that a spreadsheet turns into another one when it opens a file: 00300002 becomes 300002, 12E4 becomes
// 120000, 1-11 a day, and of a number only the first 15 digits are left.
var changed = regexp.MustCompile(`^(0[0-9]+|[0-9]{16,}|[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]{1,2}[-/][0-9]{1,2}([-/][0-9]{1,4})?)$`)

// Keep is Guard for files that people edit in a spreadsheet and that are read again: it guards what a spreadsheet would change
// too. Kept gets the original back.
func Keep(text string) string {
	if unsafe(text) {
		return "'" + text
	}
	return text
}

// Kept removes the apostrophe that Keep put before text.
func Kept(text string) string {
	if rest, guarded := strings.CutPrefix(text, "'"); guarded && unsafe(rest) {
		return rest
	}
	return text
}

func unsafe(text string) bool {
	return dangerous(text) || changed.MatchString(strings.TrimLeft(text, "'"))
}
