package postgres

import "context"

// Observer sees the statements of a context's transactions.
type Observer = observer

// Observed returns a context whose statements an observer sees.
func Observed(ctx context.Context, see Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, see)
}
