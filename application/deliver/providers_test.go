package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// vendor is a provider of e-mail in a test.
type vendor struct {
	*memory.Gateway
	permits *memory.Permits
}

// vendors makes e-mail go out by several providers, a, b, … with these weights.
func vendors(w *world, weights ...int) (all []vendor) {
	lane := deliver.Lane{}
	for i, weight := range weights {
		v := vendor{memory.NewGateway(port.Provider{
			Name: string(rune('a' + i)), Channel: channel.Email, CallDeadline: callDeadline, Lease: lease + time.Duration(i)*time.Minute, Margin: margin, InFlight: 10,
		}, w.gatewayClock), memory.NewPermits()}
		all = append(all, v)
		lane = append(lane, deliver.Provider{Gateway: v, Permits: v.permits, Weight: weight})
	}
	w.lanes = map[channel.Kind]deliver.Lane{channel.Email: lane}
	return all
}

// sent dispatches bills and returns how many each provider was called for.
func (w *world) sent(t *testing.T, from, to int64, all []vendor) (calls []int) {
	t.Helper()
	before := make([]int, len(all))
	for i, v := range all {
		before[i] = len(v.Calls())
	}
	for user := from; user <= to; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.awaitDrained(t)
	for i, v := range all {
		calls = append(calls, len(v.Calls())-before[i])
	}
	return calls
}

func expectShares(t *testing.T, when string, got []int, want ...int) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: the providers are called for %v messages, want %v", when, got, want)
			return
		}
	}
}

func TestProvidersShareAChannelsMessagesByTheirWeights(t *testing.T) {
	t.Parallel()
	var all []vendor
	w := newWorld(t, func(w *world) { all = vendors(w, 3, 1, 0) })
	w.start(t)
	expectShares(t, "weights 3, 1 and 0", w.sent(t, 1, 40, all), 30, 10, 0)
	for user := int64(1); user <= 40; user++ {
		row := w.expectRow(t, user, 0, 0, attempt.Succeeded, "")
		if row.Provider != "a" && row.Provider != "b" {
			t.Errorf("%d went out by %q", user, row.Provider)
		}
		if of := row.LeaseUntil.Sub(row.ClaimedAt); of != lease+2*time.Minute {
			t.Errorf("%d was claimed for %s: any provider of the channel may make its call", user, of)
		}
	}
}

func TestAProviderThatIsHeldBackIsTakenOverAndGetsItsShareAgain(t *testing.T) {
	t.Parallel()
	var all []vendor
	w := newWorld(t, func(w *world) { all = vendors(w, 3, 1, 0, 0) })
	w.start(t)
	all[0].permits.SetHeldBack(true)
	expectShares(t, "the first is held back", w.sent(t, 1, 12, all), 0, 12, 0, 0)
	all[1].permits.SetHeldBack(true)
	expectShares(t, "both with a weight are held back", w.sent(t, 13, 24, all), 0, 0, 6, 6)
	all[0].permits.SetHeldBack(false)
	all[1].permits.SetHeldBack(false)
	expectShares(t, "none is held back", w.sent(t, 25, 64, all), 30, 10, 0, 0)
}

func TestAMessageThatWaitsForLongTakesWhicheverProviderHasAPermit(t *testing.T) {
	t.Parallel()
	busy := newTurnstile() // gives no permit, and is not held back
	var all []vendor
	w := newWorld(t, func(w *world) {
		all = vendors(w, 1, 1)
		w.lanes[channel.Email][0].Permits = busy
	})
	w.start(t)
	expectShares(t, "the first gives no permit", w.sent(t, 1, 6, all), 0, 6)
	if now, _ := all[1].permits.Held(); now != 0 {
		t.Errorf("%d permits are not given back", now)
	}
}

func TestAChannelWhoseProvidersAreAllHeldBackWaits(t *testing.T) {
	t.Parallel()
	var stuck []*turnstile
	var all []vendor
	w := newWorld(t, func(w *world) {
		all = vendors(w, 1, 0)
		for i := range w.lanes[channel.Email] {
			stuck = append(stuck, newTurnstile())
			w.lanes[channel.Email][i].Permits = heldBack{stuck[i]}
		}
	})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	for _, s := range stuck { // it waits for either
		<-s.waiting
	}
	w.expectCalls(t, all[0].Gateway, 0)
	w.expectCalls(t, all[1].Gateway, 0)
	if row := w.row(1, 0, 0); row.State != "" {
		t.Errorf("it is %s: nothing may be claimed while it waits", row.State)
	}
	stuck[1].open()
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 0)
	w.expectCalls(t, all[1].Gateway, 1)
}

// heldBack is permits whose breaker is open.
type heldBack struct{ *turnstile }

func (heldBack) HeldBack() bool { return true }
