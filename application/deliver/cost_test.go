package deliver_test

import (
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
)

// What may have been accepted is charged at the prices of then, and nothing else is.
func TestTheLedgerSaysWhatAMessageCostsThatMayHaveBeenAccepted(t *testing.T) {
	t.Parallel()
	prices, err := cost.ParsePrices([]string{"USD", "message:0.001", "segment:0.0083"}, cost.Message, cost.Segment)
	if err != nil {
		t.Fatal(err)
	}
	three := cost.Units{Unit: cost.Segment, Count: 3}
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		state  attempt.State
		want   string // "": not known
	}{
		"accepted":                   {memory.GatewayAnswer{}, attempt.Succeeded, "1 message, USD 0.001"},
		"accepted, in segments":      {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallAccepted, Units: three}}, attempt.Succeeded, "3 segments, USD 0.0249"},
		"accepted, in unknown units": {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallAccepted, Units: cost.Units{Unit: cost.LMS, Count: 1}}}, attempt.Succeeded, ""},
		"nobody knows":               {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallUnknown, Units: three}}, attempt.Unknown, "3 segments, USD 0.0249"},
		"refused":                    {refused(attempt.Permanent), attempt.Failed, ""},
		"not called":                 {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallNotMade, Units: three}}, attempt.NotSent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(w *world) {
				provider := w.email.Provider()
				provider.Prices = prices
				w.email = memory.NewGateway(provider, w.gatewayClock)
				w.gateways[channel.Email] = w.email
			})
			w.email.Script(c.answer)
			w.bill(t, 1)
			w.start(t)
			w.dispatch(t)
			w.awaitDrained(t)
			row := w.row(1, 0, 0)
			got := ""
			if row.Charge.Known() {
				got = row.Charge.String()
			}
			if row.State != c.state || got != c.want {
				t.Errorf("%s costs %q, want %s and %q", row.State, got, c.state, c.want)
			}
		})
	}
}
