package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

func (b *bundle) haltChannel(t *testing.T, kind channel.Kind, on bool) {
	t.Helper()
	if err := b.store.ChannelHalts().Set(t.Context(), kind, on, 0, port.Act{Actor: "on-call", Reason: "its register is down"}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWaitsForAHaltedChannelStaysAsItIsAndCountsAsNotDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(30, func(s *billing.State) {
		switch s.Key.UserID % 3 {
		case 0: // reachable by SMS alone
			s.Reachable = channel.NewSet(channel.SMS)
		case 1: // was refused by e-mail, and SMS is next
			s.Dispatch, s.Attempt, s.Step = billing.Failed, 1, 2
		}
	})
	b.haltChannel(t, channel.Email, true)
	before := []billing.State{b.state(t, 1), b.state(t, 2)}
	record, err := b.runner(t, dispatch.Config{Page: 7}).Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Status != port.RunFinished {
		t.Fatalf("%s: %v", record.Status, err)
	}
	if record.Published != 10 || record.Decisions[billing.RuleChannelHalted] != 20 || record.Skipped != 0 || record.Left != 0 {
		t.Errorf("the run is %+v", record)
	}
	for i, want := range before {
		if got := b.state(t, int64(i+1)); got != want {
			t.Errorf("%+v became %+v", want, got)
		}
	}
	b.haltChannel(t, channel.Email, false)
	if record, err = b.runner(t, dispatch.Config{}).Run(t.Context(), b.month, b.by, nil); err != nil || record.Published != 20 {
		t.Errorf("once it is lifted: %+v, %v", record, err)
	}
}

func TestAHaltOfAChannelBindsFromTheNextPageOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(30, nil)
	record, err := b.runner(t, dispatch.Config{Page: 10}).Run(t.Context(), b.month, b.by, func(r port.Run) {
		if r.Pages == 1 {
			b.haltChannel(t, channel.Email, true)
		}
	})
	if err != nil || record.Published != 10 || record.Decisions[billing.RuleChannelHalted] != 20 {
		t.Fatalf("the run is %+v: %v", record, err)
	}
}

// A lingering run goes on beside what waits for a halted channel, sees the halt lifted, and ends once nothing else is left.
func TestALingeringRunGoesOnBesideABillThatWaitsForAHaltedChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(3, func(s *billing.State) {
		if s.Key.UserID > 1 {
			s.Reachable = channel.NewSet(channel.SMS)
		}
	})
	b.haltChannel(t, channel.Email, true)
	run := b.linger(t.Context(), t, dispatch.Config{LingerPoll: 10 * time.Second})
	b.become(t, 2, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.become(t, 3, func(s *billing.State) {
		s.Dispatch, s.Attempt, s.AvailableAt = billing.Failed, 1, b.clock.Now().Add(15*time.Second)
	})
	for range 2 { // in flight is nothing, and what is due later is waited for
		b.clock.Advance(10 * time.Second)
		run.awaitPoll(t)
	}
	if got := b.state(t, 3); got.Dispatch != billing.Requested {
		t.Fatalf("the retry is %s", got.Dispatch)
	}
	b.haltChannel(t, channel.Email, false)
	b.clock.Advance(10 * time.Second)
	run.awaitPoll(t)
	if got := b.state(t, 1); got.Dispatch != billing.Requested {
		t.Fatalf("once the halt is lifted the bill that waited is %s", got.Dispatch)
	}
	b.haltChannel(t, channel.Email, true)
	b.become(t, 1, func(s *billing.State) { s.Dispatch = billing.Ready })
	b.become(t, 3, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.clock.Advance(10 * time.Second)
	<-run.over.Done()
	if run.err != nil || run.record.Published != 4 || run.record.Decisions[billing.RuleChannelHalted] != 1 || run.record.Status != port.RunFinished {
		t.Fatalf("%+v: %v", run.record, run.err)
	}
}

// A halt that is lifted while a pass is under way concerns the pages before, too.
func TestALingeringRunSeesAHaltThatWasLiftedDuringItsPass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(4, nil)
	b.haltChannel(t, channel.Email, true)
	over := make(chan error, 1)
	var record port.Run
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	runner := b.runner(t, dispatch.Config{Page: 2, Linger: true})
	go func() {
		var err error
		record, err = runner.Run(ctx, b.month, b.by, func(r port.Run) {
			if r.Pages == 1 {
				b.haltChannel(t, channel.Email, false)
			}
		})
		over <- err
	}()
	if err := b.clock.AwaitTimers(ctx, 1); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-over; !errors.Is(err, dispatch.ErrStopped) || record.Published != 4 {
		t.Fatalf("%d published: %v", record.Published, err)
	}
}

// Beside very many that wait it ends: each look for what else is due would lock all of them.
func TestALingeringRunEndsWhereVeryManyWaitForAHaltedChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(10_002, func(s *billing.State) {
		if s.Key.UserID == 1 {
			s.Reachable = channel.NewSet(channel.SMS)
		}
	})
	b.haltChannel(t, channel.Email, true)
	record, err := b.runner(t, dispatch.Config{Linger: true}).Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Published != 1 || record.Status != port.RunFinished {
		t.Fatalf("%+v: %v", record, err)
	}
}
