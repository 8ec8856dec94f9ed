package postgres_test

import (
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

// A database that is made anew has keys that another one has used: its messages need other ids.
func TestEachDatabaseThatIsMigratedIsAnInstallationOfItsOwn(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for range 2 {
		url := postgrestest.EmptyURL(t)
		if err := postgres.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		db, err := postgres.Open(postgres.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		id, err := postgres.NewInstallation(db).ID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	if len(ids) != 2 {
		t.Errorf("two databases are the installations %v", ids)
	}
}
