package cost

import "strings"

// The alphabet of text messages and its extension, whose characters take two places (3GPP TS 23.038, 6.2.1).
const (
	gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	ext = "\f^{}\\[~]|€"
)

// SegmentsOf counts the segments of a text as carriers do: one has 160 places, each of several 153, and with a character that GSM 03.38 lacks
// 70 and 67 units of UTF-16 (https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html). A character is never
// divided between two of them.
func SegmentsOf(text string) Units {
	single, several, width := 160, 153, places
	if strings.ContainsFunc(text, func(c rune) bool { return places(c) == 0 }) {
		single, several, width = 70, 67, units16
	}
	total, used, count := 0, 0, 1
	for _, c := range text {
		w := width(c)
		total += w
		if used += w; used > several {
			count, used = count+1, w
		}
	}
	if total <= single {
		count = 1
	}
	return Units{Segment, count}
}

// places are those of a character in GSM 03.38; 0: it has none.
func places(c rune) int {
	switch {
	case c >= 'a' && c <= 'z', c >= ' ' && c <= 'Z' && c != '`', strings.ContainsRune(gsm, c):
		return 1
	case strings.ContainsRune(ext, c):
		return 2
	default:
		return 0
	}
}

// units16 are those of a character in UTF-16.
func units16(c rune) int {
	if c > 0xffff {
		return 2
	}
	return 1
}
