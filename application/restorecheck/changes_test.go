package restorecheck_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// act is what somebody did to a bill, as the audit has it.
func (w *world) act(what port.Action, user int64) {
	w.Helper()
	subject := key.Target{Month: november, UserID: user}.String()
	w.must(w.store.Audit().Record(w.Context(), port.AuditEntry{Action: what, Subject: subject, By: port.Act{Actor: "kim", Reason: "asked", At: w.clock.Now()}}))
}

// An act closes a key of which the database does not know any more that it was called: the bill would continue under the next key.
func TestAnActThatClosesAKeyBeforeTheCheckIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	closing := []port.Action{port.ActionCancel, port.ActionUncancel, port.ActionSendAnyway, port.ActionDelivered, port.ActionNotDelivered, port.ActionCorrect, port.ActionCopy}
	for _, action := range port.Actions {
		t.Run(string(action), func(t *testing.T) {
			t.Parallel()
			refused := slices.Contains(closing, action)
			w := newWorld(t, 1)
			w.requested(at(1, 0, 0))
			if action == port.ActionCopy {
				action = action.With("1, by SMS")
			}
			w.act(action, 1)
			w.clock.Advance(time.Minute)
			for _, apply := range []bool{false, true} {
				o := w.options()
				o.Apply = apply
				report, err := w.checker().Run(t.Context(), o)
				if errors.Is(err, restorecheck.ErrChanged) != refused || errors.Is(err, billing.ErrRefused) != refused || (len(report.Acts) == 1) != refused || report.Complete == refused {
					t.Errorf("apply %v: %+v, %v", apply, report.Acts, err)
				}
			}
			if refused && (w.isHalted() || len(w.rows(at(1, 0, 0))) > 0) {
				t.Error("a check that was refused has written")
			}
			o := w.options()
			o.AllowChanges = true
			if _, err := w.checker().Run(t.Context(), o); err != nil {
				t.Errorf("allowed: %v", err)
			}
		})
	}
}

func TestAnActBeforeTheRestoreOrAfterTheFirstCheckIsNoObstacle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	early := port.Act{Actor: "kim", Reason: "asked", At: w.moment.Add(-time.Second)}
	w.must(w.store.Audit().Record(t.Context(), port.AuditEntry{Action: port.ActionCancel, Subject: at(1, 0, 0).Target().String(), By: early}))
	w.requested(at(1, 0, 0))
	w.apply()
	w.act(port.ActionDelivered, 1)
	w.act(port.ActionCancel, 2)
	if report := w.apply(); len(report.Acts) > 0 {
		t.Errorf("acts %+v", report.Acts)
	}
}

func TestAnActIsFoundBehindManyOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.act(port.ActionCancel, 1)
	w.clock.Advance(time.Minute)
	for range 1001 {
		w.act(port.ActionSuppress, 1)
	}
	if report, err := w.checker().Run(t.Context(), w.options()); !errors.Is(err, restorecheck.ErrChanged) || len(report.Acts) != 1 || !report.Acts[0].At.Equal(w.clock.Now().Add(-time.Minute)) {
		t.Errorf("%+v, %v", report.Acts, err)
	}
}

// A check that was killed has halted everything, but has not written all keys.
func TestAnActBetweenACheckThatWasKilledAndTheNextOneIsRefused(t *testing.T) {
	t.Parallel()
	for _, acts := range []int{0, 1} {
		w := newWorld(t, 2)
		w.requested(at(1, 0, 0), at(2, 0, 0))
		killed := errors.New("killed")
		w.store.Fail(func(op string) error {
			if op == "targets.within" {
				return killed
			}
			return nil
		})
		if _, err := w.checker().Run(t.Context(), w.options()); !errors.Is(err, killed) || !w.isHalted() {
			t.Fatalf("it was not killed behind the halt: %v", err)
		}
		w.store.Fail(nil)
		operator, target := w.operator(), at(1, 0, 0).Target()
		for range acts {
			_, err := operator.Cancel(t.Context(), target, by)
			w.must(err)
			_, err = operator.Uncancel(t.Context(), target, by)
			w.must(err)
		}
		report, err := w.checker().Run(t.Context(), w.options())
		if errors.Is(err, restorecheck.ErrChanged) != (acts > 0) || len(report.Acts) != 2*acts || acts > 0 && report.Acts[0].Subject != target.String() {
			t.Errorf("%d acts: %+v, %v", acts, report.Acts, err)
		}
	}
}

// acting is a log beside whose second reading somebody works for a moment, and is gone when the check looks who is connected.
type acting struct {
	port.EventReader
	readings int
	act      func()
}

func (l *acting) Read(ctx context.Context, topic port.Topic, since time.Time, handle func(context.Context, []port.Received) error) (port.LogSpan, error) {
	if l.readings++; l.readings == 4 { // each reading is of three topics
		l.act()
	}
	return l.EventReader.Read(ctx, topic, since, handle)
}

func TestAnActWhileTheCheckIsUnderWayIsRefusedAtItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.requested(at(1, 0, 0), at(2, 0, 0))
	w.reader = &acting{EventReader: w.reader, act: func() { w.act(port.ActionCancel, 1) }}
	report, err := w.checker().Run(t.Context(), w.options())
	if !errors.Is(err, restorecheck.ErrChanged) || report.Complete || len(report.Acts) != 1 {
		t.Errorf("%+v, %v", report.Acts, err)
	}
	w.is(2, billing.Unknown, at(2, 0, 0))
	if _, err := w.checker().Run(t.Context(), w.options()); !errors.Is(err, restorecheck.ErrChanged) {
		t.Errorf("the next check says %v", err)
	}
}

func (w *world) operator() *operate.Operator {
	s := w.store
	return operate.New(operate.Ports{
		Targets: s.Targets(), Ledger: s.Ledger(), Sweeps: s.Sweeps(), Policies: s.Policies(), Control: s.Control(), Months: s.Months(),
		Suppressions: s.Suppressions(), Report: s.Report(), Audit: s.Audit(), Clock: w.clock, Log: &memory.Log{},
	}, time.Minute)
}

// Who was asked about and resumed is not asked about again.
func TestALaterCheckDoesNotPauseWhatAPersonResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.requested(at(1, 0, 32767), at(2, 0, 32767), at(9, 0, 0))
	w.result(at(9, 0, 0), attempt.Succeeded, "", "")
	w.apply()
	w.clock.Advance(time.Minute)
	w.bring(november, 3, 2) // new customers: 10 and 11
	w.clock.Advance(time.Minute)
	if report := w.apply(); report.HeldNew != 2 {
		t.Fatalf("%d new bills are held", report.HeldNew)
	}
	for _, user := range []int64{1, 10} {
		_, err := w.operator().Resume(t.Context(), at(user, 0, 0).Target(), by)
		w.must(err)
	}
	report := w.apply()
	if report.HeldNew > 0 || report.HeldImplausible > 0 {
		t.Errorf("held are %d new ones and %d others", report.HeldNew, report.HeldImplausible)
	}
	for user, want := range map[int64]billing.Status{1: billing.Ready, 2: billing.Paused, 10: billing.Ready, 11: billing.Paused} {
		w.is(user, want, at(user, 0, 0))
	}
}
