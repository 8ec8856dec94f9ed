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
			`/* note */ INSERT INTO operator_actions (at, actor, what, subject, reason, approved_by) VALUES (coalesce($1::timestamptz, clock_timestamp()), $2, $3, $4, $5, $6)`,
			instant(by.At), clean(by.Actor), clean(what), clean(subject), clean(by.Reason), optionalText(by.ApprovedBy))
		return err
	})
}

const aboutSQL = `/* about */ SELECT a.what, a.subject, a.actor, a.reason, a.at, a.approved_by FROM operator_actions a WHERE a.subject = ANY($1::text[]) ORDER BY a.id`

// About implements port.Audit.
func (p Audit) About(ctx context.Context, subjects []string) ([]port.Note, error) {
	var notes []port.Note
	err := read(ctx, p.db, "read the acts", func(ctx context.Context, s *session) error {
		cleaned := each(subjects, func(s *string) string { return clean(*s) })
		return s.query(ctx, "read the acts", aboutSQL, []any{texts(cleaned)}, func(scan func(...any) error) error {
			var n port.Note
			err := scan(&n.What, &n.Subject, &n.By.Actor, &n.By.Reason, utc(&n.By.At), optional(&n.By.ApprovedBy))
			notes = append(notes, n)
			return err
		})
	})
	return notes, err
}
