package prepare

import (
	"strings"
	"unicode"
)

// The classes of text messages in Korea and how long they may be, in bytes of EUC-KR.
const (
	ClassSMS = "SMS"
	ClassLMS = "LMS"
	MaxSMS   = 90
	MaxLMS   = 2000
)

// MessageBytes counts a text as Korean text messages do, by EUC-KR: one byte for ASCII, two for everything else
// (Hangul, Hanja, and the signs of KS X 1001). What EUC-KR and its extension CP949 lack is sent by gateways as a
// replacement or in two bytes (UCS-2), so two bytes are never too few; characters above U+FFFF count as four.
func MessageBytes(s string) int {
	n := 0
	for _, c := range s {
		switch {
		case c < 0x80:
			n++
		case c <= 0xffff:
			n += 2
		default:
			n += 4
		}
	}
	return n
}

// messageSafe replaces what no Korean character set has by a question mark, as a gateway would, but before it is
// counted: emoji and everything else above U+FFFF, private characters, marks that combine, and controls but the line
// feed. What a gateway alone can know (which Hanja of Unicode its table has) stays.
func messageSafe(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || (c >= ' ' && c < 0x7f):
			return c
		case c == '\u00a0':
			return ' '
		case c > 0xffff, c < 0xa0, unicode.Is(unicode.Co, c), unicode.Is(unicode.M, c), unicode.Is(unicode.Cf, c), unicode.Is(unicode.Cs, c):
			return '?'
		default:
			return c
		}
	}, strings.TrimSpace(s))
}
