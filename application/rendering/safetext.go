package rendering

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balsong/balsong/application/bill"
)

// The bounds of a push message in characters: what phones show, far below the 4 KiB of the push services. A longer text
// is cut and ends in "…".
const (
	MaxPushTitle = 64
	MaxPushBody  = 240
)

// CutText shortens a text to at most so many characters. A text that was cut ends in "…".
func CutText(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	characters := []rune(s)
	return strings.TrimSpace(string(characters[:most-1])) + "…"
}

// textSafe removes characters that have no place in text for people, except line feeds.
func textSafe(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if isText(s) {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c != '\n' && bill.Unprintable(c) {
			return -1
		}
		return c
	}, s)
}

// isText reports whether textSafe leaves a text alone. Only characters that begin with a control or with one of three
// bytes can be unprintable: U+0080 to U+00BF, U+2000 to U+2FFF, and U+F000 to U+FFFF.
func isText(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' && c != '\n', c == 0x7f:
			return false
		case c == 0xc2, c == 0xe2, c == 0xef:
			if next, _ := utf8.DecodeRuneInString(s[i:]); bill.Unprintable(next) {
				return false
			}
		}
	}
	return true
}

// headerSafe makes one line of a text: a character that could end a header line becomes a space.
func headerSafe(s string) string {
	if s = strings.TrimSpace(s); isLine(s) {
		return s
	}
	return joined(s)
}

func joined(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return bill.Unprintable(c) || unicode.IsSpace(c) }), " ")
}

// isLine reports whether a text is as headerSafe writes it: words with single spaces between them.
func isLine(s string) bool {
	space := true // before the first word
	for _, c := range s {
		if c > '\u3000' && c != '\ufeff' { // no space and no control is there
			space = false
			continue
		}
		if c == ' ' && space || c != ' ' && (bill.Unprintable(c) || unicode.IsSpace(c)) {
			return false
		}
		space = c == ' '
	}
	return s == "" || !space
}
