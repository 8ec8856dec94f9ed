package port

import (
	"context"
	"time"
)

// QuotaReader is a Gateway whose provider says what its account may still send.
type QuotaReader interface {
	// Quota asks. It changes nothing at the provider. The error says that no answer came.
	Quota(ctx context.Context) (Quota, error)
}

// Quota is what an account may still send. What a provider does not say is zero.
type Quota struct {
	Limit    int           // messages within Window; 0: not said, or without a limit
	Left     int           // of Limit, now
	Window   time.Duration // as the provider counts, up to now
	Rate     float64       // messages a second
	Balance  string        // money left, as the provider writes the amount
	Currency string        // of Balance, as in KRW
	Empty    bool          // the balance pays for nothing
}
