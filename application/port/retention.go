package port

import (
	"context"
	"strings"

	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

// Retention removes what has been kept long enough. Statement data (bills, ledger, refused rows, statements) goes a
// month at a time; audit data (who imported, ran, approved, looked) outlives it.
type Retention interface {
	// Size tells what Drop would take away. Zero where nothing of the month is there any more.
	Size(ctx context.Context, month key.Month) (MonthSize, error)
	// Drop removes the bills, the ledger and the refused rows of a closed month for good. Safe to repeat, also after it
	// was cut short; the month is dropped (MonthState.DroppedAt) when all of it is gone. ErrNotFound where the month was
	// never opened, ErrInvalid while it is open, ErrConflict where others hold it just now: try again. It is audited
	// (ActionDropMonth) once all of it is gone.
	Drop(ctx context.Context, month key.Month, by Act) error
	// AuditSize tells what DropAudit would take away.
	AuditSize(ctx context.Context, before key.Month) (AuditSize, error)
	// DropAudit removes the records of imports and runs of dropped months before the given one, these months
	// themselves, and what operators did before its first instant (UTC), in one transaction. It is audited
	// (DropAuditEntry) where there was any. Safe to repeat.
	DropAudit(ctx context.Context, before key.Month, by Act) error
}

// MonthSize is how much of a month there is.
type MonthSize struct {
	Bills   int   `json:"bills"`        // rows
	Ledger  int   `json:"ledger_rows"`  // rows
	Rejects int   `json:"refused_rows"` // rows
	Bytes   int64 `json:"bytes"`        // of all of them with their indexes, as the database counts
}

// AuditSize is how many records there are.
type AuditSize struct {
	Imports int `json:"imports"`
	Runs    int `json:"runs"`
	Acts    int `json:"acts"`
	Months  int `json:"months"`
}

// String says what there is of each.
func (s AuditSize) String() string {
	return strings.Join([]string{
		wording.Count(s.Acts, "act", "acts"), wording.Count(s.Runs, "run", "runs"), wording.Count(s.Imports, "import", "imports"), wording.Count(s.Months, "month", "months"),
	}, ", ")
}

// PackStore looks at packs and removes them by their names' beginning.
type PackStore interface {
	// Size counts the packs whose names begin with prefix. ErrUnavailable.
	Size(ctx context.Context, prefix string) (PackSize, error)
	// Remove removes the packs whose names begin with prefix, which must not be empty (ErrInvalid), and returns what it
	// removed. told, where it is not nil, learns how far it is. Safe to repeat, also after it was cut short. ErrUnavailable.
	Remove(ctx context.Context, prefix string, told func(PackSize)) (PackSize, error)
}

// PackSize is how many packs there are.
type PackSize struct {
	Packs int   `json:"packs"`
	Bytes int64 `json:"bytes"`
}
