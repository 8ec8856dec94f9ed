package postgres

import (
	"context"

	"github.com/golang-migrate/migrate/v4"
)

// Observer sees the statements of a context's transactions.
type Observer = observer

// Observed returns a context whose statements an observer sees.
func Observed(ctx context.Context, see Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, see)
}

// MigrateDown removes the whole schema, data included.
func MigrateDown(ctx context.Context, url string) error {
	return migrating(ctx, Config{URL: url}, "take the database's schema away", (*migrate.Migrate).Down)
}
