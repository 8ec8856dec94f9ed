// Package retain removes what has been kept long enough: the statement data of old months, and much later what was
// written down about them. Whoever removes says who he is and why, and that is written down before anything is gone.
package retain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

// Ports are what retention needs of the world.
type Ports struct {
	Months    port.Months
	Report    port.Report
	Sweeps    port.Sweeps
	Retention port.Retention
	Packs     port.PackStore
	Audit     port.Audit
	Clock     port.Clock
	Log       port.Log
}

// Rule says how long what is kept.
type Rule struct {
	Months      int // whole months of statement data that are kept beside the running one; at least 1
	AuditMonths int // the same of audit data; at least Months
}

func (r Rule) validate() error {
	if r.Months < 1 || r.AuditMonths < r.Months {
		return fmt.Errorf("%w: keep at least 1 month of statements, and audit data at least as long (%d and %d were asked for)", port.ErrInvalid, r.Months, r.AuditMonths)
	}
	return nil
}

// Keeper applies the rule. It is safe for concurrent use, and several may run at once.
type Keeper struct {
	Ports
	rule  Rule
	watch *outage.Watch
}

// New returns a keeper. ErrInvalid where the rule cannot be.
func New(ports Ports, rule Rule) (*Keeper, error) {
	return &Keeper{Ports: ports, rule: rule, watch: outage.New(ports.Clock, ports.Log)}, rule.validate()
}

// Plan is what is to go, or what went.
type Plan struct {
	Months      []MonthPlan    `json:"months"`
	AuditBefore key.Month      `json:"audit_before"` // audit data of months before this one goes
	Audit       port.AuditSize `json:"audit"`
}

// MonthPlan is a month that is old enough.
type MonthPlan struct {
	Month    key.Month              `json:"month"`
	Data     port.MonthSize         `json:"data"`
	Packs    port.PackSize          `json:"packs"`
	Statuses map[billing.Status]int `json:"statuses"`                  // how many bills have each status
	Open     string                 `json:"refused_because,omitempty"` // why it may not go as it is; "": it may
	Locked   bool                   `json:"-"`                         // a gateway may be called right now: it may not go, whoever wants it
}

// Plan lists what is old enough; only: no other month than this one (0: all). It changes nothing. ErrNotFound where
// the one month was never opened, billing.ErrRefused where it is not old enough.
func (k *Keeper) Plan(ctx context.Context, only key.Month) (plan Plan, err error) {
	now := k.Clock.Now().UTC()
	running, err := key.NewMonth(now.Year(), now.Month())
	if err != nil {
		return plan, err
	}
	plan.AuditBefore = running - key.Month(k.rule.AuditMonths)
	err = k.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		plan.Audit, err = k.Retention.AuditSize(ctx, plan.AuditBefore)
		return err
	})
	if err != nil {
		return plan, err
	}
	months, err := k.old(ctx, running-key.Month(k.rule.Months), only)
	for i := 0; err == nil && i < len(months); i++ {
		var month MonthPlan
		err = k.watch.Retry(ctx, "database or packs", func(ctx context.Context) (err error) {
			month, err = k.month(ctx, months[i])
			return err
		})
		plan.Months = append(plan.Months, month)
	}
	return plan, err
}

// old lists the months before one that are not dropped yet.
func (k *Keeper) old(ctx context.Context, before, only key.Month) (months []port.MonthState, err error) {
	var all []port.MonthState
	err = k.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		all, err = k.Months.All(ctx)
		return err
	})
	found := only == 0
	for _, m := range all {
		if only != 0 && m.Month != only {
			continue
		}
		found = true
		if m.Month < before && m.DroppedAt.IsZero() {
			months = append(months, m)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("%s: %w: it was never opened", only, port.ErrNotFound)
	case only >= before:
		return nil, fmt.Errorf("%w: %s is kept: only months before %s are old enough", billing.ErrRefused, only, before)
	}
	return months, nil
}

// prefix is what the names of a month's packs begin with, as the rendering gives them.
func prefix(month key.Month) string { return month.String() + "/" }

// month plans one month.
func (k *Keeper) month(ctx context.Context, state port.MonthState) (plan MonthPlan, err error) {
	plan = MonthPlan{Month: state.Month}
	if plan.Data, err = k.Retention.Size(ctx, state.Month); err != nil {
		return plan, err
	}
	if plan.Packs, err = k.Packs.Size(ctx, prefix(state.Month)); err != nil {
		return plan, err
	}
	funnel, err := k.Report.Funnel(ctx, state.Month)
	if err != nil {
		return plan, err
	}
	plan.Statuses = funnel.Dispatch
	claimed, _, err := k.Sweeps.InDoubt(ctx, state.Month)
	if err != nil {
		return plan, err
	}
	var left []string
	if state.Open {
		left = append(left, fmt.Sprintf("it is open (`balsong month close --month %s` ends it)", state.Month))
	}
	for _, status := range billing.Statuses {
		if n := funnel.Dispatch[status] + funnel.Copies[status]; n > 0 && (status == billing.Ready || status == billing.Failed || status == billing.Requested) {
			left = append(left, fmt.Sprintf("%d %s", n, status))
		}
	}
	if claimed > 0 {
		left = append(left, wording.Count(claimed, "call", "calls")+" without an outcome")
	}
	plan.Open, plan.Locked = strings.Join(left, ", "), state.Open || claimed > 0
	return plan, nil
}

// Progress is called with how many packs of a month are removed.
type Progress func(month key.Month, gone port.PackSize)

// Apply removes what the rule says, the oldest month first, and returns what it found there. While a month is not
// finished it removes nothing at all (billing.ErrRefused), unless force is set: open months and calls without an outcome stay
// refused. Safe to repeat, also after it was killed in the middle.
func (k *Keeper) Apply(ctx context.Context, only key.Month, force bool, by port.Act, progress Progress) (Plan, error) {
	if strings.TrimSpace(by.Actor) == "" || strings.TrimSpace(by.Reason) == "" {
		return Plan{}, operate.ErrNoReason
	}
	plan, err := k.Plan(ctx, only)
	if err != nil {
		return plan, err
	}
	var refused []error
	for _, m := range plan.Months {
		if m.Open != "" && (m.Locked || !force) {
			refused = append(refused, fmt.Errorf("%w: %s is not finished: %s", billing.ErrRefused, m.Month, m.Open))
		}
	}
	if len(refused) > 0 {
		return plan, fmt.Errorf("nothing was removed: %w; name the months that may go (--month), or remove bills that did not come to an end too (--force)", errors.Join(refused...))
	}
	for _, m := range plan.Months {
		if err := k.drop(ctx, m, by, progress); err != nil {
			return plan, fmt.Errorf("remove %s: %w (run it again: it continues where it stopped)", m.Month, err)
		}
	}
	if only != 0 || plan.Audit == (port.AuditSize{}) {
		return plan, nil
	}
	by.At = k.Clock.Now()
	return plan, k.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return k.Retention.DropAudit(ctx, plan.AuditBefore, by) })
}

// drop removes a month: first that is audited, because packs are not part of any transaction; then the packs go, then the
// rows, with an entry of their own.
func (k *Keeper) drop(ctx context.Context, m MonthPlan, by port.Act, progress Progress) error {
	by.At = k.Clock.Now()
	entry := port.AuditEntry{Action: port.ActionRemoveMonth.With(m.String()), Subject: m.Month.String(), By: by}
	if err := k.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return k.Audit.Record(ctx, entry) }); err != nil {
		return err
	}
	gone := port.PackSize{}
	err := k.watch.Retry(ctx, "packs", func(ctx context.Context) error {
		before := gone
		_, err := k.Packs.Remove(ctx, prefix(m.Month), func(now port.PackSize) {
			gone = port.PackSize{Packs: before.Packs + now.Packs, Bytes: before.Bytes + now.Bytes}
			if progress != nil {
				progress(m.Month, gone)
			}
		})
		return err
	})
	if err != nil {
		return err
	}
	return k.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return k.Retention.Drop(ctx, m.Month, by) })
}

// String says what there is of a month, as it is written down.
func (m MonthPlan) String() string {
	parts := []string{wording.Count(m.Data.Bills, "bill", "bills")}
	for _, status := range billing.Statuses {
		if n := m.Statuses[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	return strings.Join(append(parts, wording.Count(m.Data.Ledger, "ledger row", "ledger rows"), wording.Count(m.Data.Rejects, "refused row", "refused rows"), wording.Count(m.Packs.Packs, "pack", "packs")), ", ")
}
