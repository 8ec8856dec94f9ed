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

// DraftPolicy stores a new version of a policy.
func (o *Operator) DraftPolicy(ctx context.Context, spec policy.Spec, by port.Act) (version policy.Version, err error) {
	err = o.do(ctx, by, func(ctx context.Context, by port.Act) (err error) {
		version, err = o.Policies.Draft(ctx, spec, by)
		return err
	})
	return version, err
}

// ActivatePolicy makes a drafted version ACTIVE and retires the one before. ErrAlready where it is ACTIVE. It is refused, with
// billing.ErrRefused, where it is RETIRED, and, unless anyway is set, where bills of an open month would expire by it, which cannot be
// taken back, and did not by the one before; where none is ACTIVE, nothing went out yet, and status tells of the deadline.
func (o *Operator) ActivatePolicy(ctx context.Context, ref policy.Ref, anyway bool, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	var next, active policy.Version
	var expiring string
	err := o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		if next, active, err = o.nextAndActive(ctx, ref); err != nil {
			return err
		}
		expiring, err = o.expiring(ctx, next, active)
		return err
	})
	switch {
	case err != nil:
		return err
	case next.Status() == policy.Active:
		return ErrAlready
	case next.Status() == policy.Retired:
		return fmt.Errorf("%w: policy %s is RETIRED, and a version goes live once: draft its file again (`balsong policy draft`)", billing.ErrRefused, ref)
	case expiring != "" && !anyway:
		return fmt.Errorf("%w: by the deadline of policy %s %s: draft it with a later deadline, or activate it with --force", billing.ErrRefused, ref, expiring)
	}
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Policies.Activate(ctx, ref, by) })
}

// Expiring says what would keep ActivatePolicy from making a policy ACTIVE now, if that were drafted: the bills that would expire by
// its deadline; "" where there are none.
func (o *Operator) Expiring(ctx context.Context, spec policy.Spec) (expiring string, err error) {
	next, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec)
	if err != nil {
		return "", err
	}
	err = o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error {
		_, active, err := o.nextAndActive(ctx, next.Ref())
		if err != nil {
			return err
		}
		expiring, err = o.expiring(ctx, next, active)
		return err
	})
	return expiring, err
}

// nextAndActive returns a version and the ACTIVE one; the zero version where there is none.
func (o *Operator) nextAndActive(ctx context.Context, ref policy.Ref) (next, active policy.Version, err error) {
	records, err := o.Policies.List(ctx)
	for _, r := range records {
		if r.Version.Ref() == ref {
			next = r.Version
		}
		if r.Version.Status() == policy.Active {
			active = r.Version
		}
	}
	return next, active, err
}

// expiring says what becomes of bills of open months that have passed the deadline of one version and not that of another; "" where
// there are none.
func (o *Operator) expiring(ctx context.Context, next, active policy.Version) (string, error) {
	if active.Status() == "" {
		return "", nil
	}
	months, err := o.Months.List(ctx)
	if err != nil {
		return "", err
	}
	var all []string
	for _, month := range months {
		if !o.past(next, month) || o.past(active, month) {
			continue
		}
		f, err := o.Report.Funnel(ctx, month)
		if err != nil {
			return "", err
		}
		if waiting := f.Dispatch[billing.Ready] + f.Dispatch[billing.Failed] + f.Dispatch[billing.Requested]; waiting > 0 {
			all = append(all, fmt.Sprintf("%s of %s, whose deadline would be %s",
				wording.Count(waiting, "bill", "bills"), month, next.Deadline(month.Start(next.Zone())).Format("2006-01-02 15:04 MST")))
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	return fmt.Sprintf("the next run would end as EXPIRED what waits: %s; an expired bill cannot be sent again", strings.Join(all, ", ")), nil
}

// past reports whether the deadline that a version gives a month has passed.
func (o *Operator) past(v policy.Version, month key.Month) bool {
	if v.Status() == "" { // there is no such version: the port refuses it
		return false
	}
	deadline := v.Deadline(month.Start(v.Zone()))
	return !deadline.IsZero() && !o.Clock.Now().Before(deadline)
}
