package bill

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Invisible reports whether a character shows nothing and takes no space: soft hyphens, zero-width characters, byte order
// marks, fillers, selectors of variants.
func Invisible(c rune) bool {
	switch {
	case c < 0xad:
		return false
	case c == '\u115f', c == '\u1160', c == '\u3164', c == '\uffa0': // Hangul fillers, which are letters to Unicode
		return true
	case c == '\u034f', c == '\u17b4', c == '\u17b5', c == '\u180b', c == '\u180c', c == '\u180d':
		return true
	case '\ufe00' <= c && c <= '\ufe0f', 0xe0100 <= c && c <= 0xe01ef:
		return true
	default:
		return unicode.Is(unicode.Cf, c)
	}
}

// CustomerNumber returns the form in which a customer number is stored and looked up: Unicode's NFKC, without characters
// that cannot be seen, one space for several, none around. So two numbers that show the same, in another width or with
// an invisible character, are one customer.
func CustomerNumber(text string) string {
	if isPlain(text) {
		return text
	}
	text = strings.Map(func(c rune) rune {
		if Invisible(c) {
			return -1
		}
		return c
	}, norm.NFKC.String(text))
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.Is(unicode.Zs, c) }), " ")
}

// isPlain reports whether text is printable ASCII without spaces, as most customer numbers are.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}
