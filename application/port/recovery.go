package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// Recovery is the database as the restore check sees it (R10), beside what it shares with settlement.
type Recovery interface {
	// Unsettled returns targets of a month that may disagree with the ledger: those with a row above their current key, with an
	// outcome that they do not show, or REQUESTED without a row. At most limit, sorted by user id, those behind the user id after.
	Unsettled(ctx context.Context, month key.Month, after int64, limit int) ([]key.Target, error)
	// Missing returns those of the targets, sorted, that do not exist.
	Missing(ctx context.Context, keys []key.Target) ([]key.Target, error)
	// ImportedSince returns READY targets of a month that were never dispatched, whose user id is above a given one, and whose
	// import began at an instant or later. At most limit, sorted by user id, those behind the user id after.
	ImportedSince(ctx context.Context, month key.Month, above int64, since time.Time, after int64, limit int) ([]key.Target, error)
	// HighestUserID returns the highest user id of a customer; 0 without any.
	HighestUserID(ctx context.Context) (int64, error)
	// RaiseUserIDs gives every customer who is new from now on a user id above the given one, and is audited.
	RaiseUserIDs(ctx context.Context, above int64, entry AuditEntry) error
}

// RestoreGuard tells who else works on a database that is checked.
type RestoreGuard interface {
	// TryLock claims the restore check of the database, until release is called, the process ends or its connection is lost.
	// release is nil where another check has it.
	TryLock(ctx context.Context) (release func(), err error)
	// Sessions returns the application names of the other sessions of the database, sorted, each once: those of the caller's
	// other connections too.
	Sessions(ctx context.Context) ([]string, error)
}
