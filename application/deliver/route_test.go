package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// hop is one try of a bill as its event, its ledger row and the gateway know it.
type hop struct {
	attempt, round, step int16
	channel              channel.Kind
	state                attempt.State
}

// travel takes one bill along the route EMAIL, EMAIL, SMS of the third version of the second policy, and returns the
// pauses before each dispatch.
func travel(t *testing.T, email, sms []memory.GatewayAnswer) (w *world, pauses []time.Duration) {
	t.Helper()
	w = newWorld(t)
	spec := w.spec
	spec.Name = "the one in use" // policy 2
	for range 3 {
		w.activate(t, spec)
	}
	w.email.Script(email...)
	w.sms.Script(sms...)
	w.bill(t, 1)
	w.start(t)
	for range 10 {
		s := w.state(t, 1)
		if s.Dispatch != billing.Ready && s.Dispatch != billing.Failed {
			return w, pauses
		}
		pauses = append(pauses, s.AvailableAt.Sub(w.clock.Now()))
		if s.AvailableAt.After(w.clock.Now()) {
			if record := w.dispatch(t); record.Published != 0 {
				t.Fatal("it was dispatched before its time")
			}
			w.clock.Set(s.AvailableAt)
		}
		w.dispatch(t)
		w.awaitDrained(t)
		w.settle(t)
	}
	t.Fatalf("the bill does not come to an end: %+v", w.state(t, 1))
	return nil, nil
}

// expectHops checks that event, ledger and target keep attempt, round, step and policy apart.
func (w *world) expectHops(t *testing.T, want ...hop) {
	t.Helper()
	rows := w.store.Rows(w.key(1))
	requests := w.broker.Messages(port.TopicRequests)
	if len(rows) != len(want) || len(requests) != len(want) {
		t.Fatalf("%d rows and %d requests, want %d", len(rows), len(requests), len(want))
	}
	ref := policy.Ref{ID: 2, Version: 3}
	for i, h := range want {
		row := rows[i]
		if got := (hop{row.Key.Attempt, row.Key.Round, row.Step, row.Channel, row.State}); got != h {
			t.Errorf("row %d is %+v, want %+v", i, got, h)
		}
		if row.PolicyID != ref.ID || row.PolicyVersion != ref.Version || row.RunID == 0 {
			t.Errorf("row %d names policy %d v%d, run %d", i, row.PolicyID, row.PolicyVersion, row.RunID)
		}
		request, _, err := event.DecodeRequested(requests[i].Message)
		if err != nil {
			t.Fatal(err)
		}
		who := request.Identity
		if who.Attempt != h.attempt || who.Round != h.round || who.Step != h.step || who.Channel != h.channel || who.PolicyID != ref.ID || who.PolicyVersion != ref.Version {
			t.Errorf("event %d says %+v", i, who)
		}
	}
	last := want[len(want)-1]
	if s := w.state(t, 1); s.Attempt != last.attempt || s.Round != last.round || s.Step != last.step || s.Policy != ref {
		t.Errorf("the target has attempt %d, round %d, step %d, policy %s", s.Attempt, s.Round, s.Step, s.Policy)
	}
}

func TestAHardRefusalGoesToSMSAtOnce(t *testing.T) {
	t.Parallel()
	w, pauses := travel(t, []memory.GatewayAnswer{refused(attempt.Permanent)}, nil)
	w.expectHops(t,
		hop{0, 0, 0, channel.Email, attempt.Failed},
		hop{1, 0, 2, channel.SMS, attempt.Succeeded}) // attempt 1 on step 2: the second e-mail is skipped
	if pauses[1] != 0 {
		t.Fatalf("SMS waits %s", pauses[1])
	}
	w.expectCalls(t, w.email, 1)
	w.expectCalls(t, w.sms, 1)
}

func TestATemporaryRefusalBacksOffAndTriesTheSameChannelAgain(t *testing.T) {
	t.Parallel()
	w, pauses := travel(t, []memory.GatewayAnswer{refused(attempt.Temporary), refused(attempt.Temporary)}, nil)
	w.expectHops(t,
		hop{0, 0, 0, channel.Email, attempt.Failed},
		hop{1, 0, 1, channel.Email, attempt.Failed},
		hop{2, 0, 2, channel.SMS, attempt.Succeeded})
	for _, pause := range pauses[1:] {
		if pause < 10*time.Minute || pause > 12*time.Minute {
			t.Fatalf("the pauses are %v, want 10m and a fifth at most", pauses)
		}
	}
}

func TestAThrottledTrySpendsNothing(t *testing.T) {
	t.Parallel()
	w, pauses := travel(t, []memory.GatewayAnswer{throttled(3 * time.Minute), throttled(0), refused(attempt.Temporary), throttled(time.Minute)}, nil)
	w.expectHops(t,
		hop{0, 0, 0, channel.Email, attempt.NotSent},
		hop{0, 1, 0, channel.Email, attempt.NotSent},
		hop{0, 2, 0, channel.Email, attempt.Failed},
		hop{1, 0, 1, channel.Email, attempt.NotSent}, // the next attempt begins at round 0
		hop{1, 1, 1, channel.Email, attempt.Succeeded})
	if pauses[1] != 3*time.Minute {
		t.Fatalf("it waits %s, the provider said 3m", pauses[1])
	}
}

func TestARouteWithoutAStepLeftIsExhausted(t *testing.T) {
	t.Parallel()
	w, _ := travel(t, []memory.GatewayAnswer{refused(attempt.Temporary), refused(attempt.Permanent)}, []memory.GatewayAnswer{refused(attempt.Permanent)})
	w.expect(t, 1, billing.Exhausted, 2, 0)
}

func TestABillPutBackTooOftenIsPausedUnlessTheProviderPutItBack(t *testing.T) {
	t.Parallel()
	unreachable := memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallNotMade}}
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		status billing.Status
		round  int16
	}{
		"no connection":           {unreachable, billing.Paused, 3},
		"always too busy":         {throttled(time.Minute), billing.Ready, 8},
		"suspended for a while":   {aboutUs(false), billing.Ready, 8},
		"refused, perhaps for us": {aboutUs(true), billing.Paused, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(w *world) { w.spec.MaxRounds = 3 })
			w.email.Answer(func(port.Delivery) memory.GatewayAnswer { return c.answer })
			w.bill(t, 1)
			w.start(t)
			for range 8 {
				w.dispatch(t)
				w.awaitDrained(t)
				w.settle(t)
				w.clock.Advance(7 * time.Hour)
			}
			if s := w.expect(t, 1, c.status, 0, c.round); c.status == billing.Paused && s.Pause != billing.PauseRounds {
				t.Fatalf("it is paused for %s", s.Pause)
			}
		})
	}
}

func TestABillStaysWithThePolicyVersionOfItsFirstDispatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(refused(attempt.Temporary))
	w.bill(t, 1)
	w.start(t)
	w.dispatch(t)
	w.awaitDrained(t)
	w.settle(t)
	changed := w.spec
	changed.Route = policy.Route{{Channel: channel.SMS, Tries: 1}}
	w.activate(t, changed)
	w.clock.Advance(time.Hour)
	w.dispatch(t)
	w.awaitDrained(t)
	w.settle(t)
	if s := w.expect(t, 1, billing.Succeeded, 1, 0); s.Policy.Version != 1 {
		t.Fatalf("it is bound to %s", s.Policy)
	}
	w.expectCalls(t, w.email, 2)
	w.expectCalls(t, w.sms, 0)
}
