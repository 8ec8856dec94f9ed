package postgres

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// Audit stores what operators did.
type Audit struct{ db *sqlx.DB }

var _ port.Audit = Audit{}

// NewAudit returns the audit trail of a database.
func NewAudit(db *sqlx.DB) Audit { return Audit{db} }

// Note implements port.Audit.
func (p Audit) Note(ctx context.Context, what, subject string, by port.Act) error {
	return write(ctx, p.db, "note an act", func(ctx context.Context, s *session) error {
		_, err := s.exec(ctx, "note an act",
			`/* note */ INSERT INTO operator_actions (at, actor, what, subject, reason) VALUES (coalesce($1::timestamptz, clock_timestamp()), $2, $3, $4, $5)`,
			instant(by.At), clean(by.Actor), clean(what), clean(subject), clean(by.Reason))
		return err
	})
}
