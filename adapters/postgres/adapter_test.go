package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/migrations"
)

func TestMigrationsGoUpDownAndUpAgain(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	db := postgrestest.OpenURL(t, url)
	steps := []struct {
		run    func(context.Context, string) error
		tables bool
	}{
		{postgres.Migrate, true}, {postgres.Migrate, true}, {postgres.MigrateDown, false}, {postgres.MigrateDown, false}, {postgres.Migrate, true},
	}
	for i, step := range steps {
		if err := step.run(t.Context(), url); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		var left int
		err := db.GetContext(t.Context(), &left, `SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'`)
		if err != nil || (left > 0) != step.tables {
			t.Fatalf("step %d: %d tables (%v)", i, left, err)
		}
	}
}

func TestMigrateSaysFromAndToAndRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	first, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, postgres.MigrateOptions{})
	if err != nil || first.From != 0 || first.To < 16 {
		t.Fatalf("%+v: %v", first, err)
	}
	if again, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, postgres.MigrateOptions{}); err != nil || again.From != first.To || again.To != first.To {
		t.Fatalf("again %+v: %v", again, err)
	}
	db := postgrestest.OpenURL(t, url)
	if _, err := db.ExecContext(t.Context(), `UPDATE schema_migrations SET version = 99`); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.MigrateVersions(t.Context(), postgres.Config{URL: url}, postgres.MigrateOptions{}); !errors.Is(err, port.ErrInvalid) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "at migration 99") || !strings.Contains(err.Error(), "this program is older") {
		t.Fatalf("a newer schema: %v", err)
	}
}

func TestMigrationsTakeAMonthsPartitionsDownToo(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	if err := postgres.NewMonths(postgrestest.OpenURL(t, url)).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	if err := postgres.MigrateDown(t.Context(), url); err != nil {
		t.Fatal(err)
	}
}

func TestManyMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := postgres.Migrate(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// Behind a pooler a role has the timeouts of the services. The transaction that keeps other migrations away has nothing to do
// while a migration runs, which takes minutes on a month's rows; here the server makes the first one take longer.
func TestAMigrationOutlastsTheTimeoutOfIdleTransactions(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	mustExec(t, postgrestest.OpenURL(t, url), `CREATE FUNCTION slowly() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
	  IF current_setting('test.waited', true) IS NULL THEN PERFORM pg_sleep(1.5), set_config('test.waited', 'yes', false); END IF;
	END $$;
	CREATE EVENT TRIGGER slowly ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION slowly();
	DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = 1000', current_database()); END $$`)
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
}

// A process that dies in a migration leaves the library's mark behind, whether or not the migration was committed.
func TestAMigrationThatWasCutShortIsRepaired(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]string{
		"before it was committed":   downTo(t, "000001") + `UPDATE schema_migrations SET version = 2, dirty = true`,
		"between transactions (12)": downTo(t, "000011") + firstTransaction(t, "000012_zone.up.sql") + `UPDATE schema_migrations SET version = 12, dirty = true`,
		"between transactions (13)": downTo(t, "000012") + firstTransaction(t, "000013_suppression_scope.up.sql") + `UPDATE schema_migrations SET version = 13, dirty = true`,
		"after it was committed":    `UPDATE schema_migrations SET version = (SELECT max(version) FROM applied_migrations), dirty = true`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := postgrestest.URL(t)
			db := postgrestest.OpenURL(t, url)
			mustExec(t, db, cut)
			if err := postgres.Migrate(t.Context(), url); err != nil {
				t.Fatal(err)
			}
			if _, err := postgres.NewControl(db).Halted(t.Context()); err != nil {
				t.Error(err)
			}
			var unchecked int
			if err := db.GetContext(t.Context(), &unchecked, `SELECT count(*) FROM pg_constraint c WHERE NOT c.convalidated`); err != nil || unchecked != 0 {
				t.Errorf("%d constraints are NOT VALID (%v)", unchecked, err)
			}
			if _, err := postgres.NewSuppressions(db).Suppressed(t.Context(), []port.Use{{Contact: port.Contact{UserID: 1, Channel: "EMAIL"}}}); err != nil {
				t.Error(err)
			}
		})
	}
}

// firstTransaction is the first one of a migration of several.
func firstTransaction(t *testing.T, file string) string {
	t.Helper()
	text, err := migrations.Files.ReadFile(file)
	first, rest, found := strings.Cut(string(text), "COMMIT;")
	if err != nil || !found || !strings.Contains(rest, "COMMIT;") {
		t.Fatalf("%s has no two transactions (%v)", file, err)
	}
	return first + "COMMIT;"
}

// downTo is what takes back every migration above a version.
func downTo(t *testing.T, version string) string {
	t.Helper()
	names, err := fs.Glob(migrations.Files, "*.down.sql")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	slices.Reverse(names)
	var down strings.Builder
	for _, name := range names {
		if name[:6] <= version {
			break
		}
		statements, err := migrations.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		down.Write(statements)
	}
	return down.String()
}

func TestOpenDoesNoIOAndTellsNothingOfTheURL(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"unreadable":        "postgres://someone:hush@[::1/db?sslmode=disable",
		"a port of letters": "postgres://someone:hush@host:hush/db?sslmode=disable",
		"no sslmode":        "postgres://someone:hush@host/db",
		"empty":             "",
	} {
		if _, err := postgres.Open(postgres.Config{URL: url}); !errors.Is(err, postgres.ErrConfig) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want ErrConfig without the URL", name, err)
		}
	}
	for name, config := range map[string]postgres.Config{
		"no connections":   {MaxConns: -1},
		"a short connect":  {ConnectTimeout: time.Millisecond},
		"endless lock":     {LockTimeout: -1},
		"endless silence":  {NetworkMargin: -1},
		"endless idleness": {IdleInTransactionTimeout: -1},
	} {
		config.URL = "postgres://someone@host.invalid/db?sslmode=verify-full"
		if _, err := postgres.Open(config); !errors.Is(err, postgres.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
	db, err := postgres.Open(postgres.Config{URL: "postgres://someone@host.invalid/db?sslmode=verify-full"})
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
}

func TestConnectionsAreSetUpSoThatPlansHoldAndNothingWaitsForEver(t *testing.T) {
	t.Parallel()
	db, err := postgres.Open(postgres.Config{URL: postgrestest.URL(t), Application: "someone", StatementTimeout: 7 * time.Second, LockTimeout: 3 * time.Second, IdleInTransactionTimeout: 9 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for setting, want := range map[string]string{
		"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_seqscan": "off", "enable_bitmapscan": "off", "enable_material": "off",
		"statement_timeout": "7s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "9s", "application_name": "someone", "TimeZone": "UTC",
	} {
		var got string
		if err := db.GetContext(t.Context(), &got, "SELECT current_setting($1)", setting); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", setting, got, err, want)
		}
	}
}

func TestMonthsMayBeOpenedByManyAtOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := postgres.NewMonths(db).Open(t.Context(), month+key.Month(i%2)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for table, want := range map[string]string{
		"billing_targets":   "{fillfactor=70,autovacuum_vacuum_scale_factor=0.05,autovacuum_analyze_scale_factor=0.05}",
		"billing_data":      "{fillfactor=70}",
		"delivery_attempts": "{fillfactor=50,autovacuum_vacuum_scale_factor=0.05,autovacuum_analyze_scale_factor=0.05}",
	} {
		for _, of := range []string{"_2026_11", "_2026_12"} {
			var options string
			err := db.GetContext(t.Context(), &options, `SELECT c.reloptions::text FROM pg_class c WHERE c.relname = $1`, table+of)
			if err != nil || options != want {
				t.Errorf("%s has the options %s (%v), want %s as docs/adr/0024 and 0025 chose them", table+of, options, err, want)
			}
		}
	}
}

func TestAProvidersOddWordsDoNotMakeAnOutcomeUnwritable(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	seed(t, db, claimed)
	odd := "\x00\xff\"\\{,}'" + strings.Repeat("x", 5000)
	hold, err := postgres.NewLedger(db).Record(t.Context(), []attempt.Outcome{{
		Key: current(claimed), Token: ours, State: attempt.Succeeded, ProviderMessageID: odd, Reason: attempt.Reason(odd), FinishedAt: now,
	}})
	if err != nil || len(hold) != 1 {
		t.Fatalf("got %v, %v", hold, err)
	}
	rows, err := postgres.NewLedger(db).Find(t.Context(), hold)
	if err != nil || !strings.HasPrefix(rows[0].ProviderMessageID, "\uFFFD\"\\{,}'xxx") || len(rows[0].ProviderMessageID) > 1000 {
		t.Errorf("got %+v, %v", rows, err)
	}
}

func TestTheServersWordsNeverLeaveTheAdapter(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	seed(t, db, free)
	mustExec(t, db, `ALTER TABLE suppressions ADD CHECK (reason <> 'kim@example.com')`)
	err := postgres.NewSuppressions(db).Suppress(t.Context(), policy.ScopeAll, []port.Contact{{UserID: 1, Channel: "EMAIL"}}, port.Act{Actor: "kim", Reason: "kim@example.com"})
	if !errors.Is(err, port.ErrInvalid) || strings.Contains(err.Error(), "kim") || !strings.Contains(err.Error(), "23514") {
		t.Errorf("got %v, want ErrInvalid with the SQLSTATE and no value", err)
	}
}

func TestAnImportGivesItsMonthStatistics(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	if err := postgres.NewMonths(db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	imports := postgres.NewImports(db)
	for chunk := range 5 {
		bills := make([]port.ImportedBill, 1000)
		for i := range bills {
			n := chunk*1000 + i
			bills[i] = port.ImportedBill{Customer: fmt.Sprintf("C-%d", n), State: billing.New(key.Target{Month: month}, now).State(), File: "bills.csv", Line: n}
		}
		report, err := imports.Store(t.Context(), month, bills, func(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil })
		if err != nil || report.Inserted != 1000 {
			t.Fatalf("got %+v, %v", report, err)
		}
	}
	var rows int
	if err := db.GetContext(t.Context(), &rows, `SELECT reltuples FROM pg_class WHERE relname = 'billing_targets_2026_11'`); err != nil || rows != 5000 {
		t.Errorf("the statistics say %d rows (%v), want 5000", rows, err)
	}
}

func TestCiphertextsAreCountedByTheKeyThatSealedThem(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	months := postgres.NewMonths(db)
	later := month + 1
	for _, m := range []key.Month{month, later} {
		if err := months.Open(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	// The data and every channel's destination by key 0xAABBCCDD, and for every third customer the statement by key 7.
	var columns, values string
	for _, kind := range channel.All {
		columns += ", " + strings.ToLower(string(kind))
		values += `, '\x01aabbccdd01'`
	}
	insert := `INSERT INTO billing_data (billing_month, user_id, line, fingerprint, file, data, statement` + columns + `)
SELECT $1::date, n, 1, '', '', '\x01aabbccdd00', CASE WHEN n % 3 = 0 THEN '\x010000000702'::bytea END` + values + ` FROM generate_series(1, $2::int) AS n`
	for m, customers := range map[key.Month]int{month: 41_000, later: 6} {
		if _, err := db.ExecContext(t.Context(), insert, m.String()+"-01", customers); err != nil {
			t.Fatal(err)
		}
	}
	uses, err := postgres.KeyUsage(t.Context(), db, []key.Month{month, later, later + 1})
	each := 1 + len(channel.All) // ciphertexts of a customer by the first key
	want := []postgres.KeyUse{{month, 7, 13_666}, {month, 0xAABBCCDD, each * 41_000}, {later, 7, 2}, {later, 0xAABBCCDD, each * 6}}
	if err != nil || !slices.Equal(uses, want) {
		t.Fatalf("%v, want %v: %v", uses, want, err)
	}
}

// A pooler in transaction mode gives another session to each transaction: a lock of a session stays behind, and nobody who
// asks for its end reaches it.
func TestAnImportsLockBelongsToAnOpenTransactionAndSoDoItsSettings(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	importing, looking := connect(t, url, "importing"), connect(t, url, "looking")
	ctx, cancel := context.WithCancel(t.Context())
	release, _, err := postgres.NewImports(importing).TryLockMonth(ctx, month)
	if err != nil || release == nil {
		t.Fatalf("claim: %v", err)
	}
	const holders = `SELECT count(*) FILTER (WHERE a.state = 'idle in transaction'), count(*) FILTER (WHERE a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL), count(*)
FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND a.datname = current_database()`
	var open, snapshots, all int
	cancel() // an import that is asked to stop still stores what it has read
	if err := looking.QueryRowContext(t.Context(), holders).Scan(&open, &snapshots, &all); err != nil || open != 1 || all != 1 || snapshots != 0 {
		t.Errorf("%d of %d locks in an open transaction, %d with a snapshot (%v): want 1 of 1, without", open, all, snapshots, err)
	}
	release()
	if err := looking.QueryRowContext(t.Context(), holders).Scan(&open, &snapshots, &all); err != nil || all != 0 {
		t.Errorf("%d locks are left (%v)", all, err)
	}
	var timeout string
	if err := importing.QueryRowContext(t.Context(), `SHOW lock_timeout`).Scan(&timeout); err != nil || timeout == "1s" {
		t.Errorf("lock_timeout is left as %s (%v)", timeout, err)
	}
}

// Who counts as at work is for the application to say.
func TestEverySessionIsNamedButTheOneThatAsks(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	asking := connect(t, url, "asking")
	guard := postgres.NewRestoreGuard(asking)
	for _, name := range []string{"balsong-operator", "psql", "psql"} {
		mustExec(t, connect(t, url, name), `SELECT 1`)
	}
	if names, err := guard.Sessions(t.Context()); err != nil || !slices.Equal(names, []string{"balsong-operator", "psql"}) {
		t.Errorf("connected are %v (%v)", names, err)
	}
	release, err := guard.TryLock(t.Context())
	if err != nil || release == nil {
		t.Fatalf("lock: %v", err)
	}
	if names, err := guard.Sessions(t.Context()); err != nil || !slices.Equal(names, []string{"asking", "balsong-operator", "psql"}) {
		t.Errorf("with the lock, connected are %v (%v)", names, err)
	}
	release()
}

func TestAnImportThatDiesGivesTheMonthBack(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	dying, next := connect(t, url, "dying"), connect(t, url, "next")
	if release, _, err := postgres.NewImports(dying).TryLockMonth(t.Context(), month); err != nil || release == nil {
		t.Fatalf("claim: %v", err)
	}
	if release, _, err := postgres.NewImports(next).TryLockMonth(t.Context(), month); err != nil || release != nil {
		t.Fatalf("while the first one lives: %v", err)
	}
	mustExec(t, next, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	release, _, err := postgres.NewImports(next).TryLockMonth(t.Context(), month)
	if err != nil || release == nil {
		t.Fatalf("after its end: %v", err)
	}
	release()
}
