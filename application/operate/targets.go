package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Cancel ends a target of which no try has been accepted (R6). If a try is under way, the end stays pending and is granted once
// the outcome is known and is no success; the target that is returned is not CANCELLED yet then.
func (o *Operator) Cancel(ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
	return o.change(ctx, port.ActionCancel, k, by, func(ctx context.Context, t billing.Target, l locked) (billing.Target, error) {
		if t.Status() == billing.Cancelled || t.State().PendingEnd == billing.Cancelled {
			return t, ErrAlready
		}
		if err := t.MayCancel(); err != nil {
			return t, err
		}
		asked, err := o.within(l).RequestEnds(ctx, []settle.End{{Target: t, As: billing.Cancelled}})
		if err != nil {
			return t, err
		}
		return asked[0], nil
	})
}

// Uncancel takes a cancellation back (R9). The key that was closed stays closed.
func (o *Operator) Uncancel(ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
	return o.change(ctx, port.ActionUncancel, k, by, func(_ context.Context, t billing.Target, l locked) (billing.Target, error) {
		row := l.row(t)
		if before := l.before(t); t.Status() == billing.Ready && before != nil && before.Reason == attempt.ReasonCancel {
			return t, ErrAlready
		}
		version, err := bound(t, row, l.policies)
		if err != nil && row != nil && row.State == attempt.Failed {
			return t, err
		}
		return t, t.Uncancel(row, version, o.Clock.Now())
	})
}

// Pause stops dispatching a target until it is resumed. A try in progress is not stopped.
func (o *Operator) Pause(ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
	return o.change(ctx, port.ActionPause, k, by, func(_ context.Context, t billing.Target, _ locked) (billing.Target, error) {
		if t.Status() == billing.Paused && t.State().Pause == billing.PauseOperator {
			return t, ErrAlready
		}
		if !billing.Can(t.Status(), billing.EventPause, billing.Paused) {
			return t, fmt.Errorf("%w: %s is %s", billing.ErrRefused, k, t.Status())
		}
		return t, t.PauseFor(billing.PauseOperator)
	})
}

// Resume makes a PAUSED target a candidate again.
func (o *Operator) Resume(ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
	return o.change(ctx, port.ActionResume, k, by, func(_ context.Context, t billing.Target, l locked) (billing.Target, error) {
		switch t.Status() {
		case billing.Ready, billing.Failed, billing.Requested: // whether it was paused before is not kept
			return t, ErrAlready
		default:
			return t, t.Resume(l.row(t), o.Clock.Now())
		}
	})
}

// SendAnyway sends an UNKNOWN target once more, on its next step. A second copy is possible and accepted.
func (o *Operator) SendAnyway(ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
	var databaseNow time.Time
	err := o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		databaseNow, err = o.Sweeps.Now(ctx)
		return err
	})
	if err != nil {
		return billing.Target{}, err
	}
	return o.change(ctx, port.ActionSendAnyway, k, by, func(_ context.Context, t billing.Target, l locked) (billing.Target, error) {
		row := l.row(t)
		if before := l.before(t); t.Status() == billing.Ready && before != nil && before.State == attempt.Unknown {
			return t, ErrAlready
		}
		version, err := bound(t, row, l.policies)
		if err != nil {
			return t, err
		}
		return t, t.SendAnyway(row, version, o.CallDeadline, databaseNow, o.Clock.Now())
	})
}

// WriteOff closes an UNKNOWN target. Its outcome stays unknown and is counted.
func (o *Operator) WriteOff(ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
	return o.change(ctx, port.ActionWriteOff, k, by, func(_ context.Context, t billing.Target, _ locked) (billing.Target, error) {
		if t.Status() == billing.WrittenOff {
			return t, ErrAlready
		}
		return t, t.WriteOff()
	})
}

// Verdict records what became of an UNKNOWN target: delivered makes it SUCCEEDED, not delivered continues its
// route. The verdict goes into the ledger, and the target follows from it as from any outcome, in the same transaction.
func (o *Operator) Verdict(ctx context.Context, k key.Target, delivered bool, by port.Act) (billing.Target, error) {
	what := port.ActionNotDelivered
	if delivered {
		what = port.ActionDelivered
	}
	return o.change(ctx, what, k, by, func(ctx context.Context, t billing.Target, l locked) (billing.Target, error) {
		row := l.row(t)
		if given(t, l, delivered) {
			return t, ErrAlready
		}
		if t.Status() != billing.Unknown || row == nil || row.State != attempt.Unknown {
			return t, fmt.Errorf("%w: %s is %s, not UNKNOWN", billing.ErrRefused, k, t.Status())
		}
		outcome := attempt.Outcome{Key: row.Key, State: attempt.Failed, Class: attempt.Temporary, Reason: attempt.ReasonManual, FinishedAt: o.Clock.Now(), Verdict: true}
		if delivered {
			outcome.State, outcome.Class = attempt.Succeeded, ""
		}
		held, err := l.tx.Record(ctx, []attempt.Outcome{outcome})
		if err != nil {
			return t, err
		}
		if len(held) == 0 {
			return t, fmt.Errorf("%w: the outcome of %s came in meanwhile", billing.ErrRefused, k)
		}
		settled, err := o.within(l).Settle(ctx, []billing.Target{t})
		if len(settled) == 1 {
			t = settled[0]
		}
		return t, err
	})
}

// given reports whether a verdict is given already, or the ledger says the same.
func given(t billing.Target, l locked, delivered bool) bool {
	if delivered {
		return t.Status() == billing.Succeeded
	}
	last := l.before(t)
	if last == nil {
		last = l.row(t) // no step of the route was left
	}
	return last != nil && last.State == attempt.Failed && last.Reason == attempt.ReasonManual
}

// bound returns the policy version of a ledger row, or else of the target. ErrRefused if it is gone.
func bound(t billing.Target, row *attempt.Row, policies billing.Policies) (policy.Version, error) {
	ref := t.State().Policy
	if row != nil && row.PolicyID != 0 {
		ref = policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}
	}
	version, ok := policies(ref)
	if !ok {
		return version, errors.Join(billing.ErrRefused, fmt.Errorf("%s is bound to policy %s, which is gone", t.Key(), ref))
	}
	return version, nil
}
