package prepare

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// FindBill reads one customer's bill, to be looked at. It changes nothing. ErrNotFound, ErrUnknownKey, ErrContent.
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

// CheckDestination reads a destination as the import does and returns it as it is sent to. Errors never hold the value.
func CheckDestination(kind channel.Kind, text string) (string, error) {
	for _, d := range destinations {
		if d.Channel == kind && text != "" {
			return d.parse(text)
		}
	}
	return "", fmt.Errorf("%w: it is empty", port.ErrInvalid)
}

// testMark begins what is sent as a test.
const testMark = "[TEST] "

// TestDelivery is what is sent to try templates and a provider out: under a key of its own, which is never a customer's (user ids
// start at 1), and marked where it is seen first. The bodies of e-mail and push stay as they are: they are what is looked at.
// number tells one test from another.
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
