package httpgateway

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// maxDestination and maxRequest bound what is sent, in bytes. The bound of the destination is ours, that of the
// request's body the contract's.
const (
	maxDestination = 1 << 10
	maxRequest     = 64 << 10
)

// template is the approved template of an AlimTalk message.
type template struct {
	Code      string                `json:"code"`
	Variables map[string]string     `json:"variables,omitempty"`
	Buttons   []port.AlimTalkButton `json:"buttons,omitempty"`
}

// appendBody appends the contract's request body to b. What the contract does not allow it refuses, without a call: the
// gateway's "bad request" would leave the outcome unknown.
func appendBody(b []byte, d port.Delivery, provider string) (body []byte, refusal port.Reply) {
	refused := func(class attempt.FailureClass, why string) ([]byte, port.Reply) {
		return b, port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	if strings.TrimSpace(d.Destination) == "" || len(d.Destination) > maxDestination {
		return refused(attempt.Permanent, "the destination is empty or too long")
	}
	c := d.Content
	if c.Text == "" || (c.Class != "" && c.Class != "SMS" && c.Class != "LMS") {
		return refused(attempt.Content, "the text is empty, or its class is neither SMS nor LMS")
	}
	body = appendQuoted(append(b, `{"to":`...), addressee(d.Channel, d.Destination))
	body = appendQuoted(append(body, `,"text":`...), c.Text)
	if c.Title != "" {
		body = appendQuoted(append(body, `,"title":`...), c.Title)
	}
	if c.Class != "" {
		body = appendQuoted(append(body, `,"class":`...), c.Class)
	}
	if d.Channel == channel.AlimTalk {
		message, refusal := gateway.ReadAlimTalk(d, provider)
		if refusal.Verdict != "" {
			return b, refusal
		}
		shown, _ := json.Marshal(template{message.Code, message.Variables, message.Buttons}) //nolint:errchkjson // texts cannot fail
		body = append(append(body, `,"template":`...), shown...)
	}
	if body = append(body, '}'); len(body)-len(b) > maxRequest {
		return refused(attempt.Content, "the message is longer than the contract allows")
	}
	return body, port.Reply{}
}

// appendQuoted appends text as a JSON string. A statement's text is long and has little to escape, so it is copied in
// long pieces: several times as fast as encoding/json.
func appendQuoted(b []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	b = append(b, '"')
	for {
		n := plain(text)
		b = append(b, text[:n]...)
		if n == len(text) {
			return append(b, '"')
		}
		switch c := text[n]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default: // a control character
			escaped, _ := json.Marshal(text[n : n+1]) //nolint:errchkjson // a string cannot fail
			b = append(b, escaped[1:len(escaped)-1]...)
		}
		text = text[n+1:]
	}
}

// plain returns the length of the beginning of a text that needs no escaping in a JSON string. It looks at eight bytes
// at a time: the high bit of each byte of less, quotes and slashes is set where that byte is below the space, a
// quotation mark or a backslash. Bytes above the first such one may be marked by mistake, so the last loop finds the
// exact place.
func plain(text string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(text); n += 8 {
		s := text[n : n+8]
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		less := (w - ones*' ') &^ w
		quotes := (w ^ ones*'"' - ones) &^ (w ^ ones*'"')
		slashes := (w ^ ones*'\\' - ones) &^ (w ^ ones*'\\')
		if (less|quotes|slashes)&tops != 0 {
			break
		}
	}
	for n < len(text) && text[n] >= ' ' && text[n] != '"' && text[n] != '\\' {
		n++
	}
	return n
}
