package operate

import (
	"context"
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/wording"
)

// Halt stops everything that goes out. Calls under way are not cut short.
func (o *Operator) Halt(ctx context.Context, by port.Act) error {
	return o.setHalt(ctx, true, by)
}

// LiftHalt lifts the halt.
func (o *Operator) LiftHalt(ctx context.Context, by port.Act) error {
	return o.setHalt(ctx, false, by)
}

func (o *Operator) setHalt(ctx context.Context, on bool, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Control.SetHalt(ctx, on, by) })
}

// do runs an act that the port audits itself, at one time however often it is tried.
func (o *Operator) do(ctx context.Context, by port.Act, act func(ctx context.Context, by port.Act) error) error {
	if err := o.check(by); err != nil {
		return err
	}
	by.At = o.Clock.Now()
	return o.watch.Retry(ctx, "database", func(ctx context.Context) error { return act(ctx, by) })
}

// CloseMonth closes a month for runs that do not name it. It is refused, with billing.ErrRefused, while bills have not
// come to an end or refused rows have not come in, unless anyway is set.
func (o *Operator) CloseMonth(ctx context.Context, month key.Month, anyway bool, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	if !anyway {
		if err := o.mayClose(ctx, month); err != nil {
			return err
		}
	}
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Months.Close(ctx, month, by) })
}

// ReopenMonth takes the closing of a month back. It is refused where the month's bills were removed.
func (o *Operator) ReopenMonth(ctx context.Context, month key.Month, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Months.Reopen(ctx, month, by) })
}

// mayClose refuses a month in which something is left.
func (o *Operator) mayClose(ctx context.Context, month key.Month) error {
	var f port.Funnel
	err := o.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
		f, err = o.Report.Funnel(ctx, month)
		return err
	})
	if err != nil {
		return err
	}
	var left []string
	for _, status := range billing.Statuses {
		if n := f.Dispatch[status]; n > 0 && !status.Final() {
			left = append(left, fmt.Sprintf("%d %s", n, status))
		}
	}
	for _, status := range billing.Statuses {
		if n := f.Copies[status]; n > 0 && !status.Final() {
			left = append(left, fmt.Sprintf("copies of bills: %d %s (`balsong target copies` lists them)", n, status))
		}
	}
	if f.Rejected > 0 {
		left = append(left, wording.Count(f.Rejected, "row", "rows")+" refused at the import")
	}
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s is not finished: %s; bring them to an end, or close it with --force: then only a run that names the month takes what is left",
		billing.ErrRefused, month, strings.Join(left, ", "))
}

// AuditExport records, before it happens, that a month's unreached customers are exported.
func (o *Operator) AuditExport(ctx context.Context, month key.Month, destinations bool, by port.Act) error {
	entry := port.AuditEntry{Action: port.ActionExport, Subject: month.String()}
	if destinations {
		entry.Action = port.ActionExportDestination
	}
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		entry.By = by
		return o.Audit.Record(ctx, entry)
	})
}

// Suppress adds a customer's channel to the suppression list, for the messages of a scope.
func (o *Operator) Suppress(ctx context.Context, contact port.Contact, scope policy.Scope, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		return o.Suppressions.Suppress(ctx, scope, []port.Contact{contact}, by)
	})
}

// Unsuppress takes a customer's channel off the suppression list, whatever the entry's scope.
func (o *Operator) Unsuppress(ctx context.Context, contact port.Contact, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		return o.Suppressions.Lift(ctx, []port.Contact{contact}, by)
	})
}

// DraftPolicy stores a new version of a policy.
func (o *Operator) DraftPolicy(ctx context.Context, spec policy.Spec, by port.Act) (version policy.Version, err error) {
	err = o.do(ctx, by, func(ctx context.Context, by port.Act) (err error) {
		version, err = o.Policies.Draft(ctx, spec, by)
		return err
	})
	return version, err
}

// ActivatePolicy makes a drafted version ACTIVE and retires the one before.
func (o *Operator) ActivatePolicy(ctx context.Context, ref policy.Ref, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Policies.Activate(ctx, ref, by) })
}
