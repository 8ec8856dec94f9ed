package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/migrations"
)

// migrationBase is the schema that a month is filled on: the first one on which delivery and settlement of this version work, so
// that the load is the product's own. Dispatch (from 13) and import (from 10) join when their columns are there.
const migrationBase = 5

// migrationRest is how long the load runs before each migration, so that what it waits for is another's.
const migrationRest = time.Second

// Migrated is what one migration did to a month of a size.
type Migrated struct {
	Rows    int        `json:"rows"` // of the month
	Version int        `json:"version"`
	Name    string     `json:"name"`
	Seconds float64    `json:"seconds"`
	Tries   int        `json:"tries"`
	Locks   []HeldLock `json:"locks,omitempty"`
	Step    LoadStep   `json:"longest_step"` // of a page's way that was taken while it ran
	Before  LoadStep   `json:"longest_step_before"`
	Import  LoadStep   `json:"longest_import"` // of the chunks that were being imported while it ran
}

// HeldLock is a lock on a table that was there before, stronger than what a statement takes that writes rows.
type HeldLock struct {
	Table   string  `json:"table" db:"relation"`  // a partition counts as its table
	Mode    string  `json:"mode" db:"mode"`       // as pg_locks has it
	Seconds float64 `json:"seconds" db:"seconds"` // from the beginning of the statement that asked for it to the transaction's end
}

// LoadStep is a step of the load, and how long it took.
type LoadStep struct {
	Name    string  `json:"name,omitempty"`
	Seconds float64 `json:"seconds"`
}

// migrationsStage runs the migrations one by one on a month of each size.
func (b *bench) migrationsStage(ctx context.Context) error {
	for i, rows := range b.Sizes {
		name := fmt.Sprintf("%s%d", Migrations, i)
		err := b.migrateMonth(ctx, name, rows)
		if err := errors.Join(err, b.dropDatabase(ctx, name)); err != nil {
			return fmt.Errorf("a month of %d rows: %w", rows, err)
		}
	}
	return nil
}

func (b *bench) migrateMonth(ctx context.Context, name string, rows int) error {
	url, err := b.createDatabase(ctx, name)
	if err != nil {
		return err
	}
	db, err := sqlx.ConnectContext(ctx, "postgres", url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	month := &growing{month: firstMonth, rows: rows}
	if err := postgres.Migrate(ctx, url); err != nil {
		return err
	}
	if err := postgres.NewMonths(db).Open(ctx, month.month); err != nil { // before the schema goes back: it makes tables that are newer
		return err
	}
	if err := goBack(ctx, db, migrationBase); err != nil {
		return err
	}
	if err := b.fill(ctx, db, month); err != nil {
		return fmt.Errorf("fill a month: %w", err)
	}
	load, err := startLoad(ctx, url, month)
	if err != nil {
		return err
	}
	return errors.Join(b.migrateUnderLoad(ctx, url, db, rows, load), load.stop())
}

// goBack takes a schema without rows back to a version.
func goBack(ctx context.Context, db *sqlx.DB, version int) error {
	files, err := fs.Glob(migrations.Files, "*.down.sql")
	if err != nil {
		return err
	}
	for _, file := range slices.Backward(slices.Sorted(slices.Values(files))) {
		if number, err := strconv.Atoi(file[:6]); err != nil || number <= version {
			return errors.Join(err, execute(ctx, db, fmt.Sprintf("UPDATE schema_migrations SET version = %d", version)))
		}
		statements, err := migrations.Files.ReadFile(file)
		if err := errors.Join(err, execute(ctx, db, string(statements))); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// filling fills what else grows with a month of $1 rows: a tenth of the customers has opted out, a hundredth of the rows was refused. The statements are those of
// migrationBase.
var filling = []string{
	`INSERT INTO customers (user_id, customer) OVERRIDING SYSTEM VALUE SELECT n, 'BENCH-' || lpad(n::text, 9, '0') FROM generate_series(1, $1::bigint) AS n`,
	`SELECT setval(pg_get_serial_sequence('customers', 'user_id'), $1::bigint)`,
	`INSERT INTO suppressions (user_id, channel, reason) SELECT 10 * n, 'EMAIL', 'bench' FROM generate_series(1, $1::bigint / 10) AS n`,
	`INSERT INTO import_rejects (billing_month, file, line, field, reason)
	SELECT m.billing_month, 'bills.csv', n, 'sms', 'bench' FROM months m, generate_series(1, $1::bigint / 100) AS n`,
}

// fill fills a month, and prepares the database to note what migrations lock.
func (b *bench) fill(ctx context.Context, db *sqlx.DB, m *growing) error {
	if err := b.grow(ctx, db, m); err != nil {
		return err
	}
	for _, statement := range filling {
		if err := execute(ctx, db, statement, m.rows); err != nil {
			return err
		}
	}
	return errors.Join(execute(ctx, db, `VACUUM (ANALYZE) customers, suppressions, import_rejects`), execute(ctx, db, lockNotes))
}

// lockNotes notes the beginning of each statement that changes the schema, and the locks on tables that its transaction has after it.
const lockNotes = `CREATE SCHEMA bench;
CREATE TABLE bench.statements (at timestamptz, xact xid8);
CREATE TABLE bench.locks (at timestamptz, xact xid8, relation text, mode text);
CREATE FUNCTION bench.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF tg_event = 'ddl_command_start' THEN
    INSERT INTO bench.statements VALUES (clock_timestamp(), pg_current_xact_id());
  ELSE
    INSERT INTO bench.locks SELECT (SELECT max(s.at) FROM bench.statements s WHERE s.xact = pg_current_xact_id()), pg_current_xact_id(), coalesce(p.relname, c.relname), l.mode
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
    WHERE l.pid = pg_backend_pid() AND l.granted AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace;
  END IF;
END $$;
CREATE EVENT TRIGGER bench_start ON ddl_command_start EXECUTE FUNCTION bench.note();
CREATE EVENT TRIGGER bench_end ON ddl_command_end EXECUTE FUNCTION bench.note();`

// locksSQL reads the strongest lock on each of the tables $3 of the transactions from $1 to $2, and from when to when it was held: each transaction's end
// is the next one's beginning, or $2.
const locksSQL = `WITH transactions AS (
  SELECT s.xact, coalesce(lead(min(s.at)) OVER (ORDER BY min(s.at)), $2::timestamptz) AS ended FROM bench.statements s WHERE s.at BETWEEN $1::timestamptz AND $2::timestamptz GROUP BY s.xact
), strong AS (
  SELECT l.relation, l.mode, array_position(ARRAY['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode) AS strength,
    extract(epoch FROM t.ended - min(l.at))::float8 AS seconds
  FROM bench.locks l JOIN transactions t USING (xact) WHERE l.relation = ANY($3::text[]) GROUP BY l.relation, l.mode, t.ended
)
SELECT relation, mode, seconds FROM strong WHERE strength IS NOT NULL ORDER BY strength DESC, seconds DESC, relation`

// locksOf returns the locks that were held on some tables.
func locksOf(ctx context.Context, db *sqlx.DB, from, to time.Time, tables []string) (locks []HeldLock, err error) {
	var rows []HeldLock
	err = db.SelectContext(ctx, &rows, locksSQL, from, to, pq.Array(tables))
	for _, row := range rows {
		if !slices.ContainsFunc(locks, func(l HeldLock) bool { return l.Table == row.Table && l.Mode == row.Mode }) {
			locks = append(locks, row)
		}
	}
	return locks, err
}

// migrateUnderLoad does what batch migrate does, with a rest before each migration.
func (b *bench) migrateUnderLoad(ctx context.Context, url string, db *sqlx.DB, rows int, load *load) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	var there []string // tables
	var failed error
	tries, rested := 0, time.Now()
	rest := func() {
		rested, tries = time.Now(), 0
		lasts := migrationRest
		if b.Quick {
			lasts /= 5
		}
		failed = errors.Join(failed, b.wait(ctx, lasts),
			db.SelectContext(ctx, &there, `SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace`))
	}
	rest()
	_, err = postgres.MigrateVersions(ctx, postgres.Config{URL: url}, postgres.MigrateOptions{Tried: func(try postgres.MigrationTry) {
		ended := time.Now()
		began := ended.Add(-try.Took)
		if tries++; try.Locked {
			return
		}
		locks, unread := locksOf(ctx, db, began, ended, there)
		failed = errors.Join(failed, unread)
		m := Migrated{
			Rows: rows, Version: try.Version, Name: names[try.Version], Seconds: try.Took.Seconds(), Tries: tries, Locks: locks, Before: load.longest(rested, began, pageSteps...),
		}
		rest()
		m.Step, m.Import = load.longest(began, ended, pageSteps...), load.longest(began, ended, importStep) // what waited has come to its end by now
		b.report.Migrations = append(b.report.Migrations, m)
		b.say("%s took %.3f s; the longest step of the load took %.3f s (before: %.3f s)", m.Name, m.Seconds, m.Step.Seconds, m.Before.Seconds)
	}})
	return errors.Join(err, failed)
}

// migrationNames are the names of the files by version, without their ending.
func migrationNames() (map[int]string, error) {
	files, err := fs.Glob(migrations.Files, "*.up.sql")
	names := map[int]string{}
	for _, file := range files {
		number, failed := strconv.Atoi(file[:6])
		err = errors.Join(err, failed)
		names[number] = strings.TrimSuffix(file, ".up.sql")
	}
	return names, err
}

func execute(ctx context.Context, db *sqlx.DB, statement string, args ...any) error {
	_, err := db.ExecContext(ctx, statement, args...)
	return err
}
