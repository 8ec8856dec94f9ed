package operate

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/schedule"
)

// StartRun starts a run of the dispatcher in a process of its own. token names the order: repeated with it, nothing is started
// twice. Its entry is recorded before, as the run's own record comes from the other process. port.ErrHalted while everything is
// halted, port.ErrNotFound for a month that nobody imported.
func (o *Operator) StartRun(ctx context.Context, token string, order port.RunOrder) (run port.StartedRun, err error) {
	if err := o.mayRun(ctx, order); err != nil {
		return run, err
	}
	halt, err := o.Control.Halted(ctx)
	switch {
	case err != nil:
		return run, err
	case halt.On:
		return run, fmt.Errorf("%w by %s: %s: lift it first (`balsong resume`)", port.ErrHalted, halt.Actor, halt.Reason)
	}
	if err := o.note(ctx, port.ActionStartRun.With(token), order); err != nil {
		return run, err
	}
	return o.Starter.Start(ctx, token, order)
}

// LookAtRun tells how a run stands that was started.
func (o *Operator) LookAtRun(ctx context.Context, handle string) (port.StartedRun, error) {
	return o.Starter.Look(ctx, handle)
}

// ScheduleRun makes a schedule that starts a run once, at a time to come on the clock of a zone. The schedule's expression is made
// here, and its name where it has none. It returns the schedule and the instant. Refused where that clock skips the time, shows it
// twice, or has passed it. A halt refuses nothing here: it may be lifted by then, and else the run ends by itself.
func (o *Operator) ScheduleRun(ctx context.Context, wall time.Time, zone *time.Location, order port.RunOrder) (port.RunSchedule, time.Time, error) {
	made := port.RunSchedule{Name: "balsong-run-" + wall.Format("20060102T1504"), Expression: schedule.At(wall), Zone: zone.String(), Note: describeOrder(order)}
	if order.Month != 0 {
		made.Name += "-" + order.Month.String()
	}
	at, exists, twice := schedule.Instant(wall, zone)
	shown := wall.Format("2006-01-02 15:04") + " in " + zone.String()
	switch {
	case !exists:
		return made, at, fmt.Errorf("%w: %s does not exist: the clocks are set forward over it", billing.ErrRefused, shown)
	case twice:
		return made, at, fmt.Errorf("%w: %s comes twice, as the clocks are set back: name another time, or the zone UTC", billing.ErrRefused, shown)
	case !at.After(o.Clock.Now()):
		return made, at, fmt.Errorf("%w: %s has passed", billing.ErrRefused, shown)
	}
	if err := o.mayRun(ctx, order); err != nil {
		return made, at, err
	}
	if err := o.note(ctx, port.ActionScheduleRun.With(made.Name), order); err != nil {
		return made, at, err
	}
	return made, at, o.Schedules.Create(ctx, made, order)
}

// UnscheduleRun removes a schedule.
func (o *Operator) UnscheduleRun(ctx context.Context, name string, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	if err := o.note(ctx, port.ActionUnscheduleRun.With(name), port.RunOrder{By: by}); err != nil {
		return err
	}
	return o.Schedules.Remove(ctx, name)
}

// mayRun checks who orders a run, and that its month is known.
func (o *Operator) mayRun(ctx context.Context, order port.RunOrder) error {
	if err := o.check(order.By); err != nil {
		return err
	}
	if order.Month == 0 {
		return nil
	}
	switch _, known, err := o.isOpen(ctx, order.Month); {
	case err != nil:
		return err
	case !known:
		return fmt.Errorf("the month %s: %w: import it first", order.Month, port.ErrNotFound)
	}
	return nil
}

// note records what leaves the database, before it does.
func (o *Operator) note(ctx context.Context, what port.Action, order port.RunOrder) error {
	return o.do(ctx, order.By, func(ctx context.Context, by port.Act) error {
		return o.Audit.Record(ctx, port.AuditEntry{Action: what, Subject: subject(order.Month), By: by})
	})
}

func subject(month key.Month) string {
	if month == 0 {
		return port.SubjectEverything
	}
	return month.String()
}

// describeOrder is what people read beside a schedule.
func describeOrder(order port.RunOrder) string {
	what := "every open month"
	if order.Month != 0 {
		what = order.Month.String()
	}
	if order.Linger {
		what += ", lingering"
	}
	return what + ", by " + order.By.Actor + ": " + order.By.Reason
}
