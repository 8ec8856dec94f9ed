package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Targets changes billing targets in transactions.
type Targets interface {
	// Within runs fn in one transaction and commits it; fn's error rolls back and is returned as it is.
	// Returns ErrConflict, ErrUnavailable or ErrCommitUnknown wrapped. fn must not keep the TargetTx.
	Within(ctx context.Context, fn func(ctx context.Context, tx TargetTx) error) error
}

// TargetTx is one transaction over targets and their ledger rows. Lock order everywhere: targets first, then the
// ledger, both sorted by key. Not safe for concurrent use.
type TargetTx interface {
	// LockPage locks the next candidates of a month and returns them in the order (available at, user id); rows that
	// others hold are left out (SKIP LOCKED). Fewer than the limit means that the pass has reached its end.
	LockPage(ctx context.Context, page Page) ([]Candidate, error)
	// Lock locks the targets that exist among the keys, waiting for whoever holds them, and returns them sorted by key.
	Lock(ctx context.Context, keys []key.Target) ([]billing.Target, error)
	// Ledger reads all ledger rows of the targets, as they are now: call it after Lock, never before. Rows are sorted by key.
	Ledger(ctx context.Context, keys []key.Target) (map[key.Target][]attempt.Row, error)
	// Revoke inserts REVOKED rows for keys that have no row and returns the keys that it inserted. A concurrent insert
	// of the same key is waited for. It sorts by key itself.
	Revoke(ctx context.Context, revocations []attempt.Revocation) ([]key.Delivery, error)
	// Save stores the targets, which must be locked by this transaction. It sorts by key itself. The batch status is
	// left as it is: the batch alone writes it.
	Save(ctx context.Context, targets []billing.Target) error
}

// Page asks for one page of candidates: RENDERED, READY or FAILED, available at or before PassNow, behind the cursor.
type Page struct {
	Month   key.Month
	PassNow time.Time // fixed for the pass
	After   Cursor    // the zero Cursor begins at the start
	Limit   int       // 1 to 1,000
}

// Cursor is a place in the order (available at, user id).
type Cursor struct {
	AvailableAt time.Time
	UserID      int64
}

// Candidate is a locked target with what its event needs.
type Candidate struct {
	Target       billing.Target // its Suppressed channels are those on the suppression list now
	Destinations []Destination  // ciphertexts, at most one a channel
	Statement    []byte         // ciphertext of the StatementRef
}

// Backlog looks at candidates without locking them.
type Backlog interface {
	// Due counts the candidates of a month that are available at or before now, up to limit.
	Due(ctx context.Context, month key.Month, now time.Time, limit int) (int, error)
	// NextDue returns the earliest availability among the candidates of a month; the zero time where there are none.
	NextDue(ctx context.Context, month key.Month) (time.Time, error)
	// Unrendered counts the bills of a month that wait to be rendered (IMPORTED): they are no candidates yet.
	Unrendered(ctx context.Context, month key.Month) (int, error)
}

// Requests finds dispatched targets that nobody claimed (R8).
type Requests interface {
	// Unclaimed returns keys of REQUESTED targets of the month that were requested before an instant and whose current
	// key has no ledger row, sorted, at most limit, behind the user id after.
	Unclaimed(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error)
}
