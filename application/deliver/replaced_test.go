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
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/window"
)

// What the system this replaces got wrong, seen by running it. Here each goes through dispatch, Delivery and settlement
// together; the packages of the use cases have their own tests of the same.

func TestReplacedASecondRunOverAnUnconsumedBacklogPublishesAndSendsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 30; user++ {
		w.bill(t, user)
	}
	if record := w.dispatch(t); record.Published != 30 {
		t.Fatalf("the first run published %d", record.Published)
	}
	if record := w.dispatch(t); record.Published != 0 {
		t.Fatalf("the second run published %d again", record.Published)
	}
	w.start(t)
	w.awaitDrained(t)
	w.settle(t)
	for target, n := range w.email.Accepted() {
		if n != 1 {
			t.Errorf("%s was accepted %d times", target, n)
		}
	}
	w.expectCalls(t, w.email, 30)
}

func TestReplacedALateCopyOfAnEMailDoesNotSkipTheSMSFallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(refused(attempt.Permanent))
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Failed, 1, 0)
	w.copyRequests(t, 2) // between the refusal and the fallback
	w.awaitDrained(t)
	w.settle(t)
	w.dispatch(t)
	w.copyRequests(t, 1) // and beside it
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 1, 0)
	w.expectCalls(t, w.email, 1)
	w.expectCalls(t, w.sms, 1)
}

func TestReplacedACustomerWithBillsOfTwoMonthsGetsBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.month
	for _, month := range []key.Month{first, first.Next()} {
		w.month = month
		for user := int64(1); user <= 25; user++ {
			w.bill(t, user)
		}
	}
	w.start(t)
	for _, month := range []key.Month{first, first.Next()} {
		w.month = month
		w.dispatch(t)
	}
	w.awaitDrained(t)
	accepted := w.email.Accepted()
	for _, month := range []key.Month{first, first.Next()} {
		for user := int64(1); user <= 25; user++ {
			if n := accepted[key.Target{Month: month, UserID: user}]; n != 1 {
				t.Errorf("the bill of customer %d of %s was accepted %d times", user, month, n)
			}
		}
	}
}

func TestReplacedABillWithoutADestinationIsNeitherSentNorCountedAsDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1, func(s *memory.Seeded) { s.Destinations, s.State.Reachable = nil, 0 })
	w.bill(t, 2, func(s *memory.Seeded) { s.Destinations = s.Destinations[:0] }) // said to be reachable, and is not
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.settle(t)
	for _, user := range []int64{1, 2} {
		if s := w.expect(t, user, billing.Paused, 0, 0); s.Pause != billing.PauseNoDestination {
			t.Errorf("target %d is paused for %s", user, s.Pause)
		}
	}
	funnel, err := w.store.Report().Funnel(t.Context(), w.month)
	if err != nil || funnel.Dispatch[billing.Succeeded] != 0 {
		t.Fatalf("%d count as delivered: %v", funnel.Dispatch[billing.Succeeded], err)
	}
}

func TestReplacedWhatAKilledProcessHadInFlightIsFoundAndShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	// The process claims, calls, and is gone: no outcome, no result, its offset perhaps committed.
	request, _, err := event.DecodeRequested(w.broker.Messages(port.TopicRequests)[0].Message)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.store.Ledger().Claim(t.Context(), []attempt.Claim{{
		Key: request.Delivery(), Facts: request.Facts(), Token: attempt.Token{9}, Provider: "test-EMAIL", Lease: lease,
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.runSettlement(t)
	w.start(t)
	w.awaitDrained(t) // redelivered: dropped by its key
	w.whileTimePasses(t, "the lease ends and the bill shows as UNKNOWN", func() bool { return w.state(t, 1).Dispatch == billing.Unknown })
	w.dispatch(t)
	w.expectCalls(t, w.email, 0)
	if _, err := w.operator.Verdict(t.Context(), w.key(1), false, by()); err != nil {
		t.Fatal(err)
	}
	w.expect(t, 1, billing.Failed, 1, 0)
	w.clock.Advance(time.Hour)
	w.dispatch(t)
	w.awaitDrained(t)
	eventually(t, "it is sent after the verdict", func() bool { return w.state(t, 1).Dispatch == billing.Succeeded })
	w.expectCalls(t, w.email, 1)
}

func TestReplacedATwoSecondRestartOfTheDatabaseLosesNoSettlementAndNoMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 20; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	back := w.clock.Now().Add(2 * time.Second)
	w.store.Fail(func(op string) error {
		if w.clock.Now().Before(back) {
			return port.ErrUnavailable
		}
		return nil
	})
	w.runSettlement(t)
	w.start(t)
	w.whileTimePasses(t, "every bill is delivered and settled", func() bool {
		funnel, err := w.store.Report().Funnel(t.Context(), w.month)
		return err == nil && funnel.Dispatch[billing.Succeeded] == 20 && w.drained()
	})
	w.expectCalls(t, w.email, 20)
	for user := int64(1); user <= 20; user++ {
		w.expect(t, user, billing.Succeeded, 0, 0)
	}
	if parts := w.outages(); len(parts) != 2 { // Delivery and settlement each tell once
		t.Fatalf("the outage was told %d times: %v", len(parts), parts)
	}
}

func TestReplacedARetriedMessageIsEncodedOnceAndAnUndecodableOneIsInTheDeadLetterTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broker.SetFault(func(topic port.Topic, _ port.Message) memory.Fault {
		if topic == port.TopicRequests {
			return memory.FaultAckLost
		}
		return memory.FaultNone
	})
	w.bill(t, 1)
	w.dispatch(t) // in the topic, and not acknowledged
	w.broker.SetFault(nil)
	w.clock.Advance(time.Hour)
	w.dispatch(t) // published again
	requests := w.broker.Messages(port.TopicRequests)
	if len(requests) != 2 {
		t.Fatalf("%d requests", len(requests))
	}
	for _, m := range requests {
		r, known, err := event.DecodeRequested(m.Message)
		if err != nil || !known || r.Delivery() != (key.Delivery{Month: w.month, UserID: 1}) {
			t.Fatalf("the retried message reads as %+v: %v", r, err)
		}
	}
	bad := requests[0].Message
	bad.Value = []byte(`"` + string(bad.Value) + `"`)
	bad.Headers = nil
	w.publish(t, bad)
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 1)
	letters := w.broker.Messages(port.TopicDeadLetter)
	if len(letters) != 1 || string(letters[0].Value) != string(bad.Value) || reasonOf(letters[0]) == "" {
		t.Fatalf("the dead letters are %v", letters)
	}
}

func TestReplacedQuietHoursThatWrapMidnightHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hour, minute int
		calls        int
	}{{20, 59, 1}, {21, 0, 0}, {23, 59, 0}, {0, 0, 0}, {7, 59, 0}, {8, 0, 1}, {12, 0, 1}} {
		w := newWorld(t, func(w *world) {
			quiet, err := window.NewForbidden(21*60, 8*60, seoul)
			if err != nil {
				t.Fatal(err)
			}
			w.spec.QuietHours, w.spec.QuietChannels = quiet, channel.NewSet(channel.Email)
		})
		w.clock.Set(time.Date(2026, 11, 22, c.hour, c.minute, 0, 0, seoul))
		w.bill(t, 1)
		w.dispatch(t)
		w.start(t)
		w.awaitDrained(t)
		if n := len(w.email.Calls()); n != c.calls {
			t.Errorf("at %02d:%02d there were %d calls, want %d", c.hour, c.minute, n, c.calls)
		}
	}
}

func TestReplacedARunLocksEachRowOnceAndNeverReadsTheWholeTableForAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 2500; user++ {
		w.store.Seed(memory.Seeded{State: billing.State{
			Key: w.key(user), Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: w.clock.Now(), Reachable: channel.NewSet(channel.Email),
		}, Statement: []byte("reference"), Destinations: []port.Destination{{Channel: channel.Email, Sealed: []byte("e")}}})
	}
	faults := failures(nil, nil)
	w.store.Fail(faults.hook)
	record := w.dispatch(t)
	if record.Published != 2500 || record.Pages != 3 || faults.count("targets.lock_page") != 3 || faults.count("targets.save") != 3 {
		t.Fatalf("%d published in %d pages, %d locked, %d saved", record.Published, record.Pages, faults.count("targets.lock_page"), faults.count("targets.save"))
	}
}
