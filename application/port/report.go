package port

import (
	"context"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Report reads what people want to know about a month.
type Report interface {
	// Funnel counts the targets of a month by batch and dispatch status.
	Funnel(ctx context.Context, month key.Month) (Funnel, error)
	// Find returns the target of a customer number with its ledger rows, sorted by key. ErrNotFound.
	Find(ctx context.Context, month key.Month, customer string) (billing.Target, []attempt.Row, error)
	// Origin returns where a target's data came from: file, line and import. ErrNotFound.
	Origin(ctx context.Context, target key.Target) (Origin, error)
	// Imports returns the records of a month's imports, oldest first.
	Imports(ctx context.Context, month key.Month) ([]ImportRecord, error)
}

// Funnel counts a month's targets and refused rows.
type Funnel struct {
	Month    key.Month
	Imported int
	Batch    map[billing.BatchStatus]int
	Dispatch map[billing.Status]int
	Paused   map[billing.PauseReason]int
	Rejected int // rows that the imports of this month refused and that did not come in since, each counted once
	Resolved int // refused rows that came in since
}
