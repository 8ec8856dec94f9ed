package postgres

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// Audit stores what operators did.
type Audit struct{ db pool }

var _ port.Audit = Audit{}

// NewAudit returns the audit trail of a database.
func NewAudit(db *sqlx.DB) Audit { return Audit{newPool(db)} }

// Record implements port.Audit.
func (p Audit) Record(ctx context.Context, entry port.AuditEntry) error {
	return write(ctx, p.db, "audit an act", func(ctx context.Context, s *session) error { return s.audit(ctx, entry) })
}

const auditSQL = `/* audit */ INSERT INTO operator_actions (at, actor, what, subject, reason, approved_by)
VALUES (coalesce($1::timestamptz, clock_timestamp()), $2, $3, $4, $5, $6)`

// audit stores the entry of an act in the act's transaction.
func (s *session) audit(ctx context.Context, entry port.AuditEntry) error {
	by := entry.By
	_, err := s.exec(ctx, "audit an act", auditSQL,
		instant(by.At), clean(by.Actor), clean(string(entry.Action)), clean(entry.Subject), clean(by.Reason), optionalText(by.ApprovedBy))
	return err
}

const aboutSQL = `/* about */ SELECT a.what, a.subject, a.actor, a.reason, a.at, a.approved_by FROM operator_actions a WHERE a.subject = ANY($1::text[]) ORDER BY a.id`

// About implements port.Audit.
func (p Audit) About(ctx context.Context, subjects []string) ([]port.AuditEntry, error) {
	var entries []port.AuditEntry
	err := read(ctx, p.db, "read the acts", func(ctx context.Context, s *session) error {
		cleaned := each(subjects, func(s *string) string { return clean(*s) })
		return s.query(ctx, "read the acts", aboutSQL, []any{texts(cleaned)}, func(scan func(...any) error) error {
			var n port.AuditEntry
			err := scan(&n.Action, &n.Subject, &n.By.Actor, &n.By.Reason, utc(&n.By.At), optional(&n.By.ApprovedBy))
			entries = append(entries, n)
			return err
		})
	})
	return entries, err
}

// Audit implements port.TargetTx.
func (t *targetTx) Audit(ctx context.Context, entry port.AuditEntry) error {
	return t.s.audit(ctx, entry)
}
