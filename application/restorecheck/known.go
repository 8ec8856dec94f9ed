package restorecheck

import (
	"context"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// known is what the restored database has.
type known struct {
	months   map[key.Month]port.MonthState
	versions map[policy.Ref]policy.Version
	steps    map[policy.Ref]int // of a version's route
	user     int64              // the highest user id of a customer
}

func (r *run) readDatabase(ctx context.Context) error {
	return r.database(ctx, func(ctx context.Context) error {
		months, err := r.Months.All(ctx)
		if err != nil {
			return err
		}
		versions, err := r.Policies.Versions(ctx)
		if err != nil {
			return err
		}
		r.known = known{months: make(map[key.Month]port.MonthState, len(months)), versions: make(map[policy.Ref]policy.Version, len(versions)), steps: make(map[policy.Ref]int, len(versions))}
		for _, m := range months {
			r.known.months[m.Month] = m
		}
		for _, v := range versions {
			r.known.versions[v.Ref()], r.known.steps[v.Ref()] = v, len(v.Steps(""))
		}
		r.known.user, err = r.Recovery.HighestUserID(ctx)
		return err
	})
}

// find is billing.Policies over what the database has.
func (r *run) find(ref policy.Ref) (policy.Version, bool) {
	v, ok := r.known.versions[ref]
	return v, ok
}

var _ billing.Policies = (*run)(nil).find

// What an event is believed to name at most beside what the database has: events are not signed, and whoever may write to a topic
// could else open months without end, or leave new customers no user ids.
const (
	lostMonths = 12          // before and after the month of the restore
	lostUsers  = 100_000_000 // customers of lost imports
)

// isPlausible reports whether an event may name a delivery.
func (r *run) isPlausible(recovery attempt.Recovery) bool {
	k := recovery.Key
	restored, err := key.NewMonth(r.RestoredTo.Year(), r.RestoredTo.Month())
	_, known := r.known.months[k.Month]
	if err != nil || !known && (k.Month < restored-lostMonths || k.Month > restored+lostMonths) {
		return false
	}
	user := key.CustomerID(k.UserID)
	if user == 0 || user > r.known.user+lostUsers || k.Target().CopyNumber() > key.MaxCopies {
		return false
	}
	steps, there := r.known.steps[policy.Ref{ID: recovery.PolicyID, Version: recovery.PolicyVersion}]
	if !there {
		steps = policy.MaxSteps
	}
	return billing.IsPlausible(k, recovery.Step, steps)
}
