package gateway

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/cost"
)

// MaxWait bounds how long a provider may ask us to wait.
const MaxWait = 24 * time.Hour

// NotMade is the reply of a call that was certainly not made.
func NotMade(detail string) port.Reply {
	return port.Reply{Verdict: port.CallNotMade, Detail: detail}
}

// NotPrepared is the reply of a gateway that lacks what a call takes, such as a token or the references (port.Preparer).
func NotPrepared() port.Reply { return NotMade("no byte was sent: the gateway is not prepared") }

// Unknown is the reply of a call whose outcome cannot be known.
func Unknown(detail string) port.Reply {
	return port.Reply{Verdict: port.CallUnknown, Detail: detail}
}

// Charged says of a reply for how much the provider charges, as follows from the message, unless the provider has said it.
func Charged(reply port.Reply, units cost.Units) port.Reply {
	if reply.Units == (cost.Units{}) {
		reply.Units = units
	}
	return reply
}

// ValidMessageID reports whether a provider's message id may be stored and shown: 1 to 200 visible ASCII characters.
func ValidMessageID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= 200
}

// maxDetail bounds the words of a provider that are kept, in bytes.
const maxDetail = 200

const masked = "[masked]"

// Patterns of what providers quote when they refuse: addresses, numbers however they are written, tokens.
var (
	mailAddress = regexp.MustCompile(`[^\s<>"',;:()\[\]]+@[^\s<>"',;()\[\]]+`)
	longNumber  = regexp.MustCompile(`\+?[0-9][0-9 ()-]{5,}[0-9]`) // no dots: "550 5.7.509" is a status
	longToken   = regexp.MustCompile(`[A-Za-z0-9_:=+/-]{32,}`)
)

// Redact makes a provider's words fit for logs: printable, short, and without the destination or anything like one.
func Redact(words, destination string) string {
	if words = Clean(words); words == "" {
		return ""
	}
	if destination = Clean(destination); destination != "" {
		words = replaceFold(words, destination, masked)
		if local, _, isMail := strings.Cut(destination, "@"); isMail && len(local) > 2 {
			words = replaceFold(words, local, masked)
		}
	}
	words = mailAddress.ReplaceAllString(words, masked)
	words = longNumber.ReplaceAllString(words, masked)
	words = replaceNumber(words, destination)
	words = longToken.ReplaceAllString(words, masked)
	return cut(words, maxDetail)
}

// Clean turns everything that could break a line or hide text into spaces, and bounds the work of what follows.
func Clean(s string) string {
	s = strings.ToValidUTF8(cut(s, 4<<10), " ")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
}

// cut shortens s to at most limit bytes, between two characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// replaceFold replaces every occurrence of old, in upper and lower case.
func replaceFold(s, old, with string) string {
	return regexp.MustCompile(`(?i)`+regexp.QuoteMeta(old)).ReplaceAllLiteralString(s, with)
}

// replaceNumber replaces a telephone number, however its digits are grouped and with or without the country code.
func replaceNumber(s, number string) string {
	var digits []string
	for _, r := range number {
		if '0' <= r && r <= '9' && (r != '0' || len(digits) > 0) {
			digits = append(digits, string(r))
		}
	}
	if len(digits) < 7 || len(digits) > 20 {
		return s
	}
	return regexp.MustCompile(strings.Join(digits, `[^0-9]{0,3}`)).ReplaceAllLiteralString(s, masked)
}
