package channel

import (
	"strings"
	"unicode/utf8"
)

// Mask hides most of a destination, for people: k***@example.com, 010-****-5678.
func Mask(to string) string {
	if at := strings.LastIndex(to, "@"); at >= 0 {
		_, size := utf8.DecodeRuneInString(to[:at])
		return to[:size] + "***" + to[at:]
	}
	var runes []rune
	for _, r := range to {
		if r != '-' && r != ' ' {
			runes = append(runes, r)
		}
	}
	switch n := len(runes); {
	case n >= 9 && n <= 15:
		return string(runes[:3]) + "-****-" + string(runes[n-4:])
	case n > 15:
		return string(runes[:4]) + "…" + string(runes[n-4:])
	default:
		return "****"
	}
}
