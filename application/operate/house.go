package operate

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Halt stops everything that goes out; what is under way ends as it can.
func (o *Operator) Halt(ctx context.Context, by port.Act) error {
	return o.setHalt(ctx, "halt", true, by)
}

// LiftHalt lets everything go on.
func (o *Operator) LiftHalt(ctx context.Context, by port.Act) error {
	return o.setHalt(ctx, "lift halt", false, by)
}

func (o *Operator) setHalt(ctx context.Context, what string, on bool, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	halt := port.Halt{On: on, Actor: by.Actor, Reason: by.Reason, Since: o.Clock.Now()}
	err := o.watch.Retry(ctx, "database", func(ctx context.Context) error { return o.Control.SetHalt(ctx, halt) })
	if err != nil {
		return err
	}
	return o.note(ctx, what, "everything", by)
}

// CloseMonth ends a month for runs without a month.
func (o *Operator) CloseMonth(ctx context.Context, month key.Month, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	if err := o.watch.Retry(ctx, "database", func(ctx context.Context) error { return o.Months.Close(ctx, month) }); err != nil {
		return err
	}
	return o.note(ctx, "close month", month.String(), by)
}

// Suppress puts a customer's channel on the suppression list, or takes it off.
func (o *Operator) Suppress(ctx context.Context, contact port.Contact, on bool, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	what := "suppress"
	err := o.watch.Retry(ctx, "database", func(ctx context.Context) error {
		if on {
			return o.Suppressions.Suppress(ctx, []port.Contact{contact}, by.Reason)
		}
		what = "lift suppression"
		return o.Suppressions.Lift(ctx, []port.Contact{contact})
	})
	if err != nil {
		return err
	}
	return o.note(ctx, what, fmt.Sprintf("user %d on %s", contact.UserID, contact.Channel), by)
}

// DraftPolicy stores a new version of a policy.
func (o *Operator) DraftPolicy(ctx context.Context, spec policy.Spec, by port.Act) (version policy.Version, err error) {
	if err := o.check(by); err != nil {
		return version, err
	}
	err = o.watch.Retry(ctx, "database", func(ctx context.Context) error {
		version, err = o.Policies.Draft(ctx, spec, by)
		return err
	})
	if err != nil {
		return version, err
	}
	return version, o.note(ctx, "draft policy", version.Ref().String(), by)
}

// ActivatePolicy takes a drafted version live and retires the one before.
func (o *Operator) ActivatePolicy(ctx context.Context, ref policy.Ref, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	err := o.watch.Retry(ctx, "database", func(ctx context.Context) error { return o.Policies.Activate(ctx, ref, by) })
	if err != nil {
		return err
	}
	return o.note(ctx, "activate policy", ref.String(), by)
}

// Correct replaces a bill's data before it has gone out (R6): the current key is revoked, or the correction refused, so
// that no older copy can go out.
func (o *Operator) Correct(ctx context.Context, corrections port.Corrections, bill port.ImportedBill, month key.Month, seal func([]byte, port.Purpose) ([]byte, error), by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	bill.State.Key.Month = month
	err := o.watch.Retry(ctx, "database", func(ctx context.Context) error {
		return corrections.Correct(ctx, bill, seal, settle.Correction(bill, o.Clock))
	})
	if err != nil {
		return err
	}
	return o.note(ctx, "correct", month.String()+" customer "+bill.Customer, by)
}
