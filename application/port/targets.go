package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Targets changes billing targets in transactions.
type Targets interface {
	// Within runs fn in one transaction and commits it. An error of fn rolls back and is returned as it is. It also
	// returns ErrConflict, ErrUnavailable and ErrCommitUnknown, wrapped. fn must not keep the TargetTx.
	Within(ctx context.Context, fn func(ctx context.Context, tx TargetTx) error) error
}

// TargetTx is one transaction over targets and their ledger rows. Lock order everywhere: targets first, then the
// ledger, both sorted by key. Not safe for concurrent use.
type TargetTx interface {
	// LockPage locks the next candidates of a month and returns them in the order (available at, user id), without
	// those that others hold (SKIP LOCKED). Fewer than the limit means that the pass has reached its end. ErrInvalid if
	// the limit is out of range.
	LockPage(ctx context.Context, page Page) ([]Candidate, error)
	// Lock locks those of the targets that exist, waiting for others that hold them, and returns them sorted by key.
	Lock(ctx context.Context, keys []key.Target) ([]billing.Target, error)
	// Ledger reads all ledger rows of the targets as they are now, sorted by key. Call it after Lock, never before.
	Ledger(ctx context.Context, keys []key.Target) (map[key.Target][]attempt.Row, error)
	// Reports reads all reports about the targets as they are now (R11). Call it after Lock, never before.
	Reports(ctx context.Context, keys []key.Target) (map[key.Target][]report.Report, error)
	// Revoke inserts REVOKED rows for those keys that have no row, and returns the keys that it inserted. It waits for
	// concurrent inserts of the same keys. The order of the revocations does not matter.
	Revoke(ctx context.Context, revocations []attempt.Revocation) ([]key.Delivery, error)
	// Succeed makes those targets SUCCEEDED for which SucceedsPlainly holds, with a row that was committed before the
	// call, and returns their keys sorted: what most results come to, without reading anything. It waits for others that
	// hold a target, and leaves it alone if it no longer qualifies then. It locks what it changes in the order of the
	// keys, so nothing else may be locked in the same transaction.
	Succeed(ctx context.Context, keys []key.Target) ([]key.Target, error)
	// Save stores the targets, which this transaction must have locked (else ErrInvalid), in any order. It leaves the
	// batch status as it is, because only the batch writes it.
	Save(ctx context.Context, targets []billing.Target) error
	// Record does what Ledger.Record does, in this transaction: for verdicts of operators on locked targets.
	Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error)
	// Recover writes what the event log tells of keys, each named once, where attempt.Recovery.Recovers allows it: after the database
	// was restored to an earlier moment (R10). It returns the keys that it wrote, sorted. Safe to repeat. ErrInvalid if a month
	// was never opened.
	Recover(ctx context.Context, recoveries []attempt.Recovery) ([]key.Delivery, error)
	// Audit stores the entry of an act, to be committed with what the act changed.
	Audit(ctx context.Context, entry AuditEntry) error
}

// Page asks for one page of candidates: RENDERED, READY or FAILED, available at or before PassNow, behind the cursor.
type Page struct {
	Month   key.Month
	PassNow time.Time // fixed for the pass
	After   Cursor    // the zero Cursor begins at the start
	Limit   int       // 1 to 1,000
}

// Cursor is a position in the order (available at, user id).
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
	// Due counts the candidates of a month that are available at now or before, at most limit.
	Due(ctx context.Context, month key.Month, now time.Time, limit int) (int, error)
	// NextDue returns when the first candidate of a month is available; the zero time if there are no candidates.
	NextDue(ctx context.Context, month key.Month) (time.Time, error)
	// InFlight counts the REQUESTED targets of a month, at most limit: each may become a candidate again.
	InFlight(ctx context.Context, month key.Month, limit int) (int, error)
	// Unrendered counts the bills of a month that wait to be rendered (IMPORTED). They are not candidates yet.
	Unrendered(ctx context.Context, month key.Month) (int, error)
}

// Requests finds dispatched targets that nobody claimed (R8).
type Requests interface {
	// Unclaimed returns REQUESTED targets of the month that were requested before an instant and whose current key has
	// no ledger row: at most limit, sorted by user id, those behind the user id after.
	Unclaimed(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error)
}
