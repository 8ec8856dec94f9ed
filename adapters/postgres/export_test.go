package postgres

import (
	"context"

	"github.com/golang-migrate/migrate/v4"

	"github.com/balsong/balsong/domain/key"
)

// Observer sees the statements of a context's transactions.
type Observer = observer

// Observed returns a context whose statements an observer sees.
func Observed(ctx context.Context, see Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, see)
}

// MigrateDown removes the whole schema, data included.
func MigrateDown(ctx context.Context, url string) error {
	return migrating(ctx, Config{URL: url}, MigrateOptions{}, "take the database's schema away", (*migrate.Migrate).Down)
}

// InSpansOf lets Unreached look at so few targets by one statement.
func (p SealedBills) InSpansOf(n int) SealedBills {
	p.span = n
	return p
}

// KeepUnknown sets how many UNKNOWN rows of a month are remembered.
func (p *Sweeps) KeepUnknown(n int) { p.keep = n }

// KeptUnknown returns how many UNKNOWN rows of a month are remembered.
func (p *Sweeps) KeptUnknown(month key.Month) int {
	w := p.watch(month)
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.unknown)
}
