package operate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
)

// starting is a world whose operator can start runs.
func starting(t *testing.T) (*world, *memory.RunStarter, *memory.RunSchedules) {
	t.Helper()
	w := newWorld(t)
	if err := w.store.Months().Open(t.Context(), w.key.Month); err != nil {
		t.Fatal(err)
	}
	starter, schedules := &memory.RunStarter{}, &memory.RunSchedules{}
	ports := w.ports()
	ports.Starter, ports.Schedules = starter, schedules
	w.operator = operate.New(ports, callDeadline)
	w.before = len(w.store.Notes())
	return w, starter, schedules
}

func TestAStartedRunIsOrderedOnceAndWrittenDownBefore(t *testing.T) {
	t.Parallel()
	w, starter, _ := starting(t)
	order := port.RunOrder{Month: w.key.Month, Linger: true, By: by()}
	run, err := w.operator.StartRun(t.Context(), "token", order)
	if err != nil || len(starter.Orders()) != 1 || starter.Orders()[0].Month != w.key.Month || !starter.Orders()[0].Linger {
		t.Fatalf("%+v, %+v: %v", run, starter.Orders(), err)
	}
	if again, err := w.operator.StartRun(t.Context(), "token", order); err != nil || again.Handle != run.Handle || len(starter.Orders()) != 1 {
		t.Errorf("again: %+v: %v", again, err)
	}
	if note := w.audited()[0]; note.Action != "start run: token" || note.Subject != "2026-11" || note.By.Actor != "on-call" {
		t.Errorf("%+v", note)
	}
	starter.Fail(port.ErrUnavailable)
	if _, err := w.operator.StartRun(t.Context(), "other", port.RunOrder{By: by()}); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if notes := w.audited(); notes[len(notes)-1].Action != "start run: other" || notes[len(notes)-1].Subject != "everything" {
		t.Errorf("what may have been started is not written down: %+v", notes)
	}
	if looked, err := w.operator.LookAtRun(t.Context(), run.Handle); err != nil || looked.Status != port.StartRunning {
		t.Errorf("%+v: %v", looked, err)
	}
}

func TestNoRunIsStartedWithoutAReasonForAnUnknownMonthOrDuringAHalt(t *testing.T) {
	t.Parallel()
	w, starter, schedules := starting(t)
	unknown := port.RunOrder{Month: w.key.Month + 1, By: by()}
	later := w.clock.Now().Add(time.Hour)
	_, nobody := w.operator.StartRun(t.Context(), "a", port.RunOrder{})
	_, _, nobodyLater := w.operator.ScheduleRun(t.Context(), later, time.UTC, port.RunOrder{})
	_, nothing := w.operator.StartRun(t.Context(), "b", unknown)
	_, _, nothingLater := w.operator.ScheduleRun(t.Context(), later, time.UTC, unknown)
	if _, err := w.operator.Halt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	w.before = len(w.store.Notes())
	_, halted := w.operator.StartRun(t.Context(), "c", port.RunOrder{By: by()})
	if len(w.audited()) != 0 {
		t.Errorf("a run that was refused is written down: %+v", w.audited())
	}
	made, _, err := w.operator.ScheduleRun(t.Context(), later, time.UTC, port.RunOrder{By: by()})
	if list, _ := schedules.List(t.Context()); err != nil || len(list) != 1 || list[0].Name != made.Name {
		t.Errorf("scheduled during a halt, for when it is lifted: %+v: %v", list, err)
	}
	for name, c := range map[string]struct{ err, want error }{
		"start, by nobody": {nobody, operate.ErrNoReason}, "schedule, by nobody": {nobodyLater, operate.ErrNoReason}, "remove, by nobody": {w.operator.UnscheduleRun(t.Context(), "x", port.Act{}), operate.ErrNoReason},
		"start an unknown month": {nothing, port.ErrNotFound}, "schedule an unknown month": {nothingLater, port.ErrNotFound}, "start during a halt": {halted, port.ErrHalted},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if len(starter.Orders()) != 0 || len(w.audited()) != 1 {
		t.Errorf("something was done: %+v, %+v", starter.Orders(), w.audited())
	}
}

func TestARunIsScheduledForATimeThatComesOnceOnTheClockOfItsZone(t *testing.T) {
	t.Parallel()
	w, _, schedules := starting(t)
	seoul, york := mustZone(t, "Asia/Seoul"), mustZone(t, "America/New_York")
	wall := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	made, at, err := w.operator.ScheduleRun(t.Context(), wall("2026-12-25 08:00"), seoul, port.RunOrder{Month: w.key.Month, By: by()})
	if err != nil || made.Name != "balsong-run-20261225T0800-2026-11" || made.Expression != "at(2026-12-25T08:00:00)" || made.Zone != "Asia/Seoul" || !at.Equal(time.Date(2026, 12, 24, 23, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v at %s: %v", made, at, err)
	}
	if got := schedules.Order(made.Name); got.Month != w.key.Month || w.audited()[0].Action != port.ActionScheduleRun.With(made.Name) {
		t.Errorf("%+v, %+v", got, w.audited())
	}
	for text, zone := range map[string]*time.Location{"2026-11-22 12:00": seoul, "2027-03-14 02:30": york, "2027-11-07 01:30": york} {
		if _, _, err := w.operator.ScheduleRun(t.Context(), wall(text), zone, port.RunOrder{By: by()}); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s in %s: %v", text, zone, err)
		}
	}
	if err := w.operator.UnscheduleRun(t.Context(), made.Name, by()); err != nil {
		t.Error(err)
	}
	if err := w.operator.UnscheduleRun(t.Context(), made.Name, by()); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	if list, _ := schedules.List(t.Context()); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
