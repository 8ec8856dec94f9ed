package rendering

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/unicode/norm"

	"github.com/balsong/balsong/application/port"
)

// The classes of text messages in Korea, and their bounds in bytes of EUC-KR.
const (
	ClassSMS      = "SMS"
	ClassLMS      = "LMS"
	MaxSMS        = 90
	MaxLMS        = 2000
	MaxLMSSubject = 40 // what every carrier shows; a longer subject is cut
)

// sms is an SMS if the text fits into one, else an LMS with a subject.
func (p *printer) sms() port.Variant {
	if sms := p.messageText("sms.tmpl"); MessageBytes(sms) <= MaxSMS {
		return port.Variant{Text: sms, Class: ClassSMS}
	}
	subject := messageSafe(headerSafe(p.text("lms.subject.tmpl")))
	return port.Variant{Title: CutMessage(p.marked(subject), MaxLMSSubject), Text: p.messageText("lms.tmpl"), Class: ClassLMS}
}

// messageText returns the text of a message. Advertising always says how to refuse it.
func (p *printer) messageText(file string) string {
	made := p.marked(messageSafe(p.text(file)))
	if optOut := messageSafe(p.view.OptOut); !strings.Contains(made, optOut) {
		made += "\n" + optOut
	}
	return made
}

// eucKR returns a set of the characters up to U+FFFF that EUC-KR has, including the Hangul that CP949 adds: one bit for
// each character.
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

// settled says which of them messageSafe leaves alone wherever they stand: those that no normal form writes otherwise.
var settled = sync.OnceValue(func() *[1024]uint64 {
	has := *eucKR()
	for c := rune(0x80); c <= 0xffff; c++ {
		if utf8.ValidRune(c) && (!norm.NFC.IsNormalString(string(c)) || unicode.Is(unicode.M, c)) {
			has[c/64] &^= 1 << (c % 64)
		}
	}
	return &has
})

// isSettled reports whether a text is as messageSafe writes it.
func isSettled(s string) bool {
	known := settled()
	for _, c := range s {
		if c != '\n' && (c < ' ' || c == 0x7f || c > 0xffff || (c >= 0x80 && known[c/64]&(1<<(c%64)) == 0)) {
			return false
		}
	}
	return true
}

// lineBreaks makes one line feed of a line break of any kind.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// inMessages reports whether text messages can have the character.
func inMessages(c rune) bool {
	return c == '\n' || (c >= ' ' && c < 0x7f) || (c >= 0x80 && c <= 0xffff && eucKR()[c/64]&(1<<(c%64)) != 0)
}

// MessageBytes returns the length of a text as Korean text messages count it, in EUC-KR (CP949): one byte for ASCII,
// two for everything else that EUC-KR has (Hangul, Hanja, the signs of KS X 1001). A character that it lacks counts as
// one byte, for the question mark that replaces it.
func MessageBytes(s string) int {
	n := 0
	for _, c := range s {
		if n++; c >= 0x80 && inMessages(c) {
			n++
		}
	}
	return n
}

// messageSafe replaces what EUC-KR lacks, so that a text can be counted and sent. Letters in parts are composed (Hangul
// from a Mac), and line breaks of any kind become line feeds. Other characters are written as people would write them
// (é as e, − as -, a no-break space as a space), invisible ones are left out, and what cannot be written (emoji)
// becomes a question mark, as a gateway would put it.
func messageSafe(s string) string {
	if isSettled(s) {
		return strings.TrimSpace(s)
	}
	return rewritten(s)
}

func rewritten(s string) string {
	s = norm.NFC.String(lineBreaks.Replace(s))
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

// inPlainWords returns a replacement for a character that EUC-KR lacks.
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

// CutMessage shortens a line to at most so many bytes of EUC-KR, between two characters.
func CutMessage(s string, most int) string {
	if len(s) <= most { // no character has more bytes than in UTF-8
		return s
	}
	n := 0
	for i, c := range s {
		if n += MessageBytes(string(c)); n > most {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}
