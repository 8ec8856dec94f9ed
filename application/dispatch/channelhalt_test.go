package dispatch_test

import (
	"testing"

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
	for _, linger := range []bool{false, true} {
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
		record, err := b.runner(t, dispatch.Config{Page: 7, Linger: linger}).Run(t.Context(), b.month, b.by, nil)
		if err != nil || record.Status != port.RunFinished {
			t.Fatalf("lingering %v: %s: %v", linger, record.Status, err)
		}
		if record.Published != 10 || record.Decisions[billing.RuleChannelHalted] != 20 || record.Skipped != 0 || record.Left != 0 {
			t.Errorf("lingering %v: the run is %+v", linger, record)
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
