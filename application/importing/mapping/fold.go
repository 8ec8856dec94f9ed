package mapping

import (
	"strings"
	"unicode/utf8"
)

// isPlain reports whether a text is printable ASCII without spaces around it.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return len(text) == 0 || text[0] != ' ' && text[len(text)-1] != ' '
}

// isSpace are the characters that look like a space and are written around numbers.
func isSpace(c rune) bool {
	switch c {
	case ' ', '\t', '\u00a0', '\u2007', '\u2009', '\u202f', '\u3000':
		return true
	default:
		return '\u2000' <= c && c <= '\u200b' || c == '\ufeff'
	}
}

// trim removes what looks like space around a text.
func trim(text []byte) []byte {
	if isPlain(text) {
		return text
	}
	for len(text) > 0 {
		c, n := utf8.DecodeRune(text)
		if !isSpace(c) {
			break
		}
		text = text[n:]
	}
	for len(text) > 0 {
		c, n := utf8.DecodeLastRune(text)
		if !isSpace(c) {
			break
		}
		text = text[:len(text)-n]
	}
	return text
}

// narrow writes full-width forms of ASCII and the minus signs as ASCII, and every space as a plain one.
func narrow(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case '\uff01' <= c && c <= '\uff5e':
			return c - '\uff01' + '!'
		case isSpace(c):
			return ' '
		case c == '\u2212' || c == '\u2010' || c == '\u2011' || c == '\u2012' || c == '\u2013' || c == '\u2014' || c == '\uff70':
			return '-'
		case c == '\uffe6':
			return '₩'
		case c == '\uffe5':
			return '¥'
		default:
			return c
		}
	}, text)
}

// digitsOnly reports whether a text is ASCII digits, at least one.
func digitsOnly(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
