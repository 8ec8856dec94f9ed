package restorecheck_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

const november = key.Month(2026*12 + 10)

var by = port.Act{Actor: "kim", Reason: "restored"}

// world is a restored database with bills of a month, and an event log that knows more.
type world struct {
	*testing.T
	clock  *memory.Clock
	store  *memory.Store
	broker *memory.Broker
	reader port.EventReader
	guard  port.RestoreGuard
	ref    policy.Ref
	moment time.Time // to which the database was restored
}

func newWorld(t *testing.T, bills int) *world {
	t.Helper()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	w := &world{T: t, clock: clock, store: memory.NewStore(clock), broker: memory.NewBroker(2, clock)}
	w.reader, w.guard = w.broker.Reader(), w.store.RestoreGuard()
	w.must(w.store.Months().Open(t.Context(), november))
	w.bring(november, 0, bills)
	drafted, err := w.store.Policies().Draft(t.Context(), policy.Spec{
		Name: "monthly", Zone: time.UTC, MaxRounds: 3, Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	}, by)
	w.must(err)
	w.must(w.store.Policies().Activate(t.Context(), drafted.Ref(), by))
	w.ref = drafted.Ref()
	clock.Advance(time.Minute)
	w.moment = clock.Now()
	clock.Advance(time.Minute)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// bring imports bills of customers from one number on, and returns their targets.
func (w *world) bring(month key.Month, from, n int) {
	w.Helper()
	id, err := w.store.Imports().Begin(w.Context(), port.ImportRecord{Month: month, File: "bills.csv", By: by, StartedAt: w.clock.Now()})
	w.must(err)
	for i := range n {
		b := port.ImportedBill{
			Customer: "C-" + string(rune('A'+from+i)), State: billing.New(key.Target{Month: month}, w.clock.Now()).State(),
			Data: []byte(`{}`), Destinations: map[channel.Kind]string{channel.Email: "kim@example.com"}, File: "bills.csv", Line: i + 2, Import: id,
		}
		b.State.Reachable = channel.NewSet(channel.Email, channel.SMS)
		_, err = w.store.Imports().Store(w.Context(), month, []port.ImportedBill{b}, func(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil })
		w.must(err)
	}
}

func (w *world) identity(k key.Delivery) event.Identity {
	return event.Identity{Month: k.Month, UserID: k.UserID, Attempt: k.Attempt, Round: k.Round, Channel: channel.Email, PolicyID: w.ref.ID, PolicyVersion: w.ref.Version, RunID: 1}
}

func at(user int64, n, round int16) key.Delivery {
	return key.Delivery{Month: november, UserID: user, Attempt: n, Round: round}
}

func (w *world) requested(keys ...key.Delivery) {
	w.Helper()
	for _, k := range keys {
		m, err := event.Requested{Identity: w.identity(k), Destination: []byte("d"), Statement: []byte("s"), Unknown: attempt.Hold}.Message("dispatcher", "", w.clock.Now())
		w.must(err)
		w.must(w.broker.Publisher().Publish(w.Context(), port.TopicRequests, []port.Message{m})[0])
	}
}

func (w *world) result(k key.Delivery, state attempt.State, class attempt.FailureClass, reason attempt.Reason) {
	w.Helper()
	m, err := event.Result{Identity: w.identity(k), Outcome: state, Class: class, Reason: reason, Provider: "smtp", FinishedAt: w.clock.Now()}.Message("delivery", "", w.clock.Now())
	w.must(err)
	w.must(w.broker.Publisher().Publish(w.Context(), port.TopicResults, []port.Message{m})[0])
}

func (w *world) checker() *restorecheck.Checker {
	s := w.store
	return restorecheck.New(restorecheck.Ports{
		Reader: w.reader, Groups: map[string]port.ConsumerGroup{"balsong-delivery": w.broker.Group("balsong-delivery")}, Recovery: s.Recovery(), Guard: w.guard, Report: s.Report(), Targets: s.Targets(),
		Ledger: s.Ledger(), Months: s.Months(), Policies: s.Policies(), Control: s.Control(), Audit: s.Audit(), Clock: w.clock, Log: &memory.Log{},
	})
}

func (w *world) options() restorecheck.Options {
	return restorecheck.Options{RestoredTo: w.moment, Apply: true, By: by}
}

func (w *world) apply() restorecheck.Report {
	w.Helper()
	report, err := w.checker().Run(w.Context(), w.options())
	w.must(err)
	return report
}

// target is a bill as it stands.
func (w *world) target(user int64) (found billing.Target) {
	w.Helper()
	w.must(w.store.Targets().Within(w.Context(), func(ctx context.Context, tx port.TargetTx) error {
		locked, err := tx.Lock(ctx, []key.Target{{Month: november, UserID: user}})
		if err == nil {
			found = locked[0]
		}
		return err
	}))
	return found
}

func (w *world) is(user int64, status billing.Status, current key.Delivery) {
	w.Helper()
	if t := w.target(user); t.Status() != status || t.Delivery() != current {
		w.Errorf("bill %d is %s at %s, want %s at %s", user, t.Status(), t.Delivery(), status, current)
	}
}

// lives is a log of seven bills, each with another life that the database has lost.
func (w *world) lives() {
	w.Helper()
	w.requested(at(1, 0, 0), at(2, 0, 0), at(3, 0, 0), at(3, 1, 0), at(4, 0, 0), at(5, 0, 1), at(6, 0, 0))
	w.result(at(1, 0, 0), attempt.Succeeded, "", "")
	w.result(at(3, 0, 0), attempt.Failed, attempt.Temporary, attempt.ReasonRefused)
	w.result(at(3, 1, 0), attempt.Unknown, "", attempt.ReasonNoAnswer)
	w.result(at(3, 1, 0), attempt.Succeeded, "", "") // it came late
	w.result(at(4, 0, 0), attempt.NotSent, "", attempt.ReasonWindow)
	w.result(at(5, 0, 1), attempt.NotSent, "", attempt.ReasonWindow)
	w.result(at(6, 0, 0), attempt.Revoked, "", attempt.ReasonCancel)
}

func (w *world) livesAreRecovered() {
	w.Helper()
	w.is(1, billing.Succeeded, at(1, 0, 0))
	w.is(2, billing.Unknown, at(2, 0, 0))   // a request without a result
	w.is(3, billing.Succeeded, at(3, 1, 0)) // refused, then accepted
	w.is(4, billing.Ready, at(4, 0, 1))     // put back: continues under the next key
	w.is(5, billing.Paused, at(5, 0, 2))    // 0/0 was closed by something that nobody knows any more
	w.is(6, billing.Unknown, at(6, 0, 0))   // cancelled or corrected
	w.is(7, billing.Ready, at(7, 0, 0))     // never published
	if reason := w.target(5).State().Pause; reason != billing.PauseRestored {
		w.Errorf("bill 5 is paused because of %q", reason)
	}
}

func TestALostLifeIsRecoveredFromTheEventLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	w.lives()
	dry := w.options()
	dry.Apply = false
	planned, err := w.checker().Run(t.Context(), dry)
	w.must(err)
	w.is(1, billing.Ready, at(1, 0, 0))
	if halt, err := w.store.Control().Halted(t.Context()); err != nil || halt.On {
		t.Errorf("without Apply: halted %v (%v)", halt.On, err)
	}
	report := w.apply()
	w.livesAreRecovered()
	want := map[attempt.State]int{attempt.Succeeded: 2, attempt.Failed: 1, attempt.NotSent: 2, attempt.Unknown: 2}
	if !maps.Equal(planned.Rows, want) {
		t.Errorf("planned: %v, want %v", planned.Rows, want)
	}
	want[attempt.Unknown]++ // 0/0 of bill 5, which no event names
	if !maps.Equal(report.Rows, want) || report.Moved != 2 || report.Held != 1 || report.Gap {
		t.Errorf("rows %v, want %v; moved %d, held %d", report.Rows, want, report.Moved, report.Held)
	}
	if halt, err := w.store.Control().Halted(t.Context()); err != nil || !halt.On || halt.Actor != by.Actor {
		t.Errorf("halted: %+v (%v)", halt, err)
	}
	if again := w.apply(); len(again.Rows) > 0 || again.Moved > 0 || len(again.Targets) > 0 {
		t.Errorf("a second check changed %+v", again)
	}
	w.livesAreRecovered()
}

// A check that is cut off at any of its operations, and run again, ends as one that nobody disturbed.
func TestACheckThatIsCutOffAnywhereIsRunAgain(t *testing.T) {
	t.Parallel()
	killed := errors.New("killed")
	for n := 1; ; n++ {
		w := newWorld(t, 7)
		w.lives()
		calls, cut := 0, false
		w.store.Fail(func(string) error {
			if calls++; calls == n {
				cut = true
				return killed
			}
			return nil
		})
		_, err := w.checker().Run(t.Context(), w.options())
		w.store.Fail(nil)
		if !cut {
			w.must(err)
			if n < 20 {
				t.Errorf("only %d operations", n)
			}
			return
		}
		if !errors.Is(err, killed) {
			t.Fatalf("cut off at operation %d: %v", n, err)
		}
		w.apply()
		w.livesAreRecovered()
	}
}

func TestWhatTheRestoredDatabaseDoesNotKnowIsListedAndHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	lost, copied := key.Delivery{Month: november + 1, UserID: 2}, at(key.CopyStep+1, 0, 0)
	w.requested(at(9, 0, 0), lost, copied)
	w.result(at(9, 0, 0), attempt.Succeeded, "", "")
	w.result(lost, attempt.Succeeded, "", "")
	w.clock.Advance(time.Minute)
	report := w.apply()
	want := []restorecheck.MonthReport{{Month: november, Bills: 1, Copies: 1}, {Month: november + 1, Bills: 1}}
	if !slices.Equal(report.Months, want) || report.HighestUserID != 9 {
		t.Fatalf("missing %+v up to user %d, want %+v up to 9", report.Months, report.HighestUserID, want)
	}
	w.clock.Advance(time.Minute)
	w.bring(november, 2, 2)   // new customers
	w.bring(november+1, 1, 1) // the second customer, in the month that was lost
	report = w.apply()
	if report.HeldNew != 2 {
		t.Errorf("%d bills are held", report.HeldNew)
	}
	for _, user := range []int64{10, 11} {
		if s := w.target(user).State(); s.Dispatch != billing.Paused || s.Pause != billing.PauseRestored {
			t.Errorf("bill %d is %s (%s)", user, s.Dispatch, s.Pause)
		}
	}
	w.must(w.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		locked, err := tx.Lock(ctx, []key.Target{lost.Target()})
		if err == nil && (len(locked) != 1 || locked[0].Status() != billing.Succeeded) {
			t.Errorf("the bill of a month that was lost: %v", locked)
		}
		return err
	}))
}

func TestABillWaitsForAPolicyThatWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.ref.Version++
	w.requested(at(1, 0, 0))
	w.result(at(1, 0, 0), attempt.Failed, attempt.Temporary, attempt.ReasonRefused)
	report := w.apply()
	if report.WithoutPolicy != 1 || !slices.Equal(report.Policies, []policy.Ref{w.ref}) {
		t.Errorf("%d wait for %v", report.WithoutPolicy, report.Policies)
	}
	rows, err := w.store.Ledger().Find(t.Context(), []key.Delivery{at(1, 0, 0)})
	if err != nil || len(rows) != 1 || rows[0].State != attempt.Failed {
		t.Errorf("the ledger has %v (%v)", rows, err)
	}
}

// A page of bills is settled at once although one of them waits: a month of millions would else be settled one by one.
func TestABillWithoutItsPolicyHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20)
	here := w.ref
	for user := range int64(20) {
		w.ref = here
		if user == 7 {
			w.ref.Version++
		}
		w.requested(at(user+1, 0, 0))
		w.result(at(user+1, 0, 0), attempt.Failed, attempt.Temporary, attempt.ReasonRefused)
	}
	w.ref.Version++
	w.requested(at(11, 1, 0)) // the first attempt has its policy, the second one not
	w.result(at(11, 1, 0), attempt.Failed, attempt.Temporary, attempt.ReasonRefused)
	transactions := 0
	w.store.Fail(func(op string) error {
		if op == "targets.within" {
			transactions++
		}
		return nil
	})
	if report := w.apply(); report.WithoutPolicy != 2 || report.Targets[billing.Failed] != 18 {
		t.Errorf("%d wait, %v", report.WithoutPolicy, report.Targets)
	}
	if transactions > 10 {
		t.Errorf("%d transactions", transactions)
	}
	w.is(8, billing.Ready, at(8, 0, 0))
	w.is(9, billing.Failed, at(9, 1, 0))
}

// shortened is a log that lost its older messages.
type shortened struct {
	port.EventReader
	from time.Time
}

func (s shortened) Read(ctx context.Context, topic port.Topic, since time.Time, handle func(context.Context, []port.Received) error) (port.LogSpan, error) {
	span, err := s.EventReader.Read(ctx, topic, since, handle)
	span.From = s.from
	return span, err
}

func TestALogThatDoesNotReachBackIsToldAndRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	w.lives()
	w.reader = shortened{w.reader, w.clock.Now().Add(time.Second)}
	report, err := w.checker().Run(t.Context(), w.options())
	if !errors.Is(err, restorecheck.ErrGap) || !errors.Is(err, billing.ErrRefused) || !report.Gap {
		t.Fatalf("gap %v, %v", report.Gap, err)
	}
	w.is(1, billing.Ready, at(1, 0, 0))
	anyway := w.options()
	anyway.AllowGap = true
	if report, err = w.checker().Run(t.Context(), anyway); err != nil || !report.Gap {
		t.Fatalf("gap %v, %v", report.Gap, err)
	}
	w.livesAreRecovered()
}

func TestACheckRefusesToWorkBesideAConsumer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	ctx, stop := context.WithCancel(t.Context())
	joined, left := make(chan struct{}), make(chan struct{})
	w.requested(at(1, 0, 0))
	go func() {
		defer close(left)
		_ = w.broker.Consumer("balsong-delivery", port.TopicRequests).Run(ctx, func(context.Context, port.Received) { close(joined) })
	}()
	<-joined
	report, err := w.checker().Run(t.Context(), w.options())
	if !errors.Is(err, restorecheck.ErrRunning) || len(report.Running) != 1 {
		t.Errorf("%v: %v", report.Running, err)
	}
	dry := w.options()
	dry.Apply = false
	if _, err := w.checker().Run(t.Context(), dry); err != nil {
		t.Errorf("without Apply: %v", err)
	}
	stop()
	<-left
	w.apply()
	w.is(1, billing.Unknown, at(1, 0, 0))
}
