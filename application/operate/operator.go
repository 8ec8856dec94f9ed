// Package operate is what operators do (R9): cancel, pause, resume, give a verdict, send anyway and write off
// targets; halt, close months, suppress, and decide on policies. Every act names its actor and a reason, and is recorded.
package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// ErrNoReason is returned for an act without an actor or a reason.
var ErrNoReason = errors.New("say who does this and why (actor and reason)")

// ErrAlready is returned, with what there is, for an act that finds what it asks for: nothing was changed, and nothing is
// audited.
var ErrAlready = errors.New("it is so already")

// Ports are the driven ports that operators' acts use.
type Ports struct {
	Targets      port.Targets
	Ledger       port.Ledger
	Sweeps       port.Sweeps
	Policies     port.Policies
	Control      port.Control
	ChannelHalts port.ChannelHalts
	Months       port.Months
	Suppressions port.Suppressions
	Report       port.Report
	Audit        port.Audit
	Starter      port.RunStarter   // of acts on runs alone, as Schedules
	Schedules    port.RunSchedules // nil where nothing keeps schedules
	Clock        port.Clock
	Log          port.Log
}

// Operator carries out acts. Safe for concurrent use.
type Operator struct {
	Ports
	// CallDeadline is the longest call deadline of any provider: no second copy is sent before it has passed.
	CallDeadline time.Duration
	watch        *outage.Watch
}

// New returns an operator.
func New(ports Ports, callDeadline time.Duration) *Operator {
	return &Operator{Ports: ports, CallDeadline: callDeadline, watch: outage.New(ports.Clock, ports.Log)}
}

// locked is what an act works with beside its target.
type locked struct {
	tx       port.TargetTx // holds the target's lock
	rows     []attempt.Row // of the target, in the ledger, with what reports say
	policies billing.Policies
}

// row is the ledger row of the target's current key; nil where there is none.
func (l locked) row(t billing.Target) *attempt.Row { return attempt.RowOf(l.rows, t.Delivery()) }

// before is the newest ledger row of a target whose current key has none yet; nil where it has one, or there is no row.
func (l locked) before(t billing.Target) *attempt.Row {
	if len(l.rows) == 0 || l.row(t) != nil {
		return nil
	}
	return &l.rows[len(l.rows)-1]
}

// act changes one target, which is locked and settled.
type act func(ctx context.Context, t billing.Target, l locked) (billing.Target, error)

// within settles in the transaction of an act.
func (o *Operator) within(l locked) settle.Within {
	return settle.Within{Tx: l.tx, Policies: l.policies, Clock: o.Clock}
}

// change locks a target, settles it, lets do change it, stores it and the act's audit entry, in one transaction. It
// returns the target as it now is. Where do refuses the act, or finds it done already, what settling found out is stored,
// and no entry.
func (o *Operator) change(ctx context.Context, what port.Action, k key.Target, by port.Act, do act) (result billing.Target, err error) {
	if err := o.check(by); err != nil {
		return result, err
	}
	by.At = o.Clock.Now()
	entry := port.AuditEntry{Action: what, Subject: k.String(), By: by}
	policies, err := o.policies(ctx)
	if err != nil {
		return result, err
	}
	var refused error
	unknown := false // the answer to an earlier try's COMMIT was lost
	err = o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		result, refused, err = o.changeOnce(ctx, entry, k, policies, do)
		unknown = unknown || errors.Is(err, port.ErrCommitUnknown)
		return err
	})
	if err == nil {
		err = refused
	}
	switch {
	case errors.Is(err, ErrAlready) && unknown: // by the first try, then; or it was so before, which is what was asked for too
		return result, nil
	case errors.Is(err, ErrAlready):
		return result, err
	case err != nil && unknown: // the first try, if it was committed, is why this one is refused; its entry was committed with it
		return result, fmt.Errorf("%s: the answer to the first try was lost, it may have been done (the audit shows it): %w", what, err)
	case err != nil:
		return result, fmt.Errorf("%s: %w", what, err)
	}
	return result, nil
}

// changeOnce is the transaction of change. refused is the refusal of do, or ErrAlready: it ends the act but not the transaction.
func (o *Operator) changeOnce(ctx context.Context, entry port.AuditEntry, k key.Target, policies billing.Policies, do act) (result billing.Target, refused, err error) {
	err = o.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		if len(targets) == 0 {
			return fmt.Errorf("target %s: %w", k, port.ErrNotFound)
		}
		within := o.within(locked{tx: tx, policies: policies})
		settled, err := within.Settle(ctx, targets)
		if err != nil {
			return err
		}
		if len(settled) == 1 {
			targets = settled
		}
		rows, err := within.Rows(ctx, targets)
		if err != nil {
			return err
		}
		result, refused = do(ctx, targets[0], locked{tx, rows[k], policies})
		if refused != nil {
			if !errors.Is(refused, billing.ErrRefused) && !errors.Is(refused, ErrAlready) {
				return refused
			}
			result = targets[0]
			return tx.Save(ctx, targets[:1])
		}
		if err := tx.Save(ctx, []billing.Target{result}); err != nil {
			return err
		}
		return tx.Audit(ctx, entry)
	})
	return result, refused, err
}

// check refuses an act without an actor or a reason.
func (o *Operator) check(by port.Act) error {
	if strings.TrimSpace(by.Actor) == "" || strings.TrimSpace(by.Reason) == "" {
		return ErrNoReason
	}
	return nil
}

// policies returns how to find a policy version.
func (o *Operator) policies(ctx context.Context) (billing.Policies, error) {
	var versions []policy.Version
	err := o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		versions, err = o.Policies.Versions(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(ref policy.Ref) (policy.Version, bool) {
		for _, v := range versions {
			if v.Ref() == ref {
				return v, true
			}
		}
		return policy.Version{}, false
	}, nil
}
