package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// Months keeps which billing months are open. An import opens a month, an operator closes it.
type Months interface {
	// Open makes a month ready for data and opens it. Safe to repeat. ErrInvalid if the month was closed: it stays
	// closed (see Reopen).
	Open(ctx context.Context, month key.Month) error
	// Close closes a month for runs that do not name it, and is audited (ActionCloseMonth, with what is left where that is not
	// "") where it was open. ErrNotFound if it was never opened.
	Close(ctx context.Context, month key.Month, left string, by Act) error
	// Reopen opens a month that was closed, and is audited (ActionReopenMonth) where it was closed. ErrNotFound if it was never
	// opened, ErrInvalid if its bills were removed.
	Reopen(ctx context.Context, month key.Month, by Act) error
	// DispatchStarted tells whether dispatch of a month has started: a bill of it is REQUESTED, or its ledger has a row that is not
	// REVOKED. false where the month was never opened.
	DispatchStarted(ctx context.Context, month key.Month) (bool, error)
	// List returns the open months, oldest first.
	List(ctx context.Context) ([]key.Month, error)
	// All returns every month that was ever opened, oldest first.
	All(ctx context.Context) ([]MonthState, error)
}

// MonthState is a month and whether it is open.
type MonthState struct {
	Month    key.Month
	Open     bool
	OpenedAt time.Time // by the database's clock
	ClosedAt time.Time // by the database's clock; zero while it is open
	// DroppedAt is when retention had removed its bills, by the database's clock; zero while they are there.
	DroppedAt time.Time
}
