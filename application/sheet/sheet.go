// Package sheet makes text safe for CSV files that people open in a spreadsheet. A spreadsheet takes a cell that begins
// like a formula for one, and runs it. Every CSV file that Balsong writes goes through Guard.
package sheet

import "strings"

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
