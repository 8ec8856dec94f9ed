package answer

import (
	"encoding/json"
	"testing"

	"github.com/balsong/balsong/domain/cost"
)

func TestTheCostOfAMonthSaysWhatIsNotKnownAndWhatMayBe(t *testing.T) {
	t.Parallel()
	amount := func(text string) *cost.Amount {
		a, err := cost.ParseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		return &a
	}
	for _, c := range []struct {
		status     CostStatus
		text, json string
	}{
		{
			CostStatus{Provider: "sms/twilio", Messages: 2, Units: 3, Unit: cost.Segment, Amount: amount("0.0249"), Currency: "USD"},
			"sms/twilio, 3 segments, 2 messages: USD 0.0249",
			`{"provider":"sms/twilio","unknown":false,"messages":2,"units":3,"unit":"segment","amount":"0.0249","currency":"USD"}`,
		},
		{
			CostStatus{Provider: "sms/nhn", Unknown: true, Messages: 1, Units: 1, Unit: cost.LMS, Amount: amount("30"), Currency: "KRW"},
			"sms/nhn, 1 message as lms: KRW 30, if accepted (UNKNOWN)",
			`{"provider":"sms/nhn","unknown":true,"messages":1,"units":1,"unit":"lms","amount":"30","currency":"KRW"}`,
		},
		{
			CostStatus{Provider: "push/fcm", Messages: 7, Units: 7, Unit: cost.Message, Amount: amount("0"), Currency: "USD"},
			"push/fcm, 7 messages: USD 0",
			`{"provider":"push/fcm","unknown":false,"messages":7,"units":7,"unit":"message","amount":"0","currency":"USD"}`,
		},
		{
			CostStatus{Provider: "email/smtp", Messages: 7000},
			"email/smtp, 7000 messages: not known",
			`{"provider":"email/smtp","unknown":false,"messages":7000,"amount":null}`,
		},
	} {
		if got := c.status.String(); got != c.text {
			t.Errorf("it shows %q, want %q", got, c.text)
		}
		if got, err := json.Marshal(c.status); err != nil || string(got) != c.json {
			t.Errorf("JSON is %s, %v; want %s", got, err, c.json)
		}
	}
}
