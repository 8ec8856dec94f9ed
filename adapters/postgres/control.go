package postgres

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// Control stores the switch that halts everything that goes out.
type Control struct{ db pool }

var _ port.Control = Control{}

// NewControl returns the switch of a database.
func NewControl(db *sqlx.DB) Control { return Control{newPool(db)} }

// Halted implements port.Control.
func (p Control) Halted(ctx context.Context) (port.Halt, error) {
	var halt port.Halt
	err := read(ctx, p.db, "read the halt", func(ctx context.Context, s *session) error {
		return s.one(ctx, "read the halt", `/* halted */ SELECT c.halted, c.actor, c.reason, c.since FROM dispatch_control c`, nil,
			&halt.On, &halt.Actor, &halt.Reason, utc(&halt.Since))
	})
	return halt, err
}

const setHaltSQL = `/* set_halt */ UPDATE dispatch_control c
SET halted = $1, actor = $2, reason = $3, since = coalesce($4::timestamptz, clock_timestamp())
WHERE c.halted <> $1`

// SetHalt implements port.Control.
func (p Control) SetHalt(ctx context.Context, on bool, by port.Act) error {
	return write(ctx, p.db, "set the halt", func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, "set the halt", setHaltSQL, on, clean(by.Actor), clean(by.Reason), instant(by.At))
		if err != nil || n == 0 {
			return err
		}
		return s.audit(ctx, port.HaltEntry(on, by))
	})
}
