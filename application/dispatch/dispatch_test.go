package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

var seoul = func() *time.Location {
	zone, err := window.Zone("Asia/Seoul")
	if err != nil {
		panic(err)
	}
	return zone
}()

// topic is a publisher that keeps what it acknowledged; fail decides each message's fate.
type topic struct {
	mu        sync.Mutex
	published []event.Requested
	fail      func(r event.Requested) error
}

func (p *topic) Publish(_ context.Context, _ port.Topic, messages []port.Message) []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := make([]error, len(messages))
	for i, m := range messages {
		r, _, err := event.DecodeRequested(m)
		if err == nil && p.fail != nil {
			err = p.fail(r)
		}
		if errs[i] = err; err == nil {
			p.published = append(p.published, r)
		}
	}
	return errs
}

var destinations = []port.Destination{{Channel: channel.Email, Sealed: []byte("e")}, {Channel: channel.SMS, Sealed: []byte("s")}}

type bundle struct {
	clock *memory.Clock
	store *memory.Store
	topic *topic
	month key.Month
	by    port.Act
}

func setup(t *testing.T) *bundle {
	t.Helper()
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	clock := memory.NewClock(time.Date(2026, 11, 22, 12, 0, 0, 0, seoul))
	b := &bundle{clock: clock, store: memory.NewStore(clock), topic: &topic{}, month: month, by: port.Act{Actor: "test", Reason: "test"}}
	quiet, err := window.NewForbidden(21*60, 8*60, seoul)
	if err != nil {
		t.Fatal(err)
	}
	version, err := b.store.Policies().Draft(t.Context(), policy.Spec{
		Name: "monthly", Zone: seoul, QuietHours: quiet, QuietChannels: channel.NewSet(channel.SMS),
		Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	}, b.by)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.Policies().Activate(t.Context(), version.Ref(), b.by); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bundle) runner(t *testing.T, config dispatch.Config) *dispatch.Runner {
	t.Helper()
	runner, err := dispatch.New(dispatch.Ports{
		Targets: b.store.Targets(), Backlog: b.store.Backlog(), Months: b.store.Months(), Policies: b.store.Policies(),
		Control: b.store.Control(), ChannelHalts: b.store.ChannelHalts(), Runs: b.store.Runs(), Publisher: b.topic,
		Clock: b.clock, Log: &memory.Log{}, Metrics: &memory.Metrics{}, Installation: b.store.Installation(),
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

func (b *bundle) key(user int64) key.Target { return key.Target{Month: b.month, UserID: user} }

func (b *bundle) seed(users int, change func(s *billing.State)) {
	for user := int64(1); user <= int64(users); user++ {
		state := billing.State{
			Key: b.key(user), Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: b.clock.Now().Add(-time.Hour),
			Reachable: channel.NewSet(channel.Email, channel.SMS),
		}
		if change != nil {
			change(&state)
		}
		b.store.Seed(memory.Seeded{
			State: state, Statement: []byte("reference"),
			Destinations: destinations,
		})
	}
}

func (b *bundle) state(t *testing.T, user int64) billing.State {
	t.Helper()
	target, ok := b.store.Target(b.key(user))
	if !ok {
		t.Fatalf("target %d is gone", user)
	}
	return target.State()
}

func TestASecondRunOverABacklogThatNobodyHasConsumedPublishesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(25, nil)
	runner := b.runner(t, dispatch.Config{Page: 10})
	first, err := runner.Run(t.Context(), b.month, b.by, nil)
	if err != nil || first.Published != 25 || first.Pages != 3 {
		t.Fatalf("the first run published %d of 25 in %d pages: %v", first.Published, first.Pages, err)
	}
	second, err := runner.Run(t.Context(), b.month, b.by, nil)
	if err != nil || second.Published != 0 || len(b.topic.published) != 25 {
		t.Fatalf("the second run published %d again: %v", second.Published, err)
	}
	if s := b.state(t, 7); s.Dispatch != billing.Requested || s.RunID != first.ID || s.Policy.IsZero() {
		t.Fatalf("target 7 is %+v", s)
	}
}

func TestAnUnacknowledgedRowStaysACandidateWithTheSameKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(3, nil)
	b.topic.fail = func(r event.Requested) error {
		if r.UserID == 2 {
			return port.ErrUnavailable
		}
		return nil
	}
	runner := b.runner(t, dispatch.Config{})
	record, err := runner.Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Published != 2 || record.Failed != 1 {
		t.Fatalf("%d published, %d failed: %v", record.Published, record.Failed, err)
	}
	s := b.state(t, 2)
	if s.Dispatch != billing.Ready || s.Attempt != 0 || s.Round != 0 || !s.AvailableAt.After(b.clock.Now()) || s.LastError == "" {
		t.Fatalf("target 2 is %+v", s)
	}
	b.topic.fail = nil
	b.clock.Advance(time.Hour)
	if record, err = runner.Run(t.Context(), b.month, b.by, nil); err != nil || record.Published != 1 {
		t.Fatalf("%d published: %v", record.Published, err)
	}
	if got := b.topic.published[2].Delivery(); got != b.target(2) {
		t.Fatalf("the second try has key %s", got)
	}
}

func (b *bundle) target(user int64) key.Delivery { return key.Delivery{Month: b.month, UserID: user} }

func TestTwoPagesWithoutAnAcknowledgementEndTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(50, nil)
	b.topic.fail = func(event.Requested) error { return port.ErrUnavailable }
	record, err := b.runner(t, dispatch.Config{Page: 10}).Run(t.Context(), b.month, b.by, nil)
	if !errors.Is(err, dispatch.ErrUnacknowledged) || record.Pages != 2 || record.Status != port.RunFailed {
		t.Fatalf("%s after %d pages: %v", record.Status, record.Pages, err)
	}
	if record.Left != 30 {
		t.Fatalf("%d are left, want the 30 that no page has touched", record.Left)
	}
}

func TestTheCapEndsTheRunWithoutAnErrorAndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(50, nil)
	record, err := b.runner(t, dispatch.Config{Page: 10, Cap: 25}).Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Published != 25 || record.Left != 25 {
		t.Fatalf("%d published, %d left: %v", record.Published, record.Left, err)
	}
}

func TestATargetWithoutADestinationIsPausedAndNeverCountedAsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(1, func(s *billing.State) { s.Reachable = 0 })
	record, err := b.runner(t, dispatch.Config{}).Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Published != 0 {
		t.Fatalf("%d published: %v", record.Published, err)
	}
	if s := b.state(t, 1); s.Dispatch != billing.Paused || s.Pause != billing.PauseNoDestination {
		t.Fatalf("the target is %s (%s)", s.Dispatch, s.Pause)
	}
}

func TestATargetWithoutAStatementIsPausedForThatAndNotForItsDestination(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(1, nil)
	b.store.Seed(memory.Seeded{State: b.state(t, 1), Destinations: []port.Destination{{Channel: channel.Email, Sealed: []byte("e")}}})
	record, err := b.runner(t, dispatch.Config{}).Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Published != 0 || record.Decisions[billing.RuleNoStatement] != 1 {
		t.Fatalf("%d published, decisions %v: %v", record.Published, record.Decisions, err)
	}
	if s := b.state(t, 1); s.Dispatch != billing.Paused || s.Pause != billing.PauseNoStatement {
		t.Fatalf("the target is %s (%s)", s.Dispatch, s.Pause)
	}
}

func TestAtNightEMailGoesOutAndSMSWaitsForTheMorning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(time.Date(2026, 11, 22, 23, 0, 0, 0, seoul))
	b.seed(2, func(s *billing.State) {
		if s.Key.UserID == 2 {
			s.Wished = channel.SMS
		}
	})
	record, err := b.runner(t, dispatch.Config{}).Run(t.Context(), b.month, b.by, nil)
	if err != nil || record.Published != 1 || record.Decisions[billing.RuleQuietHours] != 1 {
		t.Fatalf("%d published, decisions %v: %v", record.Published, record.Decisions, err)
	}
	want := time.Date(2026, 11, 23, 8, 0, 0, 0, seoul)
	if s := b.state(t, 2); s.Dispatch != billing.Ready || !s.AvailableAt.Equal(want) || s.Attempt != 0 {
		t.Fatalf("target 2 is %s, available at %s, attempt %d", s.Dispatch, s.AvailableAt, s.Attempt)
	}
}

func TestADeadlineThatHasPassedExpiresTheTargetAndClosesItsKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(1, func(s *billing.State) { s.Deadline = b.clock.Now().Add(-time.Minute) })
	if _, err := b.runner(t, dispatch.Config{}).Run(t.Context(), b.month, b.by, nil); err != nil {
		t.Fatal(err)
	}
	rows := b.store.Rows(b.key(1))
	if s := b.state(t, 1); s.Dispatch != billing.Expired || len(rows) != 1 || rows[0].State != attempt.Revoked {
		t.Fatalf("the target is %s, its ledger %v", s.Dispatch, rows)
	}
}

func TestAHaltEndsTheRunBeforeTheNextPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(30, nil)
	halt := port.Halt{On: true, Actor: "on-call", Reason: "wrong amounts"}
	record, err := b.runner(t, dispatch.Config{Page: 10}).Run(t.Context(), b.month, b.by, func(port.Run) {
		if err := b.store.Control().SetHalt(t.Context(), halt.On, port.Act{Actor: halt.Actor, Reason: halt.Reason, At: halt.Since}); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, dispatch.ErrHalted) || record.Published != 10 || record.Status != port.RunHalted {
		t.Fatalf("%s after %d: %v", record.Status, record.Published, err)
	}
}

func TestAMonthThatWasNeverOpenedIsNotFoundAndHasNoRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(1, nil)
	record, err := b.runner(t, dispatch.Config{}).Run(t.Context(), b.month.Next(), b.by, nil)
	if !errors.Is(err, port.ErrNotFound) || !strings.Contains(err.Error(), "it was never opened") {
		t.Fatalf("%s: %v", record.Status, err)
	}
	if runs, err := b.store.Runs().Latest(t.Context(), b.month.Next(), 1); len(runs) != 0 || err != nil {
		t.Fatalf("it has the runs %+v: %v", runs, err)
	}
}

func TestAStopFinishesThePageInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(30, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	b.topic.fail = func(event.Requested) error { stop(); return nil }
	record, err := b.runner(t, dispatch.Config{Page: 10}).Run(ctx, b.month, b.by, nil)
	if !errors.Is(err, dispatch.ErrStopped) || record.Published != 10 || b.state(t, 10).Dispatch != billing.Requested {
		t.Fatalf("%s after %d: %v", record.Status, record.Published, err)
	}
	if stored, ok := b.store.Run(record.ID); !ok || stored.Status != port.RunStopped {
		t.Fatalf("the run record says %s", stored.Status)
	}
}

func TestAUserWithBillsOfTwoMonthsLosesNoneAtAPageBoundary(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, month := range []key.Month{b.month, b.month.Next()} {
		b.month = month
		b.seed(21, nil)
	}
	runner := b.runner(t, dispatch.Config{Page: 10})
	months, err := runner.OpenMonths(t.Context())
	if err != nil || len(months) != 2 {
		t.Fatalf("open months %v: %v", months, err)
	}
	for _, month := range months {
		if record, err := runner.Run(t.Context(), month, b.by, nil); err != nil || record.Published != 21 {
			t.Fatalf("month %s: %d published: %v", month, record.Published, err)
		}
	}
}

func TestALingeringRunWaitsForWhatComesDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seed(1, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.store.Seed(memory.Seeded{
		State:     billing.State{Key: b.key(2), Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: b.clock.Now().Add(time.Hour), Reachable: channel.NewSet(channel.Email)},
		Statement: []byte("reference"), Destinations: destinations,
	})
	run := b.linger(t.Context(), t, dispatch.Config{LingerPoll: 2 * time.Hour})
	b.clock.Advance(time.Hour)
	run.awaitPoll(t)
	b.become(t, 2, func(s *billing.State) { s.Dispatch = billing.Succeeded })
	b.clock.Advance(2 * time.Hour)
	<-run.over.Done()
	if run.err != nil || run.record.Published != 1 {
		t.Fatalf("%d published: %v", run.record.Published, run.err)
	}
}
