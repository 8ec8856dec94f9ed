package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

func refused(class attempt.FailureClass) memory.GatewayAnswer {
	return memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: class}}
}

func throttled(after time.Duration) memory.GatewayAnswer {
	return memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallThrottled, NotBefore: after}}
}

func aboutUs(doubtful bool) memory.GatewayAnswer {
	return memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Doubtful: doubtful}}
}

// What the gateway says, what the ledger keeps of it, and what becomes of the bill (R5, R7).
func TestEachVerdictOfTheGatewayHasItsRowAndItsEnd(t *testing.T) {
	t.Parallel()
	type end struct {
		status         billing.Status
		attempt, round int16
		step           int16
		wait           time.Duration // until available, from the call on; -1: does not matter
	}
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		state  attempt.State
		class  attempt.FailureClass
		reason attempt.Reason
		end    end
	}{
		"accepted":                       {memory.GatewayAnswer{}, attempt.Succeeded, "", "", end{billing.Succeeded, 0, 0, 0, -1}},
		"refused for good":               {refused(attempt.Permanent), attempt.Failed, attempt.Permanent, attempt.ReasonRefused, end{billing.Failed, 1, 0, 2, 0}},
		"refused for now":                {refused(attempt.Temporary), attempt.Failed, attempt.Temporary, attempt.ReasonRefused, end{billing.Failed, 1, 0, 1, 10 * time.Minute}},
		"content refused":                {refused(attempt.Content), attempt.Failed, attempt.Content, attempt.ReasonRefused, end{billing.Paused, 0, 0, 0, -1}},
		"throttled, says until when":     {throttled(7 * time.Minute), attempt.NotSent, attempt.Throttled, attempt.ReasonThrottled, end{billing.Ready, 0, 1, 0, 7 * time.Minute}},
		"throttled, does not say":        {throttled(0), attempt.NotSent, attempt.Throttled, attempt.ReasonThrottled, end{billing.Ready, 0, 1, 0, time.Minute}},
		"about us, a clear word":         {aboutUs(false), attempt.NotSent, attempt.Provider, attempt.ReasonProvider, end{billing.Ready, 0, 1, 0, time.Minute}},
		"about us, in doubt":             {aboutUs(true), attempt.NotSent, attempt.Provider, attempt.ReasonRefused, end{billing.Ready, 0, 1, 0, time.Minute}},
		"an answer that says nothing":    {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallUnknown, Answered: true}}, attempt.Unknown, "", attempt.ReasonUnclear, end{billing.Unknown, 0, 0, 0, -1}},
		"no connection":                  {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallNotMade}}, attempt.NotSent, "", attempt.ReasonNotCalled, end{billing.Ready, 0, 1, 0, time.Minute}},
		"accepted, the answer lost":      {memory.GatewayAnswer{Dropped: true}, attempt.Unknown, "", attempt.ReasonNoAnswer, end{billing.Unknown, 0, 0, 0, -1}},
		"the line broke in the message":  {memory.GatewayAnswer{Partly: true}, attempt.Unknown, "", attempt.ReasonNoAnswer, end{billing.Unknown, 0, 0, 0, -1}},
		"an answer that nobody can read": {memory.GatewayAnswer{Reply: port.Reply{Verdict: "gibberish"}}, attempt.Unknown, "", attempt.ReasonNoAnswer, end{billing.Unknown, 0, 0, 0, -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.email.Script(c.answer)
			w.bill(t, 1)
			w.dispatch(t)
			w.start(t)
			w.awaitDrained(t)
			row := w.expectRow(t, 1, 0, 0, c.state, c.reason)
			if row.Class != c.class || row.Provider != "test-EMAIL" {
				t.Fatalf("the row has class %q, provider %q", row.Class, row.Provider)
			}
			for _, class := range attempt.FailureClasses {
				counted := w.metrics.Counted(metric.Refusals.Metric, string(class))
				if want := class == c.class && c.state == attempt.Failed; want != (counted == 1) {
					t.Errorf("%d refusals of class %s are counted", counted, class)
				}
			}
			if n := w.metrics.Counted(metric.ProviderAccepted.Metric, "email/test-EMAIL"); (n == 1) != (c.state == attempt.Succeeded) {
				t.Errorf("%d accepted calls are counted", n)
			}
			w.settle(t)
			s := w.expect(t, 1, c.end.status, c.end.attempt, c.end.round)
			if s.Step != c.end.step {
				t.Fatalf("the next step is %d, want %d", s.Step, c.end.step)
			}
			if wait := s.AvailableAt.Sub(w.clock.Now()); c.end.wait >= 0 && (wait < c.end.wait || wait > c.end.wait*6/5) {
				t.Fatalf("it waits %s, want %s and a fifth at most", wait, c.end.wait)
			}
		})
	}
}

func TestTheGatewaysWordsAreKeptWhateverItsAnswer(t *testing.T) {
	t.Parallel()
	for _, verdict := range []port.Verdict{port.CallAccepted, port.CallRefused, port.CallThrottled, port.CallNotMade, port.CallUnknown} {
		w := newWorld(t)
		w.email.Script(memory.GatewayAnswer{Reply: port.Reply{Verdict: verdict, Class: attempt.Provider, Detail: "its own words"}})
		w.bill(t, 1)
		w.dispatch(t)
		w.start(t)
		w.awaitDrained(t)
		if rows := w.store.Rows(w.key(1)); len(rows) != 1 || rows[0].Detail != "its own words" {
			t.Errorf("%s: %+v", verdict, rows)
		}
	}
}

// A delivery that got its permit before the provider refused another one claims its key, but makes no call.
func TestAClaimIsNotCalledOnceTheProviderHasRefusedAnother(t *testing.T) {
	t.Parallel()
	permits := memory.NewPermits()
	w := newWorld(t, func(w *world) { w.permits = permits })
	w.bill(t, 1)
	w.dispatch(t)
	w.store.Fail(func(op string) error {
		if op == "ledger.claim" {
			permits.Revoke()
		}
		return nil
	})
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 0)
	if row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonHeld); row.Class != attempt.Provider {
		t.Fatalf("the row has class %q", row.Class)
	}
	w.settle(t)
	w.expect(t, 1, billing.Ready, 0, 1)
	if now, _ := permits.Held(); now != 0 {
		t.Fatalf("%d permits are out", now)
	}
}

func TestAnOutcomeIsStoredOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	faults := failures(port.ErrUnavailable, map[string]int{"ledger.record": 5})
	w.store.Fail(func(op string) error {
		if tries := faults.count("ledger.record"); op == "control.halted" && tries >= 1 && tries <= 5 {
			return port.ErrUnavailable // the whole database is down
		}
		return faults.hook(op)
	})
	w.start(t)
	w.whileTimePasses(t, "it is stored", w.drained)
	w.expectCalls(t, w.email, 1)
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
	if n := faults.count(memory.Done("ledger.record")); n != 1 {
		t.Fatalf("it was stored %d times", n)
	}
	if parts := w.outages(); len(parts) != 1 || parts[0] != "database" {
		t.Fatalf("the outage was told as %v", parts)
	}
}

func TestAnOutcomeWhoseCommitAnswerIsLostIsWrittenAgainAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(refused(attempt.Temporary))
	w.bill(t, 1)
	w.dispatch(t)
	w.store.Fail(failures(port.ErrCommitUnknown, map[string]int{memory.Done("ledger.record"): 2}).hook)
	w.start(t)
	w.whileTimePasses(t, "it is stored", w.drained)
	w.expectRow(t, 1, 0, 0, attempt.Failed, attempt.ReasonRefused)
	w.settle(t)
	w.expect(t, 1, billing.Failed, 1, 0)
}

// slowCall lets a call outlast its lease: the sweeper makes its row UNKNOWN before the answer.
func slowCall(t *testing.T, answer memory.GatewayAnswer) *world {
	t.Helper()
	w := newWorld(t)
	answer.Block = true
	w.email.Script(answer)
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-w.email.Blocked()
	w.clock.Advance(lease + time.Second)
	if n, err := w.settler.SweepLeases(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d leases ended: %v", n, err)
	}
	w.expect(t, 1, billing.Unknown, 0, 0)
	w.email.Release()
	w.awaitDrained(t)
	return w
}

func TestASuccessAfterTheSweeperWins(t *testing.T) {
	t.Parallel()
	w := slowCall(t, memory.GatewayAnswer{})
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 0)
}

func TestADefinitiveRefusalAfterTheSweeperCountsToo(t *testing.T) {
	t.Parallel()
	w := slowCall(t, refused(attempt.Permanent))
	w.expectRow(t, 1, 0, 0, attempt.Failed, attempt.ReasonRefused)
	w.settle(t)
	w.expect(t, 1, billing.Failed, 1, 0)
}

func TestANotNowAfterTheSweeperDoesNotReopenAnUnknown(t *testing.T) {
	t.Parallel()
	w := slowCall(t, throttled(time.Minute))
	w.expectRow(t, 1, 0, 0, attempt.Unknown, attempt.ReasonLease)
	w.settle(t)
	w.expect(t, 1, billing.Unknown, 0, 0)
}

func TestAnUnknownIsHeldAndNobodyIsSentASecondCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(memory.GatewayAnswer{Dropped: true})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.settle(t)
	for range 3 {
		w.clock.Advance(24 * time.Hour)
		w.copyRequests(t, 1)
		w.dispatch(t)
		w.awaitDrained(t)
		w.settle(t)
	}
	w.expect(t, 1, billing.Unknown, 0, 0)
	w.expectCalls(t, w.email, 1)
	w.expectCalls(t, w.sms, 0)
}

func TestTheOperatorsCancelDuringACallIsGrantedOnlyWhereItFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		want   billing.Status
	}{
		"refused":  {refused(attempt.Temporary), billing.Cancelled},
		"accepted": {memory.GatewayAnswer{}, billing.Succeeded},
		"unknown":  {memory.GatewayAnswer{Dropped: true}, billing.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.answer.Block = true
			w.email.Script(c.answer)
			w.bill(t, 1)
			w.dispatch(t)
			w.start(t)
			<-w.email.Blocked()
			if _, err := w.operator.Cancel(t.Context(), w.key(1), by()); err != nil {
				t.Fatal(err)
			}
			w.expect(t, 1, billing.Requested, 0, 0)
			w.email.Release()
			w.awaitDrained(t)
			w.settle(t)
			w.expect(t, 1, c.want, 0, 0)
		})
	}
}
