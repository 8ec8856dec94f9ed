package trialapp

import (
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// testMark is put in front of what is sent as a test.
const testMark = "[TEST] "

// TestDelivery returns a delivery with which to try templates and a provider out. Its key has the user id 0, which is
// never a customer's; number tells one test from another. The subject, the title or the text message is marked as a
// test; AlimTalk is not, because only the approved text is delivered. The bodies of e-mail and push stay as they are, because they are what one wants to see. ErrInvalid if the mark
// makes a text message too long.
func TestDelivery(month key.Month, number uint32, kind channel.Kind, to string, content port.Variant) (port.Delivery, error) {
	switch kind {
	case channel.Email:
		content.Subject = testMark + content.Subject
	case channel.SMS:
		content.Text = testMark + content.Text
		switch n := rendering.MessageBytes(content.Text); {
		case n > rendering.MaxLMS:
			return port.Delivery{}, fmt.Errorf("%w: with %q before it, the text message has %d bytes, more than %d", port.ErrInvalid, testMark, n, rendering.MaxLMS)
		case n > rendering.MaxSMS:
			content.Class, content.Title = rendering.ClassLMS, rendering.CutMessage(testMark+content.Title, rendering.MaxLMSSubject)
		}
	case channel.AlimTalk: // only what was approved is delivered
	default:
		content.Title = rendering.CutText(testMark+content.Title, rendering.MaxPushTitle)
	}
	return port.Delivery{
		Key:     key.Delivery{Month: month, Attempt: int16(number >> 16 & 0x7fff), Round: int16(number & 0x7fff)},
		Channel: kind, Destination: to, Content: content,
	}, nil
}
