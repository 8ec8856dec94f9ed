package restorecheck_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// rows is what the ledger has of keys.
func (w *world) rows(keys ...key.Delivery) []attempt.Row {
	w.Helper()
	rows, err := w.store.Ledger().Find(w.Context(), keys)
	w.must(err)
	return rows
}

func (w *world) isHalted() bool {
	w.Helper()
	halt, err := w.store.Control().Halted(w.Context())
	w.must(err)
	return halt.On
}

// Customers of an import that comes before the check have user ids of customers who are lost: what these got would close their bills.
func TestAnImportBeforeTheCheckIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.requested(at(3, 0, 0), at(4, 0, 0))
	w.result(at(3, 0, 0), attempt.Succeeded, "", "")
	w.bring(november, 2, 1) // it is given the user id 3
	w.clock.Advance(time.Minute)
	for _, apply := range []bool{false, true} {
		o := w.options()
		o.Apply = apply
		report, err := w.checker().Run(t.Context(), o)
		if !errors.Is(err, restorecheck.ErrChanged) || !errors.Is(err, billing.ErrRefused) || len(report.Imports) != 1 || report.Imports[0].File != "bills.csv" || report.Complete {
			t.Errorf("apply %v: %+v, %v", apply, report.Imports, err)
		}
	}
	if w.isHalted() || len(w.rows(at(3, 0, 0), at(4, 0, 0))) > 0 {
		t.Error("a check that was refused has written")
	}
	w.is(3, billing.Ready, at(3, 0, 0))
	o := w.options()
	o.AllowChanges = true
	if report, err := w.checker().Run(t.Context(), o); err != nil || len(report.Imports) != 1 {
		t.Errorf("allowed: %+v, %v", report.Imports, err)
	}
}

func TestAnImportThatBroughtNobodyOrEndedBeforeTheRestoreIsNoObstacle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	id, err := w.store.Imports().Begin(t.Context(), port.ImportRecord{Month: november, File: "again.csv", By: by, StartedAt: w.clock.Now()})
	w.must(err)
	w.must(w.store.Imports().End(t.Context(), port.ImportRecord{ID: id, Month: november, File: "again.csv", By: by, StartedAt: w.clock.Now(), FinishedAt: w.clock.Now(), Rows: 2, Unchanged: 2}))
	if report := w.apply(); len(report.Imports) > 0 {
		t.Errorf("imports %+v", report.Imports)
	}
}

// A correction closes a key of which the database does not know any more that it was called.
func TestACorrectionBeforeTheCheckIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	id, err := w.store.Imports().Begin(t.Context(), port.ImportRecord{Month: november, File: "corrected.csv", By: by, StartedAt: w.clock.Now()})
	w.must(err)
	w.must(w.store.Imports().End(t.Context(), port.ImportRecord{ID: id, Month: november, File: "corrected.csv", By: by, StartedAt: w.clock.Now(), FinishedAt: w.clock.Now(), Rows: 2, Unchanged: 1, Corrected: 1}))
	if report, err := w.checker().Run(t.Context(), w.options()); !errors.Is(err, restorecheck.ErrChanged) || len(report.Imports) != 1 {
		t.Errorf("imports %+v, %v", report.Imports, err)
	}
}

// A check may be killed, and bills imported before it is run again.
func TestNoImportGetsUserIDsOfTheLostWhereACheckHasWritten(t *testing.T) {
	t.Parallel()
	killed := errors.New("killed")
	for n := 1; ; n++ {
		w := newWorld(t, 2)
		w.requested(at(3, 0, 0), at(4, 0, 0))
		w.result(at(3, 0, 0), attempt.Succeeded, "", "")
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
			return
		}
		written := len(w.rows(at(3, 0, 0), at(4, 0, 0))) > 0
		w.clock.Advance(time.Minute)
		w.bring(november, 2, 1)
		w.clock.Advance(time.Minute)
		_, err = w.checker().Run(t.Context(), w.options())
		stolen := len(w.targets(3)) > 0
		if stolen && (written || !errors.Is(err, restorecheck.ErrChanged)) || !stolen && err != nil {
			t.Fatalf("cut off at operation %d: written %v, the new customer has a lost user id: %v, and the check says %v", n, written, stolen, err)
		}
	}
}

func (w *world) targets(user int64) (found []billing.Target) {
	w.Helper()
	w.must(w.store.Targets().Within(w.Context(), func(ctx context.Context, tx port.TargetTx) (err error) {
		found, err = tx.Lock(ctx, []key.Target{{Month: november, UserID: user}})
		return err
	}))
	return found
}

// Events are not signed. What none of Balsong's programs can have written is counted, and its bill waits for a person.
func TestWhatAnEventCannotNameIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	step := w.identity(at(5, 0, 0))
	step.Step = 3 // of a route of three
	m, err := event.Result{Identity: step, Outcome: attempt.Failed, Class: attempt.Temporary, FinishedAt: w.clock.Now()}.Message("delivery", "", w.clock.Now())
	w.must(err)
	w.must(w.broker.Publisher().Publish(t.Context(), port.TopicResults, []port.Message{m})[0])
	forged := []key.Delivery{at(1, 32767, 0), at(2, 0, 32767), at(key.CopyStep-1, 0, 0), at(key.CopyStep, 0, 0), at(7+200_000_000, 0, 0), {Month: november + 40, UserID: 3}}
	w.requested(forged...)
	w.requested(at(4, 5, 900)) // far, and possible
	report := w.apply()
	if report.Implausible != 7 || report.HighestUserID != 4 || report.HeldImplausible != 3 || len(report.Months) > 0 || !report.Complete {
		t.Errorf("%d implausible, %d held, highest user id %d, missing %+v", report.Implausible, report.HeldImplausible, report.HighestUserID, report.Months)
	}
	for _, user := range []int64{1, 2, 5} {
		w.is(user, billing.Paused, at(user, 0, 0))
	}
	w.is(3, billing.Ready, at(3, 0, 0))
	if rows := w.rows(append(forged, at(5, 0, 0), at(1, 1, 0), at(2, 0, 1))...); len(rows) > 0 {
		t.Errorf("the ledger has %+v", rows)
	}
	months, err := w.store.Months().List(t.Context())
	if err != nil || !slices.Equal(months, []key.Month{november}) {
		t.Errorf("open are %v (%v)", months, err)
	}
	if again := w.apply(); again.HeldImplausible > 0 || again.Implausible != 7 {
		t.Errorf("a second check holds %d", again.HeldImplausible)
	}
}

// connected are programs with a connection to the database.
type connected struct {
	port.RestoreGuard
	names []string
}

func (c connected) Sessions(context.Context) ([]string, error) { return c.names, nil }

func TestEveryOtherProgramOfBalsongIsAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.requested(at(1, 0, 0))
	w.guard = connected{w.store.RestoreGuard(), []string{"balsong-operator", restorecheck.Program, "psql"}}
	report, err := w.checker().Run(t.Context(), w.options())
	if !errors.Is(err, restorecheck.ErrRunning) || !slices.Equal(report.Running, []string{"balsong-operator is connected to the database"}) {
		t.Errorf("%v: %v", report.Running, err)
	}
	if w.isHalted() || len(w.rows(at(1, 0, 0))) > 0 {
		t.Error("a check that was refused has written")
	}
	w.guard = connected{w.store.RestoreGuard(), []string{restorecheck.Program, "psql"}}
	w.apply()
}

func TestASecondCheckIsRefusedWhileOneIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.requested(at(1, 0, 0))
	release, err := w.guard.TryLock(t.Context())
	w.must(err)
	if _, err := w.checker().Run(t.Context(), w.options()); !errors.Is(err, restorecheck.ErrRunning) || w.isHalted() {
		t.Errorf("beside another check: %v", err)
	}
	dry := w.options()
	dry.Apply = false
	if _, err := w.checker().Run(t.Context(), dry); err != nil {
		t.Errorf("without Apply: %v", err)
	}
	release()
	w.apply()
	w.apply() // the first one has given the lock back
}
