package bill

import (
	"cmp"
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
	// In this order: text that is no UTF-8 has no stable normal form, and letters that an invisible character kept apart
	// are composed.
	text = norm.NFKC.String(strings.Map(func(c rune) rune {
		if Invisible(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "\ufffd")))
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

// Shape is what people see of a customer number, so far as they confuse it with others.
type Shape struct {
	Letters string // Lookalike without blanks, hyphens and, where it has nothing but digits, zeros in front
	Breaks  uint64 // before which letters they stand: bit i for the i-th, modulo 64; 0: there are none
}

// ShapeOf returns the shape of a customer number.
func ShapeOf(customer string) Shape {
	letters := Lookalike(customer)
	if !strings.ContainsAny(letters, "- ") {
		return Shape{Letters: unpadded(letters)}
	}
	var s Shape
	kept, n := make([]byte, 0, len(letters)), 0
	for i := range len(letters) {
		switch c := letters[i]; c {
		case ' ', '-':
			s.Breaks |= 1 << (n % 64)
		default:
			kept = append(kept, c)
			n++
		}
	}
	s.Letters = unpadded(string(kept))
	return s
}

// unpadded returns a number of digits without the zeros in front, which spreadsheets drop; other text as it is.
func unpadded(text string) string {
	if !strings.HasPrefix(text, "0") || strings.Trim(text, "0123456789") != "" {
		return text
	}
	return cmp.Or(strings.TrimLeft(text, "0"), "0")
}

// Lookalike returns the same text for customer numbers that people confuse: that differ in case, by O and 0, by I, l and 1,
// by the kind of hyphen, or by letters of other alphabets that look like Latin ones. See Shape for blanks and hyphens.
func Lookalike(customer string) string {
	if isUnconfused(customer) {
		return customer
	}
	return strings.Map(func(c rune) rune {
		c = unicode.ToUpper(c)
		if like, ok := lookalikes[c]; ok {
			return like
		}
		return c
	}, customer)
}

// isUnconfused reports whether text has only characters that stand for themselves in Lookalike.
func isUnconfused(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || 'a' <= c && c <= 'z' || c == 'O' || c == 'I' || c == 'L' || c == '|' {
			return false
		}
	}
	return true
}

// Alike reports whether people or spreadsheets confuse the numbers of two shapes: they have the same letters, and blanks and
// hyphens at the same places, or one of them has none: 200-001, 200 001, 200001 and 00200001; but not 1-11 and 11-1.
func (s Shape) Alike(other Shape) bool {
	return s.Letters == other.Letters && (s.Breaks == other.Breaks || s.Breaks == 0 || other.Breaks == 0)
}

// lookalikes are capital letters and signs, each with the one that it looks like.
var lookalikes = map[rune]rune{
	'O': '0', '\u041e': '0', '\u039f': '0',
	'I': '1', 'L': '1', '|': '1', '\u0406': '1', '\u04c0': '1', '\u0399': '1',
	'\u2010': '-', '\u2011': '-', '\u2012': '-', '\u2013': '-', '\u2014': '-', '\u2212': '-',
	// Cyrillic
	'\u0410': 'A', '\u0412': 'B', '\u0415': 'E', '\u041a': 'K', '\u041c': 'M', '\u041d': 'H', '\u0420': 'P', '\u0421': 'C', '\u0422': 'T', '\u0423': 'Y', '\u0425': 'X', '\u0405': 'S', '\u0408': 'J',
	// Greek
	'\u0391': 'A', '\u0392': 'B', '\u0395': 'E', '\u0396': 'Z', '\u0397': 'H', '\u039a': 'K', '\u039c': 'M', '\u039d': 'N', '\u03a1': 'P', '\u03a4': 'T', '\u03a5': 'Y', '\u03a7': 'X',
}
