package twilio

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// keyParameter names the delivery key in the query of the status callback.
const keyParameter = "key"

// maxText is the longest text (https://www.twilio.com/docs/api/errors/21617), maxDestination a bound of our own, in bytes.
const (
	maxText        = 1600
	maxDestination = 1 << 10
)

// form is a field of a form.
func form(name, value string) string { return name + "=" + url.QueryEscape(value) }

// textOf is the text of a message. Twilio knows no subject, so that of an LMS is its first line. What Twilio does not take is
// refused without a call.
func textOf(d port.Delivery) (string, port.Reply) {
	refused := func(class attempt.FailureClass, why string) (string, port.Reply) {
		return "", port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	text := strings.ToValidUTF8(d.Content.Text, "\uFFFD")
	switch {
	case strings.TrimSpace(d.Destination) == "" || len(d.Destination) > maxDestination:
		return refused(attempt.Permanent, "the destination is empty or too long")
	case strings.TrimSpace(text) == "":
		return refused(attempt.Content, "the text is empty")
	case d.Content.Class == "LMS" && d.Content.Title != "":
		text = strings.ToValidUTF8(d.Content.Title, "\uFFFD") + "\n" + text
	}
	if utf8.RuneCountInString(text) > maxText {
		return refused(attempt.Permanent, "the text is longer than Twilio takes: another channel's may not be")
	}
	return text, port.Reply{}
}

// maxValidity is how long Twilio keeps a message at most, which is also how long it does unless it is told otherwise
// (https://www.twilio.com/docs/api/errors/90007).
const maxValidity = 36_000 * time.Second

// validity is for how many seconds Twilio may keep a message before it goes out; 0: as long as it likes. It is at least one, since Twilio
// takes no less.
func validity(until, now time.Time) int {
	if left := until.Sub(now); !until.IsZero() && left < maxValidity {
		return int(max(1, left/time.Second))
	}
	return 0
}

// korea is the country code of numbers that are written as they are dialled in the country.
const korea = "+82"

// e164 writes a number as Twilio wants it: +821012345678 for 010-1234-5678. One of another country is so already.
func e164(number string) string {
	number = strings.ReplaceAll(number, "-", "")
	if national, korean := strings.CutPrefix(number, "0"); korean {
		return korea + national
	}
	return number
}
