package prepare

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// FindBill reads one customer's bill without changing anything. ErrNotFound, ErrUnknownKey, ErrContent.
func FindBill(ctx context.Context, renders port.Renders, cipher port.Cipher, month key.Month, customer string) (Bill, error) {
	found, err := renders.Find(ctx, month, customer)
	if err != nil {
		return Bill{}, err
	}
	bill, err := OpenBill(found, cipher)
	if err != nil {
		return Bill{}, fmt.Errorf("open the bill %s: %w", found.Target, err)
	}
	return bill, nil
}

// CheckDestination parses a destination as the import does and returns it in the form in which it is sent to. Errors
// never contain the value.
func CheckDestination(kind channel.Kind, text string) (string, error) {
	for _, d := range destinations {
		if d.Channel == kind && text != "" {
			return d.parse(text)
		}
	}
	return "", fmt.Errorf("%w: it is empty", port.ErrInvalid)
}

// testMark is put in front of what is sent as a test.
const testMark = "[TEST] "

// TestDelivery returns a delivery with which to try templates and a provider out. Its key has the user id 0, which is
// never a customer's; number tells one test from another. The subject, the title or the text message is marked as a
// test. The bodies of e-mail and push stay as they are, because they are what one wants to see. ErrInvalid if the mark
// makes a text message too long.
func TestDelivery(month key.Month, number uint32, kind channel.Kind, to string, content port.Variant) (port.Delivery, error) {
	switch kind {
	case channel.Email:
		content.Subject = testMark + content.Subject
	case channel.SMS:
		content.Text = testMark + content.Text
		switch n := MessageBytes(content.Text); {
		case n > MaxLMS:
			return port.Delivery{}, fmt.Errorf("%w: with %q before it, the text message has %d bytes, more than %d", port.ErrInvalid, testMark, n, MaxLMS)
		case n > MaxSMS:
			content.Class, content.Title = ClassLMS, cutMessage(testMark+content.Title, MaxLMSSubject)
		}
	default:
		content.Title = cutText(testMark+content.Title, MaxPushTitle)
	}
	return port.Delivery{
		Key:     key.Delivery{Month: month, Attempt: int16(number >> 16 & 0x7fff), Round: int16(number & 0x7fff)},
		Channel: kind, Destination: to, Content: content,
	}, nil
}
