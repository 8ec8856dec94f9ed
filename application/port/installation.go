package port

import "context"

// Installation tells one installation of Balsong from every other: each ledger has its own.
type Installation interface {
	// ID returns 6 to 32 lower-case letters and digits, always the same ones for the same database.
	ID(ctx context.Context) (string, error)
}
