package trialapp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/trialapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func TestATestIsMarkedAndNeverGoesUnderACustomersKey(t *testing.T) {
	t.Parallel()
	november := key.Month(2026*12 + 10)
	seen := map[string]bool{}
	for number := range uint32(3) {
		d, err := trialapp.TestDelivery(november, 0x12340000+number, channel.Email, "me@example.com", port.Variant{Subject: "Your bill", HTML: "<p>", Text: "x"})
		if err != nil || d.Content.Subject != "[TEST] Your bill" || d.Content.HTML != "<p>" || d.Key.UserID != 0 || d.Key.Attempt < 0 || d.Key.Round < 0 || seen[d.Key.String()] {
			t.Errorf("%+v, %v", d, err)
		}
		seen[d.Key.String()] = true
		if _, err := key.ParseDelivery(d.Key.String()); err == nil {
			t.Errorf("%s could be a customer's", d.Key)
		}
	}
	for _, c := range []struct {
		length int
		class  string
	}{{83, "SMS"}, {84, "LMS"}, {1993, "LMS"}, {1994, ""}} {
		d, err := trialapp.TestDelivery(november, 1, channel.SMS, "010-0000-1234", port.Variant{Text: strings.Repeat("a", c.length), Class: "SMS"})
		if c.class == "" {
			if !errors.Is(err, port.ErrInvalid) {
				t.Errorf("%d bytes: %v", c.length, err)
			}
			continue
		}
		if err != nil || d.Content.Class != c.class || (d.Content.Title != "") != (c.class == "LMS") || !strings.HasPrefix(d.Content.Text, "[TEST] ") {
			t.Errorf("%d bytes: %+v, %v", c.length, d.Content, err)
		}
	}
	if d, err := trialapp.TestDelivery(november, 1, channel.Push, "t", port.Variant{Title: strings.Repeat("a", 64), Text: "x"}); err != nil || len([]rune(d.Content.Title)) != 64 || !strings.HasPrefix(d.Content.Title, "[TEST] ") {
		t.Errorf("%+v, %v", d, err)
	}
}
