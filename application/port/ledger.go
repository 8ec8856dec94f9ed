package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Ledger is the delivery ledger as Delivery writes it, in bulk. The ledger key is the only mutex of the protocol.
type Ledger interface {
	// Claim inserts CLAIMED rows (R3) and returns the keys that now belong to their tokens: inserted, or already held
	// by the same token with a live lease. After ErrCommitUnknown call it again with the same claims.
	// Lease ends are counted from the database's clock. A key named twice in a call is ErrInvalid: who of the two won
	// could not be told.
	Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error)
	// Close inserts rows for keys that have none and that will not be called (R5, before the claim). Keys that have a
	// row are left as they are. Safe to repeat. Returns the keys it inserted.
	Close(ctx context.Context, closings []attempt.Closing) ([]key.Delivery, error)
	// Record writes outcomes (R5): each as attempt.Row.Accepts allows, others are left as they are. Safe to repeat.
	// Returns the keys whose rows now hold the outcome's state.
	Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error)
	// Find returns the rows of those keys that have one, sorted by key.
	Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error)
}

// Span is a time by the database's clock: from Since, inclusive (the zero time: from the beginning), until Until,
// exclusive (the zero time: without an end). It counts where a row changed last.
type Span struct{ Since, Until time.Time }

// Sweeps is the ledger as settlement watches it.
type Sweeps interface {
	// ExpireLeases turns CLAIMED rows of the month whose lease has ended, by the database's clock, into UNKNOWN
	// (reason lease_expired), at most limit, and returns their keys.
	ExpireLeases(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error)
	// Changed returns a page of the targets of the month of which some ledger row, not CLAIMED, changed in a span, and
	// which may not agree with the ledger yet. Sorted by user id, behind the user id after, at most limit.
	Changed(ctx context.Context, month key.Month, when Span, after int64, limit int) ([]key.Target, error)
	// Horizon is an instant of the database's clock before which every write can be seen by now: no transaction that is
	// still open has written earlier. The next look for changes may begin there.
	Horizon(ctx context.Context) (time.Time, error)
	// Now is the database's clock.
	Now(ctx context.Context) (time.Time, error)
	// InDoubt counts CLAIMED rows of the month and tells when the last of their leases ends.
	InDoubt(ctx context.Context, month key.Month) (claimed int, until time.Time, err error)
}

// Suppressions is the suppression list, by customer and channel.
type Suppressions interface {
	// Suppressed returns those of the contacts that must not be made.
	Suppressed(ctx context.Context, contacts []Contact) ([]Contact, error)
	// Suppress adds to the list; what is on it stays. The reason is for people.
	Suppress(ctx context.Context, contacts []Contact, reason string) error
	// Lift takes off the list.
	Lift(ctx context.Context, contacts []Contact) error
	// Of returns a customer's entries, by channel.
	Of(ctx context.Context, userID int64) ([]Suppression, error)
	// Count returns how many entries the list has.
	Count(ctx context.Context) (int, error)
}

// Suppression is an entry of the suppression list.
type Suppression struct {
	Contact
	Reason string
	Since  time.Time // by the database's clock
}
