package deliver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// noSuchUser lets the provider of e-mail refuse everybody for good.
func (w *world) noSuchUser() {
	w.email.Answer(func(port.Delivery) memory.GatewayAnswer {
		return memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "550 5.1.1 no such user"}}
	})
}

func (w *world) bills(t *testing.T, n int) {
	t.Helper()
	for user := int64(1); user <= int64(n); user++ {
		w.bill(t, user)
	}
}

// emailHalt is the switch of e-mail.
func (w *world) emailHalt(t *testing.T) port.ChannelHalt {
	t.Helper()
	all, err := w.store.ChannelHalts().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		if h.Channel == channel.Email {
			return h
		}
	}
	return port.ChannelHalt{}
}

func (w *world) statuses(t *testing.T, n int) map[billing.Status]int {
	t.Helper()
	counts := map[billing.Status]int{}
	for user := int64(1); user <= int64(n); user++ {
		counts[w.state(t, user).Dispatch]++
	}
	return counts
}

// bounded is permits for so many calls at the same time as it has places.
type bounded struct{ places chan struct{} }

type place struct{ of bounded }

func (b bounded) Acquire(ctx context.Context) (port.Permit, error) {
	select {
	case b.places <- struct{}{}:
		return place{b}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (bounded) HeldBack() bool       { return false }
func (place) Begin() bool            { return true }
func (p place) Release(_ port.Reply) { <-p.of.places }
func (p place) Cancel()              { <-p.of.places }

// A month of which the provider of e-mail says for good that nobody can be reached stays where it is until a person has looked.
func TestAProviderThatRefusesEverybodyHaltsItsChannelBeforeTheMonthMovesOn(t *testing.T) {
	t.Parallel()
	const n, atOnce = 400, 10 // bills, and calls under way at the same time
	w := newWorld(t, func(w *world) { w.permits = bounded{make(chan struct{}, atOnce)} })
	w.noSuchUser()
	w.bills(t, n)
	w.dispatch(t)
	w.start(t)
	eventually(t, "e-mail is halted", func() bool { return w.emailHalt(t).On })
	waits := func() bool {
		untouched := 0
		for user := int64(1); user <= n; user++ {
			if w.row(user, 0, 0).State == "" {
				untouched++
			}
		}
		return w.service.InFlight() == untouched
	}
	eventually(t, "what is left waits", waits)
	refused := len(w.email.Calls())
	if refused > 101+atOnce {
		t.Fatalf("%d are refused before the channel is halted", refused)
	}
	if put := n - refused - w.service.InFlight(); put > atOnce {
		t.Errorf("%d messages were claimed and put back, instead of waiting before their claim", put)
	}
	halt := w.emailHalt(t)
	if halt.Actor != "balsong/delivery" || !strings.Contains(halt.Reason, " answers refuse the customer for good: test-EMAIL ") || !strings.Contains(halt.Reason, `most often "550 5.1.1 no such user"`) {
		t.Errorf("the halt is %+v", halt)
	}
	w.settle(t)
	record := w.dispatch(t) // while it is halted
	if record.Published != 0 || record.Status != port.RunFinished || record.Left != 0 || record.Decisions[billing.RuleChannelHalted] == 0 {
		t.Errorf("the run is %+v", record)
	}
	w.expectCalls(t, w.sms, 0)
	if !waits() {
		t.Error("a message that waits was given up")
	}
	if got := w.statuses(t, n); got[billing.Failed] != record.Decisions[billing.RuleChannelHalted] || got[billing.Requested]+got[billing.Failed]+got[billing.Ready] != n {
		t.Errorf("the bills are %v, of which the run left %d", got, record.Decisions[billing.RuleChannelHalted])
	}

	w.email.Answer(func(port.Delivery) memory.GatewayAnswer { return memory.GatewayAnswer{} }) // its register is up again
	w.clock.Advance(time.Minute)
	if _, err := w.operator.LiftChannelHalt(t.Context(), channel.Email, 0, by()); err != nil {
		t.Fatal(err)
	}
	w.whileTimePasses(t, "what waited is delivered", w.drained)
	w.settle(t)
	w.clock.Advance(time.Hour)
	w.dispatch(t)
	w.whileTimePasses(t, "those that were refused continue", w.drained)
	w.settle(t)
	if got := w.statuses(t, n); got[billing.Succeeded] != n {
		t.Errorf("in the end the bills are %v", got)
	}
	if calls := len(w.sms.Calls()); calls > 101+atOnce {
		t.Errorf("%d went on by SMS, and %d were refused", calls, refused)
	}
}

func TestAHaltOfOneChannelLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.operator.HaltChannel(t.Context(), channel.Email, by()); err != nil {
		t.Fatal(err)
	}
	bySMS := func(s *memory.Seeded) { s.State.Reachable = channel.NewSet(channel.SMS) }
	for user := int64(1); user <= 20; user++ {
		if user%2 == 0 {
			w.bill(t, user, bySMS)
		} else {
			w.bill(t, user)
		}
	}
	w.start(t)
	record := w.dispatch(t)
	if record.Published != 10 || record.Decisions[billing.RuleChannelHalted] != 10 || record.Skipped != 0 {
		t.Fatalf("the run is %+v", record)
	}
	w.awaitDrained(t)
	w.expectCalls(t, w.sms, 10)
	w.expectCalls(t, w.email, 0)
	w.expect(t, 1, billing.Ready, 0, 0)
}

// A claim that finds its channel halted makes no call, and costs neither an attempt nor a round that counts.
func TestAClaimIsNotCalledOnceItsChannelIsHalted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claiming := make(chan struct{}, 1)
	w.store.Fail(func(op string) error {
		if op != "ledger.claim" {
			return nil
		}
		select {
		case claiming <- struct{}{}:
		default:
		}
		return port.ErrConflict // until the halt is read
	})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-claiming
	if _, err := w.operator.HaltChannel(t.Context(), channel.Email, by()); err != nil {
		t.Fatal(err)
	}
	w.whileTimePasses(t, "the halt is read", func() bool {
		return len(w.log.Find("a channel is halted: nothing more goes out by it until that is lifted")) == 1
	})
	w.store.Fail(nil)
	w.whileTimePasses(t, "the claim has an outcome", w.drained)
	row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonHeld)
	if row.Class != attempt.Provider || row.SpendsRound() {
		t.Errorf("the row is %+v", row)
	}
	w.expectCalls(t, w.email, 0)
}

func TestAnotherProviderOfAHaltedChannelDoesNotTakeOver(t *testing.T) {
	t.Parallel()
	var all []vendor
	w := newWorld(t, func(w *world) { all = vendors(w, 1, 0) })
	all[0].Answer(func(port.Delivery) memory.GatewayAnswer {
		if err := w.store.ChannelHalts().Set(t.Context(), channel.Email, true, 0, by()); err != nil {
			t.Error(err)
		}
		w.clock.Advance(2 * time.Second)
		eventually(t, "the halt is read", func() bool {
			return len(w.log.Find("a channel is halted: nothing more goes out by it until that is lifted")) == 1
		})
		return aboutUs(false)
	})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonProvider)
	w.expectCalls(t, all[1].Gateway, 0)
}

func TestOnlyWhatIsSaidOfTheCustomerCountsForTheShare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer memory.GatewayAnswer
		halts  bool
	}{
		"for good":             {refused(attempt.Permanent), true},
		"for now":              {refused(attempt.Temporary), false},
		"for its content":      {refused(attempt.Content), false},
		"throttled":            {throttled(time.Minute), false},
		"about us":             {aboutUs(false), false},
		"nobody knows":         {memory.GatewayAnswer{Dropped: true}, false},
		"no connection at all": {memory.GatewayAnswer{Reply: port.Reply{Verdict: port.CallNotMade}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.email.Answer(func(port.Delivery) memory.GatewayAnswer { return c.answer })
			w.bills(t, 101)
			w.dispatch(t)
			w.start(t)
			w.awaitDrained(t)
			if got := w.emailHalt(t).On; got != c.halts {
				t.Errorf("halted: %v, want %v", got, c.halts)
			}
		})
	}
}

// Whom the provider suppresses neither counts as refused nor thins out the refusals of others.
func TestWhatAProviderSuppressesIsInNoWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Answer(func(d port.Delivery) memory.GatewayAnswer {
		if d.Key.UserID <= 101 {
			return refused(attempt.Permanent)
		}
		return refused(attempt.Suppressed)
	})
	w.bills(t, 100)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	for user := int64(102); user <= 102+450; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.awaitDrained(t)
	if w.emailHalt(t).On {
		t.Fatal("what is suppressed halts it")
	}
	w.bill(t, 101)
	w.dispatch(t)
	w.awaitDrained(t)
	if !w.emailHalt(t).On {
		t.Error("101 refusals do not halt it")
	}
}

// Whoever complains while the channel, or everything, is halted gets nothing once it is not any more.
func TestWhoIsSuppressedWhileItIsHaltedGetsNothingAfterwards(t *testing.T) {
	t.Parallel()
	for name, everything := range map[string]bool{"the channel": false, "everything": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			permits := newTurnstile()
			w := newWorld(t, func(w *world) { w.permits = permits })
			w.bills(t, 2)
			w.dispatch(t)
			w.start(t)
			<-permits.waiting
			<-permits.waiting // both have been looked at
			halt, lift, told := func() error { _, err := w.operator.HaltChannel(t.Context(), channel.Email, by()); return err },
				func() error { _, err := w.operator.LiftChannelHalt(t.Context(), channel.Email, 0, by()); return err },
				"a channel is halted: nothing more goes out by it until that is lifted"
			if everything {
				halt, lift = func() error { _, err := w.operator.Halt(t.Context(), by()); return err }, func() error { _, err := w.operator.LiftHalt(t.Context(), by()); return err }
				told = "halted: nothing more goes out until it is lifted"
			}
			if err := halt(); err != nil {
				t.Fatal(err)
			}
			w.whileTimePasses(t, "the halt is read", func() bool { return len(w.log.Find(told)) == 1 })
			permits.open()
			if err := w.store.Suppressions().Suppress(t.Context(), policy.ScopeAll, []port.Contact{{UserID: 1, Channel: channel.Email}}, by()); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(time.Minute)
			if err := lift(); err != nil {
				t.Fatal(err)
			}
			w.whileTimePasses(t, "both are through", w.drained)
			w.expectRow(t, 1, 0, 0, attempt.Failed, attempt.ReasonSuppress)
			w.expectRow(t, 2, 0, 0, attempt.Succeeded, "")
			w.expectCalls(t, w.email, 1)
		})
	}
}
