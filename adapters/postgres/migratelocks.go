package postgres

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
)

// MigrateOptions say how migrations wait for locks, and who hears of it. The zero value has the defaults.
type MigrateOptions struct {
	// LockTimeout is the longest that a migration waits for a lock; 2 s by default, in whole milliseconds. Everybody else who wants the
	// table waits behind it, so it is less than the services' own.
	LockTimeout time.Duration
	// RetryFor is how long a migration that does not get its locks is tried again; 5 min by default.
	RetryFor time.Duration
	// Tried is called after each try of a migration, where it is not nil.
	Tried func(MigrationTry)
}

// MigrationTry is one try of a migration.
type MigrationTry struct {
	Version int
	Took    time.Duration
	Locked  bool         // it did not get a lock in time, and is not complete
	Holders []LockHolder // who seems to have had the lock
}

// LockHolder is a transaction of somebody else that has locks on tables of the schema.
type LockHolder struct {
	PID         int
	Application string // as it calls itself
	User        string
	Age         time.Duration // of the transaction; 0 where the role may not see it
}

// String is for people.
func (h LockHolder) String() string {
	age := "since a time that this role may not see"
	if h.Age > 0 {
		age = "for " + h.Age.Round(time.Second).String()
	}
	return fmt.Sprintf("pid %d (%q, user %q, in a transaction %s)", h.PID, h.Application, h.User, age)
}

// pausesPerTry is how many times the wait for one lock the pause behind a try is: where one lock is waited for, the others have five sixths of the time.
const pausesPerTry = 5

func (o MigrateOptions) withDefaults() MigrateOptions {
	o.LockTimeout = max(cmp.Or(o.LockTimeout, 2*time.Second), time.Millisecond) // 0 would be no limit
	o.RetryFor = cmp.Or(o.RetryFor, 5*time.Minute)
	return o
}

// lockedError is the end of a migration that did not get its locks. It is no port.ErrConflict, which would be repeated at once.
type lockedError struct {
	version int
	done    bool // it is done, and only the library's record of it is not
	tried   time.Duration
	holders []LockHolder
}

func (e lockedError) Error() string {
	said := "nobody is seen to hold one any more"
	if len(e.holders) > 0 {
		texts := make([]string, len(e.holders))
		for i, h := range e.holders {
			texts[i] = h.String()
		}
		said = "the oldest transactions that hold locks on the schema's tables: " + strings.Join(texts, ", ")
	}
	what := "did not get its locks within %s, and is not complete"
	if e.done {
		what = "is done, and could not be recorded within %s"
	}
	return fmt.Sprintf("migration %d "+what+": %s. Run it again once they have ended", e.version, e.tried.Round(time.Second), said)
}

// bounded is the library's driver, whose migrations wait for a lock for so long only, and are then tried again. It is without the library's lock, which belongs to a
// session: a pooler in transaction mode leaves it to whoever has the session next (ADR 0047). Migrate has a lock of its own.
type bounded struct {
	database.Driver
	patiently func(version int, done bool, do func() error) error
	options   MigrateOptions
	version   int // that is being applied
}

// newBounded bounds a driver on a connection. The library's methods know no context.
func newBounded(ctx context.Context, target database.Driver, conn *sql.Conn, db pool, options MigrateOptions) *bounded {
	return &bounded{Driver: target, options: options, patiently: func(version int, done bool, do func() error) error {
		return options.patiently(ctx, conn, db, lockedError{version: version, done: done}, do)
	}}
}

// Lock implements database.Driver.
func (*bounded) Lock() error { return nil }

// Unlock implements database.Driver.
func (*bounded) Unlock() error { return nil }

// SetVersion implements database.Driver. The library calls it before and after each migration, and truncates its table, which a pg_dump of the database has read.
func (b *bounded) SetVersion(version int, dirty bool) error {
	b.version = version
	return b.patiently(version, !dirty, func() error { return b.Driver.SetVersion(version, dirty) })
}

// beginning is how each transaction of a migration begins.
var beginning = regexp.MustCompile(`(?m)^BEGIN;`)

// Run implements database.Driver. The limit is local to each of the migration's transactions, so that it also holds behind a pooler. It stands in the line
// of their BEGIN, so that the numbers of lines in errors stay.
func (b *bounded) Run(migration io.Reader) error {
	text, err := io.ReadAll(migration)
	if err != nil {
		return err
	}
	text = beginning.ReplaceAll(text, fmt.Appendf(nil, "BEGIN; SET LOCAL lock_timeout = %d;", b.options.LockTimeout.Milliseconds()))
	var began time.Time
	err = b.patiently(b.version, false, func() error {
		began = time.Now()
		return b.Driver.Run(bytes.NewReader(text))
	})
	if err == nil {
		b.options.tried(MigrationTry{Version: b.version, Took: time.Since(began)})
	}
	return err
}

func (o MigrateOptions) tried(try MigrationTry) {
	if o.Tried != nil {
		o.Tried(try)
	}
}

// patiently does a part of a migration until it gets its locks, fails otherwise, or was tried for long enough; then it returns the locked error. While it waits for a lock
// that others hold, all who come after it wait too; in the pauses they continue.
func (o MigrateOptions) patiently(ctx context.Context, conn *sql.Conn, db pool, locked lockedError, do func() error) error {
	began := time.Now()
	for {
		at := time.Now()
		err := do()
		took := time.Since(at)
		if err == nil {
			return nil
		}
		if _, failed := conn.ExecContext(ctx, "ROLLBACK"); failed != nil || !waitedForLock(err) {
			return err
		}
		locked.tried, locked.holders = time.Since(began), lockHolders(ctx, db, o.LockTimeout)
		o.tried(MigrationTry{Version: locked.version, Took: took, Locked: true, Holders: locked.holders})
		if locked.tried >= o.RetryFor {
			return locked
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pausesPerTry * o.LockTimeout):
		}
	}
}

// waitedForLock reports whether a migration ended because others had a lock: it waited too long for it (lock_not_available), or they waited for each other
// (deadlock_detected).
func waitedForLock(err error) bool {
	state := stateOf(migrationError(context.Background(), "", err))
	return state == "55P03" || state == "40P01"
}

// lockHoldersSQL finds who had a lock on a table of the schema for so many ms. Of the sessions of others a role that is no member of pg_read_all_stats sees neither
// when their transactions began nor what they are.
const lockHoldersSQL = `/* lock_holders */ SELECT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, ''), coalesce(a.usename, ''),
  coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8
FROM pg_stat_activity a
WHERE a.datname = current_database() AND coalesce(a.xact_start, '-infinity') <= clock_timestamp() - $1::bigint * interval '1 millisecond'
  AND a.pid IN (SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.granted AND c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace)
ORDER BY a.xact_start NULLS LAST LIMIT 5`

// lockHolders returns who seems to have had a lock for the time of a try, the oldest first; nil where that cannot be told.
func lockHolders(ctx context.Context, db pool, atLeast time.Duration) (holders []LockHolder) {
	const what = "look who holds locks"
	err := read(ctx, db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, lockHoldersSQL, []any{atLeast.Milliseconds()}, func(scan func(...any) error) error {
			var h LockHolder
			var age float64
			err := scan(&h.PID, &h.Application, &h.User, &age)
			h.Age = time.Duration(age * float64(time.Second))
			holders = append(holders, h)
			return err
		})
	})
	if err != nil {
		return nil
	}
	return holders
}
