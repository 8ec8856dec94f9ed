package deliver_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

func TestADeadlineThatPassedOnTheWayExpiresTheBillWithoutACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1, func(s *memory.Seeded) { s.State.Deadline = w.clock.Now().Add(time.Minute) })
	w.dispatch(t)
	w.clock.Advance(time.Minute)
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 0)
	w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonExpired)
	w.settle(t)
	w.expect(t, 1, billing.Expired, 0, 0)
}

func TestASuppressionThatCameOnTheWayGoesToTheNextOtherChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	if err := w.store.Suppressions().Suppress(t.Context(), policy.ScopeAll, []port.Contact{{UserID: 1, Channel: channel.Email}}, port.Act{Actor: "kim", Reason: "complained"}); err != nil {
		t.Fatal(err)
	}
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 0)
	row := w.expectRow(t, 1, 0, 0, attempt.Failed, attempt.ReasonSuppress)
	if row.Class != attempt.Suppressed {
		t.Fatalf("the class is %s", row.Class)
	}
	w.settle(t)
	if s := w.expect(t, 1, billing.Failed, 1, 0); s.Step != 2 {
		t.Fatalf("the next step is %d, want the SMS step 2", s.Step)
	}
	w.dispatch(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.sms, 1)
}

// An opt-out of advertising that came on the way ends an advertising message on the channel, and no bill.
func TestAnOptOutOfAdvertisingThatCameOnTheWayCostsABillNothing(t *testing.T) {
	t.Parallel()
	for class, calls := range map[policy.MessageClass]int{policy.Transactional: 1, policy.Advertising: 0} {
		w := newWorld(t, func(w *world) { w.spec.Class, w.spec.QuietChannels = class, channel.NewSet(channel.All...) })
		w.bill(t, 1)
		w.dispatch(t)
		contacts := []port.Contact{{UserID: 1, Channel: channel.Email}}
		if err := w.store.Suppressions().Suppress(t.Context(), policy.ScopeAdvertising, contacts, port.Act{Actor: "kim", Reason: "no advertising"}); err != nil {
			t.Fatal(err)
		}
		w.start(t)
		w.awaitDrained(t)
		w.expectCalls(t, w.email, calls)
	}
}

func TestQuietHoursOfTheCustomerCountWhereTheyDifferFromThePolicys(t *testing.T) {
	t.Parallel()
	noon, err := window.NewForbidden(12*60+30, 13*60, seoul)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(w *world) { w.spec.QuietChannels = channel.NewSet(channel.Email) })
	w.bill(t, 1, func(s *memory.Seeded) { s.State.Quiet = noon })
	w.dispatch(t)
	w.clock.Advance(45 * time.Minute)
	w.start(t)
	w.awaitDrained(t)
	row := w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonWindow)
	if want := time.Date(2026, 11, 22, 13, 0, 0, 0, seoul); !row.NotBefore.Equal(want) {
		t.Fatalf("the next round may begin at %s, want %s", row.NotBefore, want)
	}
}

func TestAChannelWithoutAGatewayHerePutsTheBillBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { delete(w.gateways, channel.Email) })
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonNoGateway)
	w.settle(t)
	if s := w.expect(t, 1, billing.Ready, 0, 1); !s.AvailableAt.After(w.clock.Now()) {
		t.Fatal("it is tried again at once")
	}
}

func TestAWindowThatClosesWhileWaitingForAPermitIsSeen(t *testing.T) {
	t.Parallel()
	permits := newTurnstile()
	w := newWorld(t, func(w *world) {
		quiet, err := window.NewForbidden(21*60, 8*60, seoul)
		if err != nil {
			t.Fatal(err)
		}
		w.spec.QuietHours, w.spec.QuietChannels, w.permits = quiet, channel.NewSet(channel.Email), permits
	})
	w.clock.Set(time.Date(2026, 11, 22, 20, 59, 0, 0, seoul))
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-permits.waiting
	w.clock.Advance(2 * time.Minute)
	permits.open()
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 0)
	w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonWindow)
	if made := permits.made.Load(); made != 0 {
		t.Fatalf("the permit came back as used for %d calls", made)
	}
}

func TestAStorageThatIsDownIsWaitedForAndNothingIsSpent(t *testing.T) {
	t.Parallel()
	packs := &flaky{Packs: memory.NewPacks()}
	packs.down.Store(true)
	w := newWorld(t, func(w *world) { w.packs, w.packsPort = packs.Packs, packs })
	for user := int64(1); user <= 20; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.start(t)
	w.whileTimePasses(t, "storage is known to be down", func() bool { return len(w.service.Down()) == 1 && packs.asked.Load() > 60 })
	if down := w.service.Down(); down[0] != "statements" {
		t.Fatalf("%v are down", down)
	}
	if rows := w.store.Rows(w.key(1)); len(rows) != 0 || w.lag() != 20 {
		t.Fatalf("there are rows %v, and the lag is %d, while storage is down", rows, w.lag())
	}
	packs.down.Store(false)
	w.whileTimePasses(t, "everything goes on by itself", w.drained)
	w.settle(t)
	for user := int64(1); user <= 20; user++ {
		w.expect(t, user, billing.Succeeded, 0, 0)
	}
	if parts := w.outages(); len(parts) != 1 {
		t.Fatalf("the outage was told %d times: %v", len(parts), parts)
	}
}

func TestAnUnknownKeyIsWaitedForAndSpendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newer := memory.NewCipher() // the writer has it already, Delivery does not
	w.billUnder(t, 1, newer)
	w.bill(t, 2)
	w.dispatch(t)
	w.start(t)
	w.whileTimePasses(t, "the other bill is sent meanwhile", func() bool { return w.row(2, 0, 0).State == attempt.Succeeded })
	w.whileTimePasses(t, "the key is missed", func() bool { return len(w.service.Down()) == 1 })
	if rows := w.store.Rows(w.key(1)); len(rows) != 0 {
		t.Fatalf("the ledger has %v", rows)
	}
	if n := w.metrics.Counted(metric.UnknownKeys.Metric); n != 1 { // however often it is tried
		t.Errorf("%d unknown keys are counted", n)
	}
	w.cipher.add(newer)
	w.whileTimePasses(t, "it goes on once the key is there", w.drained)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 0)
	w.expectCalls(t, w.email, 2)
	if len(w.service.Down()) != 0 || len(w.broker.Messages(port.TopicDeadLetter)) != 0 {
		t.Fatalf("still waiting for %v", w.service.Down())
	}
}

func TestARequestForAMonthWithoutRoomIsADeadLetterAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	stray := w.broker.Messages(port.TopicRequests)[0]
	r, _, err := event.DecodeRequested(stray.Message)
	if err != nil {
		t.Fatal(err)
	}
	r.Month = w.month + 12
	expired := w.clock.Now().Add(-time.Hour)
	r.Deadline = &expired // it would be closed before a claim
	m, err := r.Message("test", "", w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.publish(t, m)
	w.start(t)
	w.awaitDrained(t)
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
	if letters := w.broker.Messages(port.TopicDeadLetter); len(letters) != 1 {
		t.Fatalf("%d dead letters", len(letters))
	}
}

// picky is a ledger that refuses claims of one user, as a database does that has no room for a row.
type picky struct {
	port.Ledger
	user int64
}

func (p picky) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	for _, c := range claims {
		if c.Key.UserID == p.user {
			return nil, fmt.Errorf("claim: %w: no room", port.ErrInvalid)
		}
	}
	return p.Ledger.Claim(ctx, claims)
}

func TestAClaimThatTheLedgerRefusesAsInvalidHurtsNoOther(t *testing.T) {
	t.Parallel()
	spans := &memory.Traces{}
	w := newWorld(t, func(w *world) {
		w.ledger = picky{w.store.Ledger(), 7}
		w.tracer = trace.New(spans, 0, &memory.Metrics{}) // failures alone
	})
	for user := int64(1); user <= 20; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	for user := int64(1); user <= 20; user++ {
		if user != 7 {
			w.expectRow(t, user, 0, 0, attempt.Succeeded, "")
		}
	}
	w.expectCalls(t, w.email, 19)
	if letters := w.broker.Messages(port.TopicDeadLetter); len(letters) != 1 || letters[0].Key != "7" {
		t.Fatalf("%d dead letters", len(letters))
	}
	if failed := spans.Recorded(trace.ProcessRequest); len(failed) != 1 || !failed[0].Failed {
		t.Errorf("the log names a span of the one that failed; %d are recorded", len(failed))
	}
}

// turnstile is permits that wait until they are opened.
type turnstile struct {
	waiting chan struct{}
	opened  chan struct{}
	made    atomic.Int32
}

func newTurnstile() *turnstile {
	return &turnstile{waiting: make(chan struct{}, 10_000), opened: make(chan struct{})}
}

func (p *turnstile) open() { close(p.opened) }

// HeldBack implements port.Permits.
func (p *turnstile) HeldBack() bool { return false }

// Acquire implements port.Permits.
func (p *turnstile) Acquire(ctx context.Context) (port.Permit, error) {
	p.waiting <- struct{}{}
	select {
	case <-p.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return passed{p}, nil
}

// passed is a permit of a turnstile.
type passed struct{ turnstile *turnstile }

func (p passed) Begin() bool        { return true }
func (p passed) Release(port.Reply) { p.turnstile.made.Add(1) }
func (p passed) Cancel()            {}

// flaky is storage that may be down.
type flaky struct {
	*memory.Packs
	down  atomic.Bool
	asked atomic.Int32
}

// Get implements port.Packs.
func (p *flaky) Get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	p.asked.Add(1)
	if p.down.Load() {
		return nil, fmt.Errorf("get: %w", port.ErrUnavailable)
	}
	return p.Packs.Get(ctx, ref, buffer)
}

func TestACopyOfARequestThatWasClosedWithoutACallRepeatsItsResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1, func(s *memory.Seeded) { s.State.Deadline = w.clock.Now().Add(time.Minute) })
	w.dispatch(t)
	w.clock.Advance(time.Minute)
	stop := w.start(t)
	w.awaitDrained(t)
	w.copyRequests(t, 1)
	w.awaitDrained(t)
	stop()
	if n := len(w.broker.Messages(port.TopicResults)); n != 2 || len(w.store.Rows(w.key(1))) != 1 {
		t.Fatalf("%d results, rows %v", n, w.store.Rows(w.key(1)))
	}
}
