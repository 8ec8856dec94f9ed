package porttest

import (
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/cost"
)

func reportCosts(s *stage) {
	if got := given(s.Report.Costs(s.ctx, november))(s); len(got) != 0 {
		s.Errorf("without a message there are costs: %+v", got)
	}
	s.rendered(november, 1)
	ended := func(n int, provider string, state attempt.State, charge cost.Charge) {
		s.Helper()
		k := ledgerKey(n)
		c := claim(k, token(1))
		c.Provider = provider
		keysAre(s, "claimed", s.claim(c), k)
		o := outcome(k, token(1), state)
		o.Provider, o.Charge = provider, charge
		keysAre(s, "recorded", s.record(o), k)
	}
	segments := func(n int, currency string) cost.Charge {
		return cost.Charge{Units: cost.Units{Unit: cost.Segment, Count: n}, Amount: cost.Amount(8_300 * n), Currency: currency}
	}
	free := cost.Charge{Units: cost.Units{Unit: cost.Message, Count: 1}, Currency: "USD"}
	ended(0, "twilio", attempt.Succeeded, segments(2, "USD"))
	ended(1, "twilio", attempt.Succeeded, segments(1, "USD"))
	ended(2, "twilio", attempt.Succeeded, segments(1, "EUR"))
	ended(3, "twilio", attempt.Unknown, segments(3, "USD"))
	ended(4, "twilio", attempt.Failed, segments(5, "USD"))
	ended(5, "aws", attempt.Succeeded, cost.Charge{})
	ended(6, "fcm", attempt.Succeeded, free)
	want := []port.Cost{
		{Provider: "sms/aws", State: attempt.Succeeded, Messages: 1},
		{Provider: "sms/fcm", State: attempt.Succeeded, Unit: cost.Message, Currency: "USD", Messages: 1, Units: 1},
		{Provider: "sms/twilio", State: attempt.Succeeded, Unit: cost.Segment, Currency: "EUR", Messages: 1, Units: 1, Amount: 8_300},
		{Provider: "sms/twilio", State: attempt.Succeeded, Unit: cost.Segment, Currency: "USD", Messages: 2, Units: 3, Amount: 24_900},
		{Provider: "sms/twilio", State: attempt.Unknown, Unit: cost.Segment, Currency: "USD", Messages: 1, Units: 3, Amount: 24_900},
	}
	if got := given(s.Report.Costs(s.ctx, november))(s); !slices.Equal(got, want) {
		s.Errorf("got %+v, want %+v", got, want)
	}
	// An answer that comes after all, and an operator's verdict, name no charge: what was known before stays.
	verdict := outcome(ledgerKey(3), attempt.Token{}, attempt.Succeeded)
	verdict.Verdict = true
	keysAre(s, "decided", s.record(verdict), ledgerKey(3))
	want = slices.Delete(want, 4, 5)
	want[3].Messages, want[3].Units, want[3].Amount = 3, 6, 49_800
	if got := given(s.Report.Costs(s.ctx, november))(s); !slices.Equal(got, want) {
		s.Errorf("after a verdict got %+v, want %+v", got, want)
	}
}
