package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/window"
)

// refusesUs is an answer about us, whoever the customer is.
var refusesUs = memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Detail: "554 5.7.1 account suspended"}}

// later is an answer that waits for Release.
func later(answer memory.GatewayAnswer) memory.GatewayAnswer {
	answer.Block = true
	return answer
}

// failover sends one bill by a, and by b where it takes over; a answers as it is told. meanwhile runs while a's call is under way.
func failover(t *testing.T, answer memory.GatewayAnswer, meanwhile func(w *world, all []vendor), change ...func(w *world)) (w *world, all []vendor) {
	t.Helper()
	w = newWorld(t, append([]func(w *world){func(w *world) { all = vendors(w, 1, 0) }}, change...)...)
	a := all[0]
	if meanwhile != nil {
		answer = later(answer)
	}
	a.Script(answer)
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	if meanwhile != nil {
		<-a.Blocked()
		meanwhile(w, all)
		a.Release()
	}
	w.awaitDrained(t)
	for _, v := range all {
		if now, _ := v.permits.Held(); now != 0 {
			t.Errorf("%d permits of %s are not given back", now, v.Provider().Name)
		}
	}
	return w, all
}

// w_second of the model.
func TestAnotherProviderTakesOverWithinOneClaim(t *testing.T) {
	t.Parallel()
	doubtful := refusesUs
	doubtful.Reply.Doubtful = true
	for name, c := range map[string]struct {
		answer  memory.GatewayAnswer
		absent  bool
		earlier attempt.Earlier
	}{
		"about us":          {refusesUs, false, "a:provider"},
		"about us in doubt": {doubtful, false, "a:refused"},
		"not reached":       {memory.GatewayAnswer{}, true, "a:not_called"},
		"no byte sent":      {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallNotMade}}, false, "a:not_called"},
	} {
		w, all := failover(t, c.answer, nil, func(w *world) {
			w.lanes[channel.Email][0].Gateway.(vendor).SetAbsent(c.absent)
		})
		row := w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
		if row.Provider != "b" || row.Earlier != c.earlier || row.Class != "" {
			t.Errorf("%s: the row is by %q, earlier %q, class %q", name, row.Provider, row.Earlier, row.Class)
		}
		if rows := w.store.Rows(w.key(1)); len(rows) != 1 || w.tokens.Load() != 1 {
			t.Errorf("%s: %d rows and %d claims, want one", name, len(rows), w.tokens.Load())
		}
		w.expectCalls(t, all[1].Gateway, 1)
		if sent := all[1].Calls()[0].Delivery; sent.Destination == "" || sent.Content.Text == "" {
			t.Errorf("%s: the other provider got %+v", name, sent)
		}
	}
}

func TestTheLastProvidersAnswerIsTheOutcome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		state  attempt.State
		reason attempt.Reason
	}{
		"refused":     {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent}}, attempt.Failed, attempt.ReasonRefused},
		"about us":    {refusesUs, attempt.NotSent, attempt.ReasonProvider},
		"no answer":   {memory.GatewayAnswer{Dropped: true}, attempt.Unknown, attempt.ReasonNoAnswer},
		"not reached": {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallNotMade}}, attempt.NotSent, attempt.ReasonNotCalled},
	} {
		w, all := failover(t, refusesUs, func(_ *world, all []vendor) { all[1].Script(c.answer) })
		if row := w.expectRow(t, 1, 0, 0, c.state, c.reason); row.Provider != "b" || row.Earlier != "a:provider" {
			t.Errorf("%s: the row is by %q, earlier %q", name, row.Provider, row.Earlier)
		}
		w.expectCalls(t, all[0].Gateway, 1)
	}
}

// m_fotimeout of the model. Nor after any answer that is about this customer or that does not say whether the message was taken.
func TestNoOtherProviderIsCalledAfterATimeOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		state  attempt.State
		reason attempt.Reason
	}{
		"no answer": {memory.GatewayAnswer{Dropped: true}, attempt.Unknown, attempt.ReasonNoAnswer},
		"partly":    {memory.GatewayAnswer{Partly: true}, attempt.Unknown, attempt.ReasonNoAnswer},
		"unclear":   {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallUnknown, Answered: true}}, attempt.Unknown, attempt.ReasonUnclear},
		"refused":   {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent}}, attempt.Failed, attempt.ReasonRefused},
		"content":   {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Content}}, attempt.Failed, attempt.ReasonRefused},
		"throttled": {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallThrottled}}, attempt.NotSent, attempt.ReasonThrottled},
		"accepted":  {memory.GatewayAnswer{}, attempt.Succeeded, ""},
	} {
		w, all := failover(t, c.answer, nil)
		if row := w.expectRow(t, 1, 0, 0, c.state, c.reason); row.Provider != "a" || row.Earlier != "" {
			t.Errorf("%s: the row is by %q, earlier %q", name, row.Provider, row.Earlier)
		}
		w.expectCalls(t, all[1].Gateway, 0)
	}
}

// m_fosendby of the model: 150 s of lease, a call deadline of 30 s and a margin of 5 s leave 115 s.
func TestAnotherProviderIsCalledOnlyWithinTheLease(t *testing.T) {
	t.Parallel()
	for spent, calls := range map[time.Duration]int{115 * time.Second: 1, 115*time.Second + 1: 0} {
		w, all := failover(t, refusesUs, func(w *world, _ []vendor) { w.clock.Advance(spent) })
		w.expectCalls(t, all[1].Gateway, calls)
		if calls == 0 {
			w.expectNotPassedOn(t)
		}
	}
}

// expectNotPassedOn expects that the row says what the first provider answered, and no more.
func (w *world) expectNotPassedOn(t *testing.T) {
	t.Helper()
	if row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonProvider); row.Provider != "a" || row.Earlier != "" {
		t.Errorf("the row is by %q, earlier %q", row.Provider, row.Earlier)
	}
}

func TestNoOtherProviderIsCalledWhereNobodyWouldBeginACall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(w *world, all []vendor)
		change    func(w *world)
	}{
		"it is held back": {func(_ *world, all []vendor) { all[1].permits.SetHeldBack(true) }, func(*world) {}},
		"it has no permit": {func(*world, []vendor) {}, func(w *world) {
			w.lanes[channel.Email][1].Permits = newTurnstile()
		}},
		"quiet hours began": {func(w *world, _ []vendor) { w.clock.Advance(time.Minute) }, func(w *world) {
			quiet, err := window.NewForbidden(12*60+1, 20*60, seoul)
			if err != nil {
				t.Fatal(err)
			}
			w.spec.QuietHours, w.spec.QuietChannels = quiet, channel.NewSet(channel.Email)
		}},
		"all is halted": {func(w *world, _ []vendor) {
			w.haltEverything(t)
			w.whileTimePasses(t, "the halt is read", func() bool { return len(w.log.Find("halted: nothing more goes out until it is lifted")) == 1 })
		}, func(*world) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, all := failover(t, refusesUs, c.meanwhile, c.change)
			w.expectNotPassedOn(t)
			w.expectCalls(t, all[1].Gateway, 0)
		})
	}
}

// Whoever asks later what became of a call must know whom to ask, also where its caller has died.
func TestTheLedgerNamesAnotherProviderBeforeItIsCalled(t *testing.T) {
	t.Parallel()
	var all []vendor
	w := newWorld(t, func(w *world) { all = vendors(w, 1, 0) })
	all[0].Script(refusesUs)
	all[1].Script(later(memory.GatewayAnswer{}))
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-all[1].Blocked()
	if row := w.expectRow(t, 1, 0, 0, attempt.Claimed, ""); row.Provider != "b" || row.Earlier != "a:provider" {
		t.Errorf("while b is called the row is by %q, earlier %q", row.Provider, row.Earlier)
	}
	all[1].Release()
	w.awaitDrained(t)
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
}

func TestAClaimWhoseProviderWasHeldIsPassedOnAndTriesEachProviderOnce(t *testing.T) {
	t.Parallel()
	var all []vendor
	w := newWorld(t, func(w *world) { all = vendors(w, 1, 0, 0) })
	w.store.Fail(func(op string) error {
		if op == "ledger.claim" {
			all[0].permits.Revoke()
		}
		return nil
	})
	all[1].Script(refusesUs)
	all[2].Script(refusesUs)
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonProvider)
	if tried := row.Earlier.Each(); len(tried) != 2 || tried[0] != (attempt.EarlierProvider{Provider: "a", Why: attempt.ReasonHeld}) || tried[1].Why != attempt.ReasonProvider {
		t.Errorf("earlier providers are %v", tried)
	}
	w.expectCalls(t, all[0].Gateway, 0)
	w.expectCalls(t, all[1].Gateway, 1)
	w.expectCalls(t, all[2].Gateway, 1)
}
