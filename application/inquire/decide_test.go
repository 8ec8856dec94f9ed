package inquire

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

func TestWhatAnAnswerLeadsTo(t *testing.T) {
	t.Parallel()
	const window = 24 * time.Hour
	called := time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)
	about := key.Delivery{Month: 2026*12 + 10, UserID: 4711}
	lane := port.Lane{Channel: channel.SMS, Provider: "nhn"}
	for name, c := range map[string]struct {
		found           port.Finding
		complete, older bool
		asks            int
		after           time.Duration // since the call
		state           attempt.State // of the verdict; "": none
		class           attempt.FailureClass
		kind            report.Kind // of the report; "": none
		again           time.Duration
	}{
		"accepted":                    {found: port.Finding{Found: port.FoundAccepted}, state: attempt.Succeeded},
		"refused":                     {found: port.Finding{Found: port.FoundRefused, Class: attempt.Permanent}, state: attempt.Failed, class: attempt.Permanent},
		"delivered":                   {found: port.Finding{Found: port.FoundDelivered}, kind: report.Delivered},
		"undelivered":                 {found: port.Finding{Found: port.FoundUndelivered, Class: attempt.Permanent}, kind: report.Undelivered, class: attempt.Permanent},
		"not found":                   {found: port.Finding{Found: port.FoundNothing}, again: time.Minute},
		"not found, asked often":      {found: port.Finding{Found: port.FoundNothing}, asks: 3, again: 8 * time.Minute},
		"not found, asked very often": {found: port.Finding{Found: port.FoundNothing}, asks: 32767, again: 6 * time.Hour},
		"not found, soon forgotten":   {found: port.Finding{Found: port.FoundNothing}, after: window - time.Second},
		"not in a complete list":      {found: port.Finding{Found: port.FoundNothing}, complete: true, state: attempt.Failed, class: attempt.Temporary},
		"not there, of an older try":  {found: port.Finding{Found: port.FoundNothing}, complete: true, older: true, again: time.Minute},
		"no answer":                   {found: port.Finding{Found: port.FoundNoAnswer}, complete: true, again: time.Minute},
		"accepted, of an older try":   {found: port.Finding{Found: port.FoundAccepted}, older: true, state: attempt.Succeeded},
	} {
		q := port.Inquiry{Key: about, Called: called, Asks: c.asks, Current: !c.older}
		d := decide(lane, port.InquiryTerms{Window: window, Complete: c.complete}, q, c.found, called.Add(c.after))
		if d.again != c.again {
			t.Errorf("%s: asked again after %s, want %s", name, d.again, c.again)
		}
		if (d.outcome != nil) != (c.state != "") || d.outcome != nil && (d.outcome.State != c.state || d.outcome.Class != c.class || !d.outcome.Verdict || d.outcome.Key != about) {
			t.Errorf("%s: %+v", name, d.outcome)
		}
		if (d.report != nil) != (c.kind != "") || d.report != nil && (d.report.Kind != c.kind || d.report.Class != c.class || !d.report.Definitive || d.report.Validate() != nil) {
			t.Errorf("%s: %+v", name, d.report)
		}
	}
}

func TestTheSameAnswerIsTheSameReport(t *testing.T) {
	t.Parallel()
	q := port.Inquiry{Key: key.Delivery{Month: 2026*12 + 10, UserID: 4711}}
	id := func(f port.Finding) string { return reported(port.Lane{Provider: "nhn"}, q, f).ID }
	delivered := port.Finding{Found: port.FoundDelivered, MessageID: "m-1", SaidAt: time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)}
	again := delivered
	again.SaidAt, again.Detail = time.Time{}, "delivered"
	refused := port.Finding{Found: port.FoundUndelivered, Class: attempt.Permanent, MessageID: "m-1"}
	if id(delivered) != id(again) || id(delivered) == id(refused) {
		t.Errorf("ids %s, %s, %s", id(delivered), id(again), id(refused))
	}
}
