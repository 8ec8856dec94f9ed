package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	driver "github.com/golang-migrate/migrate/v4/database/postgres"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/migrations"
)

// longestMigration is how long the server may be silent during one migration.
const longestMigration = time.Hour

// lockMigrations is the advisory lock under which the schema changes; see lockMonths.
const lockMigrations = 7_230_003

// Migrate brings a database's schema up to date. Calls that run at once wait for each other. A migration that a crash
// cut short is detected and repeated. The end of the context stops between two migrations. ErrConfig, ErrUnavailable.
func Migrate(ctx context.Context, url string) error {
	_, err := MigrateVersions(ctx, Config{URL: url}, MigrateOptions{})
	return err
}

// Versions are the numbers of the last migration before and after; From is 0 where there was none.
type Versions struct{ From, To int }

// MigrateVersions is Migrate for whoever shows what it did; of the configuration it takes URL and Passwords. A schema that is newer than this program is ErrInvalid.
// A migration that does not get its locks is an error that only says so: whoever repeats it at once takes the pauses from the others.
func MigrateVersions(ctx context.Context, config Config, options MigrateOptions) (v Versions, err error) {
	err = migrating(ctx, config, options, "migrate the database", func(m *migrate.Migrate) error {
		version, _, err := m.Version()
		if err != nil && !errors.Is(err, migrate.ErrNilVersion) {
			return err
		}
		v = Versions{From: int(version), To: lastMigration()}
		if v.From > v.To {
			return fmt.Errorf("%w: the schema is at migration %d, this program knows %d: this program is older than the one that migrated: run the newer one", port.ErrInvalid, v.From, v.To)
		}
		return m.Up()
	})
	return v, err
}

func migrating(ctx context.Context, config Config, options MigrateOptions, what string, run func(*migrate.Migrate) error) error {
	options = options.withDefaults()
	settings, err := parse(config.URL)
	if err != nil {
		return err
	}
	settings.ApplicationName = "balsong migrate"
	settings.ConnectTimeout = Config{}.withDefaults().ConnectTimeout
	settings.TargetSessionAttrs = pq.TargetSessionAttrsReadWrite
	settings.Runtime["lock_timeout"] = strconv.FormatInt(options.LockTimeout.Milliseconds(), 10)
	connector, err := newConnector(settings, longestMigration, config.Passwords)
	if err != nil {
		return err
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	defer func() { _ = db.Close() }()
	// The lock covers repair too, which looks for a migration that was cut short.
	return within(ctx, newPool(db), what, nil, func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, what, fmt.Sprintf(holdLockSQL, 0)); err != nil {
			return err
		}
		if err := s.serialize(ctx, what, lockMigrations); err != nil {
			return err
		}
		return migrateOn(ctx, s, options, what, run)
	})
}

func migrateOn(ctx context.Context, s *session, options MigrateOptions, what string, run func(*migrate.Migrate) error) error {
	conn, err := s.db.DB.DB.Conn(ctx)
	if err != nil {
		return wrapped(ctx, what, err)
	}
	target, err := onOneSession(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return migrationError(ctx, what, err)
	}
	files, err := iofs.New(migrations.Files, ".")
	if err != nil {
		return fmt.Errorf("%s: read the embedded files: %w", what, err)
	}
	m, err := migrate.NewWithInstance("iofs", files, "postgres", newBounded(ctx, target, conn, s.db, options))
	if err != nil {
		return migrationError(ctx, what, err)
	}
	defer func() { _, _ = m.Close() }()
	if err := repair(ctx, s, m); err != nil {
		return migrationError(ctx, what, err)
	}
	stop := context.AfterFunc(ctx, func() { m.GracefulStop <- true })
	defer stop()
	if err := run(m); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		_ = repair(ctx, s, m) // so that nobody takes it for cut short; where it fails, the next call does it
		return migrationError(ctx, what, err)
	}
	return ctx.Err()
}

// onOneSession opens the library's driver. It takes and gives back its lock meanwhile, in one transaction here: so both reach
// the same session.
func onOneSession(ctx context.Context, conn *sql.Conn) (database.Driver, error) {
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	target, err := driver.WithConnection(ctx, conn, &driver.Config{})
	if err != nil {
		return nil, err // conn is closed, which ends the transaction
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return target, err
}

// repair corrects the library's record of the version after a crash. Each migration notes itself in applied_migrations
// in its own transaction, so that table is right.
func repair(ctx context.Context, s *session, m *migrate.Migrate) error {
	_, dirty, err := m.Version()
	if errors.Is(err, migrate.ErrNilVersion) || (err == nil && !dirty) {
		return nil
	}
	if err != nil {
		return err
	}
	there := false
	if err := s.one(ctx, "look for applied migrations", `SELECT to_regclass('applied_migrations') IS NOT NULL`, nil, &there); err != nil {
		return err
	}
	version := database.NilVersion
	if there {
		err = s.one(ctx, "look for applied migrations", `SELECT coalesce(max(version), $1::int) FROM applied_migrations`, []any{version}, &version)
		if err != nil {
			return err
		}
	}
	return m.Force(version)
}

// migrationError keeps the SQLSTATE and the line of the file, not the server's texts.
func migrationError(ctx context.Context, what string, err error) error {
	if locked, ok := errors.AsType[lockedError](err); ok {
		return fmt.Errorf("%s: %w", what, locked)
	}
	failed, ok := errors.AsType[database.Error](err)
	if !ok {
		if pointer, isPointer := errors.AsType[*database.Error](err); isPointer {
			failed, ok = *pointer, true
		}
	}
	if !ok {
		return wrapped(ctx, what, err)
	}
	if failed.Line > 0 {
		what = fmt.Sprintf("%s: line %d of the file", what, failed.Line)
	}
	return wrapped(ctx, what, failed.OrigErr)
}
