package port

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/domain/key"
)

// RefusedRows are the rows that a month's imports refused and that were not resolved since.
type RefusedRows interface {
	// Waiting returns at most limit of them, sorted by file and line, those behind the row after (the zero row: from the
	// first). Fewer than limit means that there are no more.
	Waiting(ctx context.Context, month key.Month, after RejectedRow, limit int) ([]Reject, error)
	// Dismiss resolves one although nothing came in for it, and audits that; a row that is resolved already stays as it is.
	// ErrNotFound where the month has no such row. Taking an import back does not open it again.
	Dismiss(ctx context.Context, month key.Month, row RejectedRow, by Act) error
}

// DismissEntry is the entry of RefusedRows.Dismiss.
func DismissEntry(month key.Month, row RejectedRow, by Act) AuditEntry {
	return AuditEntry{Action: ActionDismissRow.With(fmt.Sprintf("%s, line %d", row.File, row.Line)), Subject: month.String(), By: by}
}
