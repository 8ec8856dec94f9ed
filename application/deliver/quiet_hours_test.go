package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// Quiet hours end to end, on one clock: published at 20:59, consumed at 21:01, deferred to the next opening without
// spending an attempt, sent then, once.
func TestABillPublishedBeforeQuietHoursAndConsumedInThemGoesOutInTheMorningOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		quiet, err := window.NewForbidden(21*60, 8*60, seoul)
		if err != nil {
			t.Fatal(err)
		}
		w.spec.QuietHours, w.spec.QuietChannels = quiet, channel.NewSet(channel.Email, channel.SMS)
	})
	w.clock.Set(time.Date(2026, 11, 22, 20, 59, 0, 0, seoul))
	w.bill(t, 1)
	if record := w.dispatch(t); record.Published != 1 {
		t.Fatalf("at 20:59 %d were published", record.Published)
	}
	w.expect(t, 1, billing.Requested, 0, 0)

	w.clock.Set(time.Date(2026, 11, 22, 21, 1, 0, 0, seoul))
	w.runSettlement(t)
	w.start(t)
	w.awaitDrained(t)
	opening := time.Date(2026, 11, 23, 8, 0, 0, 0, seoul)
	if row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonWindow); !row.NotBefore.Equal(opening) {
		t.Fatalf("the row says not before %s, want %s", row.NotBefore, opening)
	}
	eventually(t, "settlement puts the bill back", func() bool { return w.state(t, 1).Dispatch == billing.Ready })
	if s := w.expect(t, 1, billing.Ready, 0, 1); !s.AvailableAt.Equal(opening) || s.Step != 0 {
		t.Fatalf("it is available at %s on step %d", s.AvailableAt, s.Step)
	}

	for _, at := range []time.Time{w.clock.Now(), opening.Add(-time.Second)} {
		w.clock.Set(at)
		if record := w.dispatch(t); record.Published != 0 {
			t.Fatalf("at %s %d were published", at, record.Published)
		}
	}
	w.clock.Set(opening)
	if record := w.dispatch(t); record.Published != 1 {
		t.Fatalf("at 08:00 %d were published", record.Published)
	}
	w.awaitDrained(t)
	eventually(t, "the bill is settled", func() bool { return w.state(t, 1).Dispatch == billing.Succeeded })
	w.expect(t, 1, billing.Succeeded, 0, 1)

	w.copyRequests(t, 1) // late copies of both rounds
	w.awaitDrained(t)
	w.dispatch(t)
	w.expectCalls(t, w.email, 1)
	w.expectCalls(t, w.sms, 0)
	if call := w.email.Calls()[0]; call.Key.String() != "2026-11/1/0/1" {
		t.Fatalf("it was sent as %s", call.Key)
	}
}

// An advertising SMS went out at 23:30: the customer's own hours, from midnight on, had replaced the policy's. Delivery
// checks both windows again, each alone is enough.
func TestAdvertisingIsPutBackByThePolicysHoursAndByTheCustomersOwn(t *testing.T) {
	t.Parallel()
	hours := func(from, to window.Minute) window.Forbidden {
		w, err := window.NewForbidden(from, to, seoul)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := newWorld(t, func(w *world) {
		w.spec.Class, w.spec.QuietHours, w.spec.QuietChannels = policy.Advertising, hours(21*60, 8*60), channel.NewSet(channel.All...)
	})
	w.clock.Set(time.Date(2026, 11, 22, 11, 59, 0, 0, seoul))
	w.bill(t, 1, func(s *memory.Seeded) { s.State.Quiet = hours(0, 6*60) })
	w.bill(t, 2, func(s *memory.Seeded) { s.State.Quiet = hours(12*60, 13*60) })
	if record := w.dispatch(t); record.Published != 2 {
		t.Fatalf("at 11:59 %d were published", record.Published)
	}
	w.runSettlement(t)
	w.clock.Set(time.Date(2026, 11, 22, 23, 30, 0, 0, seoul))
	w.start(t)
	w.awaitDrained(t)
	opening := time.Date(2026, 11, 23, 8, 0, 0, 0, seoul)
	for user := int64(1); user <= 2; user++ {
		if row := w.expectRow(t, user, 0, 0, attempt.NotSent, attempt.ReasonWindow); !row.NotBefore.Equal(opening) {
			t.Fatalf("the row of %d says not before %s, want %s", user, row.NotBefore, opening)
		}
		eventually(t, "settlement puts the message back", func() bool { return w.state(t, user).Dispatch == billing.Ready })
	}
	w.clock.Set(opening)
	if record := w.dispatch(t); record.Published != 2 {
		t.Fatalf("at 08:00 %d were published", record.Published)
	}
	w.awaitDrained(t)
	eventually(t, "both are settled", func() bool {
		return w.state(t, 1).Dispatch == billing.Succeeded && w.state(t, 2).Dispatch == billing.Succeeded
	})
}

func TestAnAdvertisingMessageConsumedInTheCustomersOwnHoursIsPutBack(t *testing.T) {
	t.Parallel()
	own, err := window.NewForbidden(12*60, 13*60, seoul)
	if err != nil {
		t.Fatal(err)
	}
	general, err := window.NewForbidden(21*60, 8*60, seoul)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(w *world) {
		w.spec.Class, w.spec.QuietHours, w.spec.QuietChannels = policy.Advertising, general, channel.NewSet(channel.All...)
	})
	w.clock.Set(time.Date(2026, 11, 22, 11, 59, 0, 0, seoul))
	w.bill(t, 1, func(s *memory.Seeded) { s.State.Quiet = own })
	w.dispatch(t)
	w.clock.Set(time.Date(2026, 11, 22, 12, 1, 0, 0, seoul))
	w.start(t)
	w.awaitDrained(t)
	if row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonWindow); !row.NotBefore.Equal(time.Date(2026, 11, 22, 13, 0, 0, 0, seoul)) {
		t.Fatalf("the row says not before %s", row.NotBefore)
	}
}
