package postgres_test

import (
	"context"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

func TestMigrationsGoUpDownAndUpAgain(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	for i, step := range []func(context.Context, string) error{
		postgres.Migrate, postgres.Migrate, postgres.MigrateDown, postgres.MigrateDown, postgres.Migrate,
	} {
		if err := step(t.Context(), url); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}
