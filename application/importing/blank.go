package importing

import (
	"strings"
	"unicode"

	"github.com/balsong/balsong/application/bill"
)

// isBlank reports whether no field of a well-formed record has anything that can be seen.
func (h header) isBlank(r record) bool {
	if r.problem != "" {
		return false
	}
	for _, field := range r.fields {
		if !h.isBlankText(field) {
			return false
		}
	}
	return true
}

func (h header) isBlankText(field []byte) bool {
	ascii := true
	for _, c := range field {
		switch {
		case c > ' ' && c < 0x7f, c < ' ' && c != '\t':
			return false
		case c >= 0x7f:
			ascii = false
		}
	}
	if ascii {
		return true
	}
	text, ok := h.encoding.Text(field)
	return ok && strings.TrimFunc(text, isBlankRune) == ""
}

// isBlankRune reports whether a character is a space or cannot be seen at all.
func isBlankRune(c rune) bool { return unicode.Is(unicode.Zs, c) || c == '\t' || bill.Invisible(c) }

// isSpace reports whether a character does not count around a field. Marks that change the direction of text are no space:
// they are refused.
func isSpace(c rune) bool {
	return c == '\t' || c == '\ufeff' || isBlankRune(c) && !bill.Unprintable(c)
}
