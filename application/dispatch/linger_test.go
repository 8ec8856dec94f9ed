package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// lingering is a lingering run; record and err are set once over is done.
type lingering struct {
	*bundle
	over   context.Context //nolint:containedctx // ends with the run
	record port.Run
	err    error
}

// linger begins a lingering run and waits until it waits.
func (b *bundle) linger(ctx context.Context, t *testing.T, config dispatch.Config) *lingering {
	t.Helper()
	config.Linger = true
	runner := b.runner(t, config)
	over, end := context.WithCancel(t.Context())
	l := &lingering{bundle: b, over: over}
	go func() {
		defer end()
		l.record, l.err = runner.Run(ctx, b.month, b.by, nil)
	}()
	l.awaitPoll(t)
	return l
}

// awaitPoll waits until the run waits for its next poll.
func (l *lingering) awaitPoll(t *testing.T) {
	t.Helper()
	if err := l.clock.AwaitTimers(l.over, 1); err != nil {
		t.Fatalf("the run has ended after %d requests: %v", l.record.Published, l.err)
	}
}

// become changes a target as settlement does.
func (b *bundle) become(t *testing.T, user int64, change func(s *billing.State)) {
	t.Helper()
	s := b.state(t, user)
	change(&s)
	b.store.Seed(memory.Seeded{State: s, Statement: []byte("reference"), Destinations: destinations})
}

func TestALingeringRunWaitsForWhatIsInFlightAndMayComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(2, nil)
	run := b.linger(t.Context(), t, dispatch.Config{LingerPoll: 10 * time.Second})
	b.become(t, 1, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.clock.Advance(10 * time.Second)
	run.awaitPoll(t)
	b.become(t, 2, func(s *billing.State) {
		s.Dispatch, s.Attempt, s.AvailableAt = billing.Failed, 1, b.clock.Now().Add(3*time.Second)
	})
	b.clock.Advance(10 * time.Second)
	run.awaitPoll(t)
	b.become(t, 2, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.clock.Advance(10 * time.Second)
	<-run.over.Done()
	if run.err != nil || run.record.Published != 3 || run.record.Status != port.RunFinished {
		t.Fatalf("%s after %d requests: %v", run.record.Status, run.record.Published, run.err)
	}
	if !slices.ContainsFunc(b.topic.published, func(r event.Requested) bool { return r.UserID == 2 && r.Attempt == 1 }) {
		t.Fatal("the retry was left to the next run")
	}
}

func TestALingeringRunDoesNotWaitForWhatNeverComesBackByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for user, status := range []billing.Status{billing.Paused, billing.Unknown, billing.Cancelled, billing.WrittenOff} {
		b.store.Seed(memory.Seeded{State: billing.State{Key: b.key(int64(user + 1)), Batch: billing.Rendered, Dispatch: status}})
	}
	if record, err := b.runner(t, dispatch.Config{Linger: true}).Run(t.Context(), b.month, b.by, nil); err != nil || record.Status != port.RunFinished {
		t.Fatalf("%s: %v", record.Status, err)
	}
}

func TestALingeringRunEndsWhereNobodyTakesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(3, nil)
	run := b.linger(t.Context(), t, dispatch.Config{LingerPoll: 5 * time.Minute, LingerStall: 10 * time.Minute})
	b.clock.Advance(5 * time.Minute)
	run.awaitPoll(t)
	b.become(t, 1, func(s *billing.State) { s.Dispatch = billing.Succeeded }) // progress: the wait begins anew
	for range 2 {
		b.clock.Advance(5 * time.Minute)
		run.awaitPoll(t)
	}
	b.clock.Advance(5 * time.Minute)
	<-run.over.Done()
	if run.err != nil || run.record.Status != port.RunFinished || run.record.Published != 3 {
		t.Fatalf("%s after %d requests: %v", run.record.Status, run.record.Published, run.err)
	}
}

func TestALingeringRunPausesBeforeItAsksAgainForRowsThatOthersHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(1, nil)
	held, release := make(chan struct{}), make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		err := b.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Lock(ctx, []key.Target{b.key(1)})
			close(held)
			<-release
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	pages := 0
	b.store.Fail(func(op string) error {
		if op == "targets.lock_page" {
			if pages++; pages > 10 {
				stop() // it polls without a pause
			}
		}
		return nil
	})
	run := b.linger(ctx, t, dispatch.Config{LingerPoll: time.Second})
	close(release)
	holding.Wait()
	b.clock.Advance(time.Second)
	run.awaitPoll(t)
	b.become(t, 1, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.clock.Advance(time.Second)
	<-run.over.Done()
	if run.err != nil || run.record.Published != 1 || run.record.Status != port.RunFinished {
		t.Fatalf("%s after %d requests: %v", run.record.Status, run.record.Published, run.err)
	}
}

func TestALingeringRunEndsAtAHaltAStopOrItsCap(t *testing.T) {
	t.Parallel()
	t.Run("halt", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.seed(1, nil)
		run := b.linger(t.Context(), t, dispatch.Config{LingerPoll: time.Second})
		if err := b.store.Control().SetHalt(t.Context(), true, port.Act{Actor: "on-call", Reason: "wrong amounts"}); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Second)
		<-run.over.Done()
		if !errors.Is(run.err, dispatch.ErrHalted) || run.record.Status != port.RunHalted {
			t.Fatalf("%s: %v", run.record.Status, run.err)
		}
	})
	t.Run("stop", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.seed(1, nil)
		ctx, stop := context.WithCancel(t.Context())
		run := b.linger(ctx, t, dispatch.Config{LingerPoll: time.Second})
		stop()
		<-run.over.Done()
		if !errors.Is(run.err, dispatch.ErrStopped) || run.record.Status != port.RunStopped {
			t.Fatalf("%s: %v", run.record.Status, run.err)
		}
	})
	t.Run("cap", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.seed(2, nil)
		if record, err := b.runner(t, dispatch.Config{Linger: true, Page: 10, Cap: 2}).Run(t.Context(), b.month, b.by, nil); err != nil || record.Published != 2 {
			t.Fatalf("%d published: %v", record.Published, err)
		}
	})
}
