package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// lookOf is the statement that looks at the suppression list.
const lookOf = "suppressions.suppressed"

// Whoever opts out while its message waits for a circuit breaker, a slow rate or the provider's token gets nothing, although nothing is
// halted.
func TestWhoIsSuppressedWhileItWaitsForItsCallGetsNothingAfterwards(t *testing.T) {
	t.Parallel()
	permits := newTurnstile()
	w := newWorld(t, func(w *world) { w.permits = permits })
	w.bills(t, 2)
	w.dispatch(t)
	w.start(t)
	<-permits.waiting
	<-permits.waiting // both have been looked at
	if err := w.store.Suppressions().Suppress(t.Context(), policy.ScopeAll, []port.Contact{{UserID: 1, Channel: channel.Email}}, by()); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute + time.Second)
	permits.open()
	w.awaitDrained(t)
	w.expectRow(t, 1, 0, 0, attempt.Failed, attempt.ReasonSuppress)
	w.expectRow(t, 2, 0, 0, attempt.Succeeded, "")
	w.expectCalls(t, w.email, 1)
	if made := permits.made.Load(); made != 1 {
		t.Errorf("%d permits are used", made)
	}
}

// A message that waits for its turn no longer than usual is looked at once.
func TestTheSuppressionListIsReadAgainOnlyAfterALongWait(t *testing.T) {
	t.Parallel()
	for waited, statements := range map[time.Duration]int{time.Minute: 1, time.Minute + time.Second: 2} {
		permits, seen := newTurnstile(), failures(nil, nil)
		w := newWorld(t, func(w *world) { w.permits = permits })
		w.bill(t, 1)
		w.dispatch(t)
		w.store.Fail(seen.hook)
		w.start(t)
		<-permits.waiting
		w.clock.Advance(waited)
		permits.open()
		w.awaitDrained(t)
		w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
		if n := seen.count(lookOf); n != statements {
			t.Errorf("after %s the list was read %d times, want %d", waited, n, statements)
		}
	}
}

// While the list cannot be read again, the message waits, and its hours count once it can.
func TestAMessageWhoseCustomerCannotBeLookedUpAgainWaits(t *testing.T) {
	t.Parallel()
	permits, down := newTurnstile(), failures(port.ErrUnavailable, map[string]int{lookOf: 1 << 30})
	w := newWorld(t, func(w *world) { w.permits = permits })
	deadline := w.clock.Now().Add(2 * time.Minute)
	w.bill(t, 1, func(s *memory.Seeded) { s.State.Deadline = deadline })
	w.dispatch(t)
	w.start(t)
	<-permits.waiting
	w.store.Fail(down.hook)
	w.clock.Advance(time.Minute + time.Second)
	permits.open()
	w.whileTimePasses(t, "the database is missed", func() bool { return len(w.service.Down()) == 1 && w.clock.Now().After(deadline) })
	w.store.Fail(nil)
	w.whileTimePasses(t, "it goes on", w.drained)
	w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonExpired)
	w.expectCalls(t, w.email, 0)
}
