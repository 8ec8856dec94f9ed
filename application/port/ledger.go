package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Ledger is the delivery ledger as Delivery writes it, in bulk. The ledger key is the only mutex of the protocol.
type Ledger interface {
	// Claim inserts CLAIMED rows (R3) and returns the keys that now belong to the tokens of their claims: inserted, or
	// held by the same token before with a lease that has not ended. After ErrCommitUnknown call it again with the same
	// claims. Leases begin now by the database's clock. ErrInvalid if a key is named twice in one call, because it
	// could not be told which claim won, or a token is zero.
	Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error)
	// Close inserts final rows for keys that have no row and for which no call will be made (R5, before the claim). It
	// returns the keys that it inserted; keys that have a row stay as they are. Safe to repeat.
	Close(ctx context.Context, closings []attempt.Closing) ([]key.Delivery, error)
	// Record changes the rows whose attempt.Row.Accepts allows their outcome (R5); others stay as they are. It returns
	// the keys whose rows now hold the outcome's state. Safe to repeat.
	Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error)
	// Find returns the rows of those keys that have one, sorted by key.
	Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error)
}

// Span is a period of the database's clock, in which a row last changed: from Since, inclusive (zero: the beginning),
// until Until, exclusive (zero: without an end).
type Span struct{ Since, Until time.Time }

// Sweeps is the ledger as settlement watches it.
type Sweeps interface {
	// ExpireLeases turns CLAIMED rows of the month whose lease has ended, by the database's clock, into UNKNOWN with
	// the reason lease_expired. It changes at most limit rows and returns their keys.
	ExpireLeases(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error)
	// Changed returns targets of the month that may disagree with the ledger because one of their rows, not CLAIMED,
	// changed in a span: at most limit, sorted by user id, those behind the user id after. A span without a beginning and an end
	// is walked, limit targets at a time, of which any number may be returned: none too. next is the user id behind which to
	// continue; 0: there is nothing more.
	Changed(ctx context.Context, month key.Month, when Span, after int64, limit int) (found []key.Target, next int64, err error)
	// Reported returns targets of the month that may have to be settled because of a report that was stored in a span: those
	// about which a definitive UNDELIVERED, or, if they are not SUCCEEDED, a DELIVERED was stored. Pages are as those of
	// Changed; a walk takes limit reports at a time.
	Reported(ctx context.Context, month key.Month, when Span, after int64, limit int) (found []key.Target, next int64, err error)
	// Unknown counts the targets of the month that are UNKNOWN, at most limit.
	Unknown(ctx context.Context, month key.Month, limit int) (int, error)
	// Horizon returns an instant of the database's clock before which all writes are visible by now: no transaction
	// that is still open wrote before it. The next search for changes may begin there.
	Horizon(ctx context.Context) (time.Time, error)
	// Now returns the time of the database's clock.
	Now(ctx context.Context) (time.Time, error)
	// InDoubt counts the CLAIMED rows of the month and returns when the last of their leases ends; the zero time if
	// there are none.
	InDoubt(ctx context.Context, month key.Month) (claimed int, until time.Time, err error)
}
