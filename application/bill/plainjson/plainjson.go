// Package plainjson reads parts of JSON in the one form in which programs write it, without spaces and escapes.
package plainjson

import "strings"

// Between returns what stands between two marks, if it has no quotes, escapes or control characters.
func Between(text, before, after string) (between, rest string, found bool) {
	text, found = strings.CutPrefix(text, before)
	if !found {
		return "", text, false
	}
	between, rest, found = strings.Cut(text, after)
	for i := range len(between) {
		if c := between[i]; c < ' ' || c == '"' || c == '\\' {
			return "", text, false
		}
	}
	return between, rest, found
}

// IsNumber reports whether a text is a decimal number as JSON writes them. It does not accept exponents, which are left
// to the decoder.
func IsNumber(text string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return AllDigits(whole) && (whole == "0" || whole[0] != '0') && (!point || AllDigits(fraction))
}

// AllDigits reports whether a text is digits and nothing else.
func AllDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
