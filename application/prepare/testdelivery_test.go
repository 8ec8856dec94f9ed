package prepare_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/prepare"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func TestLookingAtABillChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	target := key.Target{Month: november, UserID: 1}
	for _, status := range []billing.BatchStatus{billing.Imported, billing.Rendered} {
		bill, err := prepare.FindBill(t.Context(), b.store.Renders(), b.cipher, november, "C-1")
		if err != nil || bill.Name != "김하나" || bill.Amount != 12300 {
			t.Fatalf("%+v, %v", bill, err)
		}
		if state, _ := b.store.Target(target); state.State().Batch != status {
			t.Errorf("the bill is %s, want %s", state.State().Batch, status)
		}
		b.render(t)
	}
	if _, err := prepare.FindBill(t.Context(), b.store.Renders(), b.cipher, november, "C-2"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("nobody's bill: %v", err)
	}
	if _, err := prepare.FindBill(t.Context(), b.store.Renders(), memory.NewCipher(), november, "C-1"); !errors.Is(err, port.ErrUnknownKey) {
		t.Errorf("without its key: %v", err)
	}
}

func TestATestIsMarkedAndNeverGoesUnderACustomersKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for number := range uint32(3) {
		d, err := prepare.TestDelivery(november, 0x12340000+number, channel.Email, "me@example.com", port.Variant{Subject: "Your bill", HTML: "<p>", Text: "x"})
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
		d, err := prepare.TestDelivery(november, 1, channel.SMS, "010-0000-1234", port.Variant{Text: strings.Repeat("a", c.length), Class: "SMS"})
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
	if d, err := prepare.TestDelivery(november, 1, channel.Push, "t", port.Variant{Title: strings.Repeat("a", 64), Text: "x"}); err != nil || len([]rune(d.Content.Title)) != 64 || !strings.HasPrefix(d.Content.Title, "[TEST] ") {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestADestinationIsReadAsTheImportReadsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     channel.Kind
		text, to string
	}{
		{channel.Email, "kim@example.com", "kim@example.com"},
		{channel.SMS, "01000001234", "010-0000-1234"},
		{channel.Push, "t0ken", "t0ken"},
		{channel.Email, "kim", ""},
		{channel.SMS, "02-123-4567", ""},
		{channel.Push, "", ""},
		{channel.Email, "", ""},
		{channel.SMS, "kim@example.com", ""},
	} {
		to, err := prepare.CheckDestination(c.kind, c.text)
		if (err == nil) != (c.to != "") || err == nil && to != c.to || err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
			t.Errorf("%s %q: %q, %v", c.kind, c.text, to, err)
		}
	}
}
