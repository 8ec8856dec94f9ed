package postgres

import (
	"context"
	"time"

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
SELECT coalesce(v.at, clock_timestamp()), coalesce(v.actor, ''), v.what, coalesce(v.subject, ''), coalesce(v.reason, ''), v.approved_by
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS v(at, actor, what, subject, reason, approved_by)`

// audit stores the entries of acts, in their order, in the acts' transaction.
func (s *session) audit(ctx context.Context, entries ...port.AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	column := func(text func(*port.AuditEntry) string) texts {
		return each(entries, func(n *port.AuditEntry) string { return clean(text(n)) })
	}
	_, err := s.exec(ctx, "audit an act", auditSQL,
		instants(each(entries, func(n *port.AuditEntry) time.Time { return n.By.At })),
		column(func(n *port.AuditEntry) string { return n.By.Actor }),
		column(func(n *port.AuditEntry) string { return string(n.Action) }),
		column(func(n *port.AuditEntry) string { return n.Subject }),
		column(func(n *port.AuditEntry) string { return n.By.Reason }),
		column(func(n *port.AuditEntry) string { return n.By.ApprovedBy }))
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

// The condition is that of port.AuditFilter.Chooses; the conformance suite compares the two.
const listAuditSQL = `/* list_audit */ SELECT a.id, a.what, a.subject, a.actor, a.reason, a.at, a.approved_by FROM operator_actions a
WHERE ($1 = '' OR a.subject = $1 OR starts_with(a.subject, $1 || '/') OR starts_with(a.subject, $1 || ' '))
  AND (cardinality($2::text[]) = 0 OR a.subject = ANY($2::text[]))
  AND ($3 = '' OR a.actor = $3 OR a.approved_by = $3)
  AND ($4 = '' OR a.what = $4 OR starts_with(a.what, $4 || ': '))
  AND ($5::timestamptz IS NULL OR a.at >= $5::timestamptz) AND ($6::timestamptz IS NULL OR a.at < $6::timestamptz)
  AND ($7::bigint = 0 OR a.id < $7::bigint)
ORDER BY a.id DESC LIMIT $8::int`

// List implements port.Audit.
func (p Audit) List(ctx context.Context, filter port.AuditFilter, limit int) (records []port.AuditRecord, err error) {
	month := ""
	if filter.Month != 0 {
		month = filter.Month.String()
	}
	args := []any{
		month, texts(each(filter.Subjects, func(s *string) string { return clean(*s) })), clean(filter.Actor), clean(string(filter.Action)),
		instant(filter.Since), instant(filter.Until), filter.Before, limit,
	}
	err = read(ctx, p.db, "list the acts", func(ctx context.Context, s *session) error {
		records = nil
		return s.query(ctx, "list the acts", listAuditSQL, args, func(scan func(...any) error) error {
			var r port.AuditRecord
			err := scan(&r.ID, &r.Action, &r.Subject, &r.By.Actor, &r.By.Reason, utc(&r.By.At), optional(&r.By.ApprovedBy))
			records = append(records, r)
			return err
		})
	})
	return records, err
}

// Audit implements port.TargetTx.
func (t *targetTx) Audit(ctx context.Context, entry port.AuditEntry) error {
	return t.s.audit(ctx, entry)
}
