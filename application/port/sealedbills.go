package port

import (
	"context"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// SealedBills reads what is stored encrypted about bills, to answer people's questions. A Cipher opens it.
type SealedBills interface {
	// Sealed returns what is stored encrypted about a target. ErrNotFound.
	Sealed(ctx context.Context, target key.Target) (SealedBill, error)
	// Unreached returns a month's bills that no gateway has accepted and for which nothing more happens by itself (see
	// Ended): PAUSED, UNKNOWN, every end but SUCCEEDED, and what could not be rendered; with onTheWay, READY, FAILED
	// and REQUESTED ones too. SUCCEEDED are those that ReportedBills.NotDelivered counts. It returns at most limit, sorted by user id, those
	// behind the user id after. Fewer than limit means that there are no more. Copies are not among them.
	Unreached(ctx context.Context, month key.Month, after int64, limit int, onTheWay bool) ([]UnreachedBill, error)
	// Refused returns the rows of a customer that the month's imports refused and that have not come in since, sorted
	// by file and line.
	Refused(ctx context.Context, month key.Month, customer string) ([]Reject, error)
}

// SealedBill is what is stored encrypted about a target.
type SealedBill struct {
	Data         []byte        // Purpose{KindBillingData, target}
	Destinations []Destination // by channel, at most one each
	Statement    []byte        // the StatementRef, Purpose{KindStatementRef, target}; empty where there is none
}

// UnreachedBill is a bill that no gateway has accepted, or whose accepted message for certain was not delivered.
type UnreachedBill struct {
	SealedBill
	Customer    string
	Target      billing.Target
	Last        attempt.Row // the last try that had a channel; the zero Row where there was none
	RenderError string
}

// Ended reports whether nothing more happens by itself for a bill that is not SUCCEEDED.
func Ended(s billing.State) bool {
	switch s.Dispatch {
	case billing.Ready, billing.Failed, billing.Requested:
		return s.Batch == billing.RenderFailed && s.Dispatch != billing.Requested
	default:
		return s.Dispatch != billing.Succeeded
	}
}
