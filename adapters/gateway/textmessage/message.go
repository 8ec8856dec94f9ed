// Package textmessage holds what the Korean vendors of text messages have in common: which text goes as SMS and which as LMS, how
// numbers are written, and what the codes of their later results mean.
package textmessage

import (
	"strings"

	"golang.org/x/text/encoding/korean"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/cost"
)

// Bounds in bytes of EUC-KR, which the vendors count in
// (https://docs.nhncloud.com/en/Notification/SMS/en/api-guide/#precautions,
// https://docs.solapi.com/api-reference/message-status-codes: 1014, 1031).
const (
	MaxSMS     = 90
	MaxLMS     = 2000
	MaxSubject = 40
)

// MaxDestination is a bound of our own for a number, in bytes.
const MaxDestination = 1 << 10

// Message is a delivery as these vendors take it.
type Message struct {
	Country string // "82" for Korea; "": another one, whose code is in Number
	Number  string // digits alone: 01012345678, or 15147214711 with the country's code where Country is empty
	LMS     bool
	Subject string // of an LMS, never empty, at most MaxSubject bytes
	Text    string
}

// Korea is the country code of Message.Country.
const Korea = "82"

// Of reads a delivery. What these vendors do not take is refused without a call: then the verdict of the reply is not empty.
//
// A text longer than an SMS is an LMS whatever its class says, because a vendor may cut what is too long for an SMS. An LMS does
// not go abroad (NHN Cloud: -2024), and no message has a character that EUC-KR lacks, which vendors refuse or show as "?".
func Of(d port.Delivery) (Message, port.Reply) {
	refused := func(class attempt.FailureClass, why string) (Message, port.Reply) {
		return Message{}, port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	m := Message{Text: d.Content.Text, Subject: firstLine(d.Content.Title), LMS: d.Content.Class == "LMS"}
	length, known := Length(m.Text)
	_, subjectKnown := Length(m.Subject)
	switch {
	case len(d.Destination) > MaxDestination || !m.number(d.Destination):
		return refused(attempt.Permanent, "the destination is no number that a text message can be sent to")
	case strings.TrimSpace(m.Text) == "":
		return refused(attempt.Content, "the text is empty")
	case !known || !subjectKnown:
		return refused(attempt.Permanent, "the text has a character that EUC-KR lacks, and so text messages in Korea: another channel's may not")
	case length > MaxLMS:
		return refused(attempt.Permanent, "the text is longer than an LMS may be: another channel's may not be")
	}
	if m.LMS = m.LMS || length > MaxSMS; !m.LMS {
		m.Subject = ""
		return m, port.Reply{}
	}
	if m.Country == "" {
		return refused(attempt.Permanent, "an LMS does not go to another country: another channel may")
	}
	if m.Subject == "" {
		m.Subject = firstLine(m.Text) // the vendors want one
	}
	m.Subject = cut(m.Subject)
	return m, port.Reply{}
}

// Units is what the vendors charge a message as.
func (m Message) Units() cost.Units {
	if m.LMS {
		return cost.Units{Unit: cost.LMS, Count: 1}
	}
	return cost.Units{Unit: cost.SMS, Count: 1}
}

// KoreanNumber reads a destination of AlimTalk, as digits alone; false if it is none in Korea.
func KoreanNumber(destination string) (string, bool) {
	var m Message
	ok := len(destination) <= MaxDestination && m.number(destination) && m.Country == Korea
	return m.Number, ok
}

// number reads a number as Balsong has it: 010-1234-5678, or +15147214711 of another country.
func (m *Message) number(of string) bool {
	digits, plus := strings.CutPrefix(strings.ReplaceAll(strings.TrimSpace(of), "-", ""), "+")
	national, korean := strings.CutPrefix(digits, Korea)
	switch {
	case digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "": // E.164 has 15
		return false
	case plus && korean:
		m.Country, m.Number = Korea, "0"+strings.TrimPrefix(national, "0")
	case plus:
		m.Number = digits
	default:
		m.Country, m.Number = Korea, digits
	}
	return true
}

// Length is the length of a text in bytes of EUC-KR with the Hangul that CP949 adds; false if it has a character that EUC-KR
// lacks, or one that cannot be printed.
func Length(text string) (int, bool) {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\n' || c == 0x7f }) {
		return 0, false
	}
	encoded, err := korean.EUCKR.NewEncoder().String(text)
	return len(encoded), err == nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// cut shortens a subject to what every carrier shows, between two characters.
func cut(subject string) string {
	length := 0
	for at, c := range subject {
		if length++; c > 0x7f {
			length++
		}
		if length > MaxSubject {
			return strings.TrimSpace(subject[:at])
		}
	}
	return subject
}
