package attempt

import (
	"time"

	"github.com/balsong/balsong/domain/key"
)

// Recovery is what the event log tells of a delivery key whose ledger row was lost, or is an older one, because the database
// was restored to an earlier moment (R10).
type Recovery struct {
	Key key.Delivery
	Facts
	State             State // Succeeded, Failed, NotSent or Unknown
	Class             FailureClass
	Reason            Reason
	Provider          string
	ProviderMessageID string
	FinishedAt        time.Time
}

// Lost is the recovery of a key that may have led to a call and whose outcome nobody knows any more.
func Lost(k key.Delivery, facts Facts, now time.Time) Recovery {
	return Recovery{Key: k, Facts: facts, State: Unknown, Reason: ReasonRestored, FinishedAt: now}
}

// Recovers reports whether a row in a state, "" for none, takes over the recovery: an event proves that the token's owner wrote
// what it says. The SQL of the ledger repeats this guard, and the conformance suite compares the two.
func (r Recovery) Recovers(from State) bool { return Allowed(from, r.State, ByRestore) }

// Recovered returns the row as the recovery leaves it. The zero row stands for none.
func (r Row) Recovered(by Recovery) Row {
	if r.State == "" {
		r.Key, r.Facts = by.Key, by.Facts
	}
	r.State, r.Class, r.Reason, r.NotBefore, r.FinishedAt = by.State, by.Class, by.Reason, time.Time{}, by.FinishedAt
	if by.Provider != "" {
		r.Provider = by.Provider
	}
	if by.ProviderMessageID != "" {
		r.ProviderMessageID = by.ProviderMessageID
	}
	return r
}
