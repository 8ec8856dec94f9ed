package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

// A process that the operating system stops between its statement and its commit holds the lock on the budget of all: its
// transaction is ended after two seconds, not after the minute of others, and the others continue.
func TestAFrozenProcessHoldsNobodysBudget(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, err := postgres.Open(postgres.Config{URL: url, IdleInTransactionTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	budgets := postgres.NewBudgets(db)
	for name, frozen := range map[string]func(ctx context.Context) error{
		"reserve_calls": func(ctx context.Context) error {
			_, err := budgets.Reserve(ctx, "sms", 100, 1, 0)
			return err
		},
		"slow_calls": func(ctx context.Context) error {
			_, _, err := budgets.Slow(ctx, "sms")
			return err
		},
	} {
		if _, err := budgets.Reserve(t.Context(), "sms", 100, 1, 0); err != nil {
			t.Fatal(err)
		}
		held, release := make(chan struct{}), make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- frozen(postgres.Observed(t.Context(), holdCommit(name, held, release)))
		}()
		<-held
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := budgets.Reserve(ctx, "sms", 100, 1, 0); err != nil {
			t.Errorf("%s: beside a process that is frozen: %v", name, err)
		}
		cancel()
		close(release)
		if err := <-ended; err == nil {
			t.Errorf("%s: what was frozen is committed", name)
		}
	}
}
