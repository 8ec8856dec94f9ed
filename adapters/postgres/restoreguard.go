package postgres

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// RestoreGuard tells who else works on the database. Safe for concurrent use.
type RestoreGuard struct {
	db   pool
	lock *heldLock
}

var _ port.RestoreGuard = RestoreGuard{}

// NewRestoreGuard returns the guard of a database.
func NewRestoreGuard(db *sqlx.DB) RestoreGuard {
	p := newPool(db)
	return RestoreGuard{db: p, lock: &heldLock{db: p}}
}

const lockCheckSQL = `/* lock_check */ SELECT pg_advisory_xact_lock(%d)`

// TryLock implements port.RestoreGuard.
func (p RestoreGuard) TryLock(ctx context.Context) (release func(), err error) {
	return p.lock.try(ctx, "claim the restore check", fmt.Sprintf(lockCheckSQL, lockRestore))
}

const sessionsSQL = `/* sessions */ SELECT DISTINCT a.application_name FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.application_name <> ''
ORDER BY 1`

// Sessions implements port.RestoreGuard.
func (p RestoreGuard) Sessions(ctx context.Context) ([]string, error) {
	const what = "look who is connected"
	var names []string
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		names = nil
		return s.query(ctx, what, sessionsSQL, nil, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	})
	return names, err
}
