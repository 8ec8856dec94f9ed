package prepare

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/unicode/norm"
)

// The classes of text messages in Korea and how long they may be, in bytes of EUC-KR.
const (
	ClassSMS      = "SMS"
	ClassLMS      = "LMS"
	MaxSMS        = 90
	MaxLMS        = 2000
	MaxLMSSubject = 40 // what every carrier shows; a longer subject is cut
)

// How long a push message may be, in characters: what phones show, far within the 4 KiB of the push services. A longer
// one is cut and ends in "…".
const (
	MaxPushTitle = 64
	MaxPushBody  = 240
)

// eucKR tells which characters up to U+FFFF EUC-KR has, with the Hangul that CP949 adds: one bit a character.
var eucKR = sync.OnceValue(func() *[1024]uint64 {
	var has [1024]uint64
	encoder := korean.EUCKR.NewEncoder()
	for c := rune(0x80); c <= 0xffff; c++ {
		encoder.Reset()
		if encoded, err := encoder.String(string(c)); err == nil && len(encoded) == 2 {
			has[c/64] |= 1 << (c % 64)
		}
	}
	return &has
})

// inMessages reports whether a text message has the character.
func inMessages(c rune) bool {
	return c == '\n' || (c >= ' ' && c < 0x7f) || (c >= 0x80 && c <= 0xffff && eucKR()[c/64]&(1<<(c%64)) != 0)
}

// MessageBytes counts a text as Korean text messages do, in EUC-KR (CP949): one byte for ASCII, two for everything else
// that it has (Hangul, Hanja, the signs of KS X 1001). A character that it lacks counts as the question mark that stands
// for it.
func MessageBytes(s string) int {
	n := 0
	for _, c := range s {
		if n++; c >= 0x80 && inMessages(c) {
			n++
		}
	}
	return n
}

// messageSafe writes a text with the characters of EUC-KR alone, before it is counted. Letters in parts are put
// together (Hangul of a Mac), a line break of any kind is one line feed; what EUC-KR lacks is written as people would
// write it (é as e, − as -, a no-break space as a space), what is not seen is left out, and where there is no way
// (emoji) a question mark stands, as a gateway would put it.
func messageSafe(s string) string {
	s = norm.NFC.String(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s))
	var out strings.Builder
	for _, c := range strings.TrimSpace(s) {
		if inMessages(c) {
			out.WriteRune(c)
		} else {
			out.WriteString(inPlainWords(c))
		}
	}
	return out.String()
}

// inPlainWords writes a character that EUC-KR lacks.
func inPlainWords(c rune) string {
	switch {
	case c == '₩':
		return "￦"
	case c == '−' || unicode.Is(unicode.Pd, c):
		return "-"
	case unicode.IsSpace(c):
		return " "
	case unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.M, c):
		return ""
	}
	var out strings.Builder
	for _, part := range norm.NFKD.String(string(c)) {
		switch {
		case inMessages(part):
			out.WriteRune(part)
		case !unicode.Is(unicode.M, part):
			return "?"
		}
	}
	if out.Len() == 0 {
		return "?"
	}
	return out.String()
}

// cutMessage shortens a line to so many bytes of EUC-KR, at a whole character.
func cutMessage(s string, most int) string {
	n := 0
	for i, c := range s {
		if n += MessageBytes(string(c)); n > most {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// cutText shortens a text to so many characters; one that was cut ends in "…".
func cutText(s string, most int) string {
	characters := []rune(s)
	if len(characters) <= most {
		return s
	}
	return strings.TrimSpace(string(characters[:most-1])) + "…"
}

// textSafe takes what no screen shows out of a text of several lines.
func textSafe(s string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && unprintable(c) {
			return -1
		}
		return c
	}, strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")))
}

// headerSafe makes one line of a text: whatever could end a header line becomes a space.
func headerSafe(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return unprintable(c) || unicode.IsSpace(c) }), " ")
}
