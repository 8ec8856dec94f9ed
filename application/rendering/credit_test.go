package rendering_test

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// A credit note says in each channel what the customer gets back, without a sign, and asks for no payment.
func TestACreditNoteAsksForNothingInAnyChannel(t *testing.T) {
	t.Parallel()
	templates, err := rendering.LoadTemplates(rendering.ShippedFiles())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		language, currency, amount, plain, label string
		ask                                      []string
	}{
		{"ko", "KRW", "12,300원", "12,300원", "환급", []string{"납부 기한", "납부 안내", "납부 방법", "기한", "청구 금액"}},
		{"ko", "USD", "US$123.00", "USD 123.00", "환급", []string{"납부 기한", "납부 방법", "청구 금액"}},
		{"en", "USD", "$123.00", "USD 123.00", "redit", []string{"Total to pay", ", due ", "Due ", "How to pay", "You pay by"}},
		{"en", "JPY", "¥12,300", "JPY 12,300", "redit", []string{"Total to pay", "How to pay"}},
	} {
		billed := rendering.Samples(c.language)[0].Bill
		billed.Currency, billed.Amount, billed.Items = c.currency, -12_300, []bill.Item{{Name: "x", Amount: -12_300}}
		made, err := templates.Statement(billed, november, policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{
			"subject": made[channel.Email].Subject, "text": made[channel.Email].Text, "html": made[channel.Email].HTML, "SMS": made[channel.SMS].Text, "push": made[channel.Push].Text,
		}
		for where, text := range texts {
			amount := c.amount
			if where == "SMS" {
				amount = c.plain
			}
			if !strings.Contains(text, amount) || !strings.Contains(text, c.label) {
				t.Errorf("%s %s: no %s %s in %.300s", c.language, where, c.label, amount, text)
			}
			for _, ask := range c.ask {
				if strings.Contains(text, ask) {
					t.Errorf("%s %s asks for a payment, %q: %.300s", c.language, where, ask, text)
				}
			}
		}
		if strings.Contains(made[channel.SMS].Text, "-12") || strings.Contains(made[channel.Email].Subject, "−") {
			t.Errorf("a sign is left: %q, %q", made[channel.SMS].Text, made[channel.Email].Subject)
		}
		if made[channel.SMS].Class != rendering.ClassSMS {
			t.Errorf("%s: a credit note takes an %s", c.language, made[channel.SMS].Class)
		}
	}
}
