package port

import (
	"context"
	"time"
)

// Budgets bound how many calls a second all processes together make to a provider. A call begins at an instant that was
// reserved for it, and every instant is reserved once, in the order of the reservations, by one clock for all processes.
type Budgets interface {
	// Reserve reserves the next calls of a provider, at least one, none of which may begin before a time from now has passed: what lies
	// before it nobody gets. limit is the provider's, in calls a second; what is reserved keeps to the present rate, which is lower after Slow. Nobody else gets these instants, also where the
	// caller does not use them or does not learn of them.
	Reserve(ctx context.Context, provider string, limit float64, calls int, after time.Duration) (Reservation, error)
	// Slow lowers a provider's present rate because it has throttled calls, and reports whether it did: not where the rate was lowered
	// within BudgetReaction, nor where nothing was ever reserved. From then on the rate grows back to the limit.
	Slow(ctx context.Context, provider string) (rate float64, slowed bool, err error)
	// All lists the budgets of the providers of which calls were reserved within the last day, by their names.
	All(ctx context.Context) ([]Budget, error)
}

// Reservation is instants at which a call each may begin.
type Reservation struct {
	First time.Time     // by this process's clock, and never earlier than by the one of the reservations
	Apart time.Duration // between two of them
	Calls int
}

// Budget is what a provider may be called at present.
type Budget struct {
	Provider string
	Limit    float64   // calls a second
	Rate     float64   // calls a second at present
	SlowedAt time.Time // when the provider throttled last; zero: never
}

// How a budget follows its provider.
const (
	// BudgetSlowed is what a rate is multiplied by when the provider throttles, as in CUBIC (RFC 9438) and the AWS SDKs' adaptive mode.
	BudgetSlowed = 0.7
	// BudgetLeast is the smallest share of its limit that a rate is lowered to.
	BudgetLeast = 0.02
	// BudgetRegained is the share of the limit that a rate regains each second.
	BudgetRegained = 0.01
	// BudgetReaction is the least time between two times that a rate is lowered: what was reserved at the rate of before is still used meanwhile.
	BudgetReaction = 2 * time.Second
	// BudgetAhead and BudgetAheadCalls, the longer of them at the present rate, are how far ahead of now calls are reserved: what seems
	// to be further was reserved by a clock that has been set back since. It is more than all processes together reserve ahead.
	BudgetAhead      = time.Minute
	BudgetAheadCalls = 100
)

// BudgetUsed is the share of a provider's rate that is reserved: so much that calls which begin up to 40 ms late still keep to the limit
// in any second, also where a single call is more than 5% of it.
func BudgetUsed(limit float64) float64 {
	if limit < 20 {
		return 0.94
	}
	return 0.97
}
