package settle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var errCrash = errors.New("the process is gone")

// world is one target, the real use cases over the memory store, and a Delivery that is played by hand, step by step.
type world struct {
	clock    *memory.Clock
	log      *memory.Log
	store    *memory.Store
	runner   *dispatch.Runner
	settler  *settle.Settler
	operator *operate.Operator
	key      key.Target
	topic    []event.Requested // every event that is in the topic, also those whose acknowledgement was lost
	loseAcks bool
	calls    int
}

// newWorld has one READY target with the route EMAIL ×2 → SMS ×1.
func newWorld(t *testing.T, unknown attempt.UnknownPolicy) *world {
	t.Helper()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	month, err := key.NewMonth(2026, time.November)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{clock: clock, log: &memory.Log{}, store: memory.NewStore(clock), key: key.Target{Month: month, UserID: 4711}}
	version, err := w.store.Policies().Draft(t.Context(), policy.Spec{
		Name: "monthly", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
		Unknown:     map[channel.Kind]attempt.UnknownPolicy{channel.Email: unknown, channel.SMS: unknown},
		Undelivered: map[channel.Kind]policy.Undelivered{channel.Email: policy.UndeliveredNext, channel.SMS: policy.UndeliveredNext},
	}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Policies().Activate(t.Context(), version.Ref(), w.by()); err != nil {
		t.Fatal(err)
	}
	w.seed(w.key)
	w.wire(t)
	return w
}

// seed stores a READY target.
func (w *world) seed(k key.Target) {
	w.store.Seed(memory.Seeded{
		State: billing.State{
			Key: k, Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: w.clock.Now(),
			Reachable: channel.NewSet(channel.Email, channel.SMS),
		},
		Statement:    []byte("reference"),
		Destinations: []port.Destination{{Channel: channel.Email, Sealed: []byte("e")}, {Channel: channel.SMS, Sealed: []byte("s")}},
	})
}

func (w *world) wire(t *testing.T) {
	t.Helper()
	var err error
	w.runner, err = dispatch.New(dispatch.Ports{
		Targets: w.store.Targets(), Backlog: w.store.Backlog(), Months: w.store.Months(), Policies: w.store.Policies(),
		Control: w.store.Control(), ChannelHalts: w.store.ChannelHalts(), Runs: w.store.Runs(), Publisher: w, Clock: w.clock, Log: w.log, Metrics: &memory.Metrics{},
		Installation: w.store.Installation(),
	}, dispatch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.settler, err = settle.New(settle.Ports{
		Targets: w.store.Targets(), Sweeps: w.store.Sweeps(), Requests: w.store.Requests(), Months: w.store.Months(),
		Policies: w.store.Policies(), Group: w, Clock: w.clock, Log: w.log, Metrics: &memory.Metrics{},
	}, settle.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.operator = operate.New(operate.Ports{
		Targets: w.store.Targets(), Ledger: w.store.Ledger(), Sweeps: w.store.Sweeps(), Policies: w.store.Policies(),
		Control: w.store.Control(), Months: w.store.Months(), Suppressions: w.store.Suppressions(),
		Report: w.store.Report(), Audit: w.store.Audit(), Clock: w.clock, Log: w.log,
	}, time.Minute)
}

func (w *world) by() port.Act { return port.Act{Actor: "test", Reason: "the model's order of events"} }

// Publish implements port.Publisher.
func (w *world) Publish(_ context.Context, _ port.Topic, messages []port.Message) []error {
	errs := make([]error, len(messages))
	for i, m := range messages {
		r, _, err := event.DecodeRequested(m)
		if err == nil {
			w.topic = append(w.topic, r)
		}
		if errs[i] = err; w.loseAcks {
			errs[i] = port.ErrUnavailable
		}
	}
	return errs
}

// ReadUpTo implements port.ConsumerGroup: the reaper is always let through, as early as it likes.
func (w *world) ReadUpTo(context.Context, time.Time) (bool, error) { return true, nil }

// Position implements port.ConsumerGroup.
func (w *world) Position(context.Context) (port.GroupPosition, error) {
	return port.GroupPosition{}, nil
}

// Members implements port.ConsumerGroup.
func (w *world) Members(context.Context) (int, error) { return 0, nil }

func (w *world) dispatchOnce(t *testing.T) {
	t.Helper()
	if _, err := w.runner.Run(t.Context(), w.key.Month, w.by(), nil); err != nil {
		t.Fatal(err)
	}
}

func (w *world) dispatchAndCrash(t *testing.T) {
	t.Helper()
	if _, err := w.runner.Run(t.Context(), w.key.Month, w.by(), nil); !errors.Is(err, errCrash) {
		t.Fatalf("the run ended with %v", err)
	}
}

// tryClaim claims a message's key with the token of a consumer.
func (w *world) tryClaim(t *testing.T, r event.Requested, consumer byte) bool {
	t.Helper()
	owned, err := w.store.Ledger().Claim(t.Context(), []attempt.Claim{{
		Key: r.Delivery(), Facts: r.Facts(), Token: attempt.Token{consumer}, Provider: "test", Lease: time.Minute,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return len(owned) == 1
}

func (w *world) claim(t *testing.T, r event.Requested, consumer byte) {
	t.Helper()
	if !w.tryClaim(t, r, consumer) {
		t.Fatalf("%s was not claimed", r.Delivery())
	}
}

// answer is the gateway's answer to the call of a consumer, stored by it.
func (w *world) answer(t *testing.T, r event.Requested, consumer byte, state attempt.State) {
	t.Helper()
	w.calls++
	o := attempt.Outcome{Key: r.Delivery(), Token: attempt.Token{consumer}, State: state, Provider: "test", FinishedAt: w.clock.Now()}
	if state == attempt.Failed {
		o.Class, o.Reason = attempt.Temporary, attempt.ReasonRefused
	}
	if _, err := w.store.Ledger().Record(t.Context(), []attempt.Outcome{o}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) deliver(t *testing.T, r event.Requested, state attempt.State) {
	t.Helper()
	w.claim(t, r, 1)
	w.answer(t, r, 1, state)
}

func (w *world) close(t *testing.T, r event.Requested, state attempt.State, reason attempt.Reason, notBefore time.Time) {
	t.Helper()
	inserted, err := w.store.Ledger().Close(t.Context(), []attempt.Closing{{
		Key: r.Delivery(), Facts: r.Facts(), State: state, Reason: reason, NotBefore: notBefore, FinishedAt: w.clock.Now(),
	}})
	if err != nil || len(inserted) != 1 {
		t.Fatalf("closing %s: %v", r.Delivery(), err)
	}
}

func (w *world) settle(t *testing.T) {
	t.Helper()
	if _, err := w.settler.Settle(t.Context(), []key.Target{w.key}); err != nil {
		t.Fatal(err)
	}
	if n, err := w.settler.Settle(t.Context(), []key.Target{w.key}); err != nil || n != 0 {
		t.Fatalf("a second look changed %d targets: %v", n, err)
	}
}

// settleWhileTimePasses lets settlement wait for what is down, and time pass meanwhile.
func (w *world) settleWhileTimePasses(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.settle(t)
	}()
	for {
		timer, stop := context.WithCancel(t.Context())
		waiting := make(chan error, 1)
		go func() { waiting <- w.clock.AwaitTimers(timer, 1) }()
		select {
		case <-done:
			stop()
			<-waiting
			return
		case <-waiting:
			stop()
			w.clock.Advance(10 * time.Second)
		}
	}
}

func (w *world) expireLeases(t *testing.T) {
	t.Helper()
	w.clock.Advance(2 * time.Minute)
	if n, err := w.settler.SweepLeases(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d leases ended: %v", n, err)
	}
}

func (w *world) reap(t *testing.T) {
	t.Helper()
	if n, err := w.settler.Reap(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d were requeued: %v", n, err)
	}
}

func (w *world) cancel(t *testing.T) {
	t.Helper()
	if _, err := w.operator.Cancel(t.Context(), w.key, w.by()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) uncancel(t *testing.T) {
	t.Helper()
	if _, err := w.operator.Uncancel(t.Context(), w.key, w.by()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) expect(t *testing.T, status billing.Status, attempt, round int16) {
	t.Helper()
	target, ok := w.store.Target(w.key)
	if s := target.State(); !ok || s.Dispatch != status || s.Attempt != attempt || s.Round != round {
		t.Fatalf("the target is %s, attempt %d, round %d; want %s, %d, %d", s.Dispatch, s.Attempt, s.Round, status, attempt, round)
	}
}

func (w *world) expectCalls(t *testing.T, n int) {
	t.Helper()
	if w.calls != n {
		t.Fatalf("the gateway was called %d times, want %d", w.calls, n)
	}
}
