package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
)

// holding opens a transaction that has read a table of the schema, which is at version 13, and returns how to end it.
func holding(t *testing.T, table string) (url string, db *sqlx.DB, end func()) {
	t.Helper()
	url = postgrestest.URL(t)
	db = postgrestest.OpenURL(t, url)
	mustExec(t, db, downTo(t, "000013")+`UPDATE schema_migrations SET version = 13`)
	holder, err := postgres.Open(postgres.Config{URL: url, Application: "a long report", IdleInTransactionTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Close() })
	tx, err := holder.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `SELECT FROM `+table); err != nil {
		t.Fatal(err)
	}
	return url, db, func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// A lock that is asked for keeps out all who come after. So a migration gives up soon, others continue before it tries again, and the last word says who is in the way.
func TestAMigrationThatDoesNotGetALockLetsTheOthersContinueAndSaysWhoHasIt(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"billing_data", "schema_migrations"} { // the library notes the version in the second one
		t.Run(table, func(t *testing.T) { t.Parallel(); lockedOut(t, table) })
	}
}

func lockedOut(t *testing.T, table string) {
	t.Helper()
	url, db, end := holding(t, table)
	var tries []postgres.MigrationTry
	options := postgres.MigrateOptions{LockTimeout: 50 * time.Millisecond, RetryFor: 400 * time.Millisecond, Tried: func(try postgres.MigrationTry) {
		tries = append(tries, try)
		mustExec(t, db, `SELECT FROM billing_data`)
	}}
	_, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, options)
	if err == nil || errors.Is(err, port.ErrConflict) || errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("%v, want an error that nobody repeats at once", err)
	}
	for _, want := range []string{"migration 14 did not get its locks", `"a long report"`, "is not complete"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for _, try := range tries {
		if !try.Locked || try.Version != 14 || len(try.Holders) != 1 || try.Holders[0].Application != "a long report" || try.Holders[0].Age <= 0 {
			t.Errorf("a try: %+v", try)
		}
	}
	if len(tries) < 2 {
		t.Errorf("it was tried %d times", len(tries))
	}
	if facts, err := postgres.Examine(t.Context(), postgres.Config{URL: url}); err != nil || facts.Migrated != 13 || facts.Dirty {
		t.Errorf("afterwards: %+v (%v)", facts, err)
	}
	end()
	if v, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, options); err != nil || v.From != 13 {
		t.Errorf("without the holder: %+v, %v", v, err)
	}
}

func TestAMigrationIsTriedAgainUntilItGetsItsLocks(t *testing.T) {
	t.Parallel()
	url, _, end := holding(t, "billing_data")
	locked := 0
	_, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, postgres.MigrateOptions{LockTimeout: 50 * time.Millisecond, Tried: func(try postgres.MigrationTry) {
		if try.Locked {
			locked++
			end()
		}
	}})
	if err != nil || locked != 1 {
		t.Errorf("%d tries did not get their locks: %v", locked, err)
	}
}

// A pooler may hand on a connection without what its client began it with.
func TestTheLockTimeoutOfAMigrationBelongsToItsTransaction(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	db := postgrestest.OpenURL(t, url)
	mustExec(t, db, `CREATE SCHEMA seen; CREATE TABLE seen.timeouts (value text, source text);
	CREATE FUNCTION seen.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
	  INSERT INTO seen.timeouts SELECT setting, source FROM pg_settings WHERE name = 'lock_timeout';
	END $$;
	CREATE EVENT TRIGGER note ON ddl_command_start WHEN TAG IN ('CREATE INDEX', 'ALTER TABLE') EXECUTE FUNCTION seen.note()`)
	if _, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, postgres.MigrateOptions{LockTimeout: 1234 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	var all, local int
	err := db.QueryRowContext(t.Context(), `SELECT count(*), count(*) FILTER (WHERE value = '1234' AND source = 'session') FROM seen.timeouts`).Scan(&all, &local)
	if err != nil || all < 10 || local != all {
		t.Errorf("%d of %d statements have the limit from their transaction (%v)", local, all, err)
	}
}
