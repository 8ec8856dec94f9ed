package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

const rejectSQL = `/* reject */ INSERT INTO import_rejects (billing_month, file, line, field, reason, customer, import_id)
SELECT DISTINCT ON (v.file, v.line) $1::date, coalesce(v.file, ''), v.line, coalesce(v.field, ''), coalesce(v.reason, ''), v.customer, nullif(v.import_id, 0)
FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[]) WITH ORDINALITY AS v(file, line, field, reason, customer, import_id, n)
ORDER BY v.file, v.line, v.n
ON CONFLICT (billing_month, file, line) DO NOTHING`

// The month comes with the rows, behind OFFSET 0, so that each is looked up by the primary key (partitions says why).
const resolvedSQL = `/* resolved */ SELECT r.file, r.line
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::text[])
  AS u(file, line, field, reason, customer) OFFSET 0) AS v
JOIN import_rejects r ON r.billing_month = v.billing_month AND r.file = v.file AND r.line = v.line
WHERE r.resolved_at IS NOT NULL AND r.field = coalesce(v.field, '') AND r.reason = coalesce(v.reason, '')
  AND coalesce(r.customer, '') = coalesce(v.customer, '')`

// Reject implements port.Imports.
func (p *Imports) Reject(ctx context.Context, month key.Month, rejects []port.Reject) (resolved []port.RejectedRow, err error) {
	if len(rejects) == 0 {
		return nil, ctx.Err()
	}
	rows := []any{
		day(month),
		texts(each(rejects, func(r *port.Reject) string { return clean(r.File) })),
		integers(each(rejects, func(r *port.Reject) int32 { return int32(r.Line) })),
		texts(each(rejects, func(r *port.Reject) string { return clean(r.Field) })),
		texts(each(rejects, func(r *port.Reject) string { return clean(r.Reason) })),
		texts(each(rejects, func(r *port.Reject) string { return clean(r.Customer) })),
	}
	err = write(ctx, p.db, "note rejects", func(ctx context.Context, s *session) error {
		resolved = nil // the transaction may run again
		imports := bigints(each(rejects, func(r *port.Reject) int64 { return r.Import }))
		if _, err := s.exec(ctx, "note rejects", rejectSQL, append(slices.Clone(rows), imports)...); err != nil {
			return err
		}
		return s.query(ctx, "find resolved rejects", resolvedSQL, rows, func(scan func(...any) error) error {
			var row port.RejectedRow
			err := scan(&row.File, &row.Line)
			resolved = append(resolved, row)
			return err
		})
	})
	return resolved, err
}

// isWaiting says of a row of import_rejects that it is not resolved, in a form that import_rejects_open does not answer: without
// statistics the planner would read all rows of the month that wait by that index, for each row that is looked up by its key.
const isWaiting = `coalesce(r.resolved_at, '-infinity') = '-infinity'`

const resolveRowsSQL = `/* resolve_rows */ UPDATE import_rejects r SET resolved_at = clock_timestamp()
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::text[], $3::int[]) AS u(file, line) OFFSET 0) AS v
WHERE r.billing_month = v.billing_month AND r.file = v.file AND r.line = v.line AND ` + isWaiting

const resolveCustomersSQL = `/* resolve_customers */ UPDATE import_rejects r SET resolved_at = clock_timestamp()
FROM (SELECT $1::date AS billing_month, u.customer FROM unnest($2::text[]) AS u(customer) OFFSET 0) AS v
WHERE r.billing_month = v.billing_month AND r.customer = v.customer AND r.resolved_at IS NULL`

// resolve marks the refused rows that the bills of a chunk resolve: those that a bill names itself (port.ImportedBill.Resolves),
// if that bill is stored now, and those of the customers whose bills are new.
func (s *session) resolve(ctx context.Context, month key.Month, bills []sealedBill, there map[int64][]byte, fresh []sealedBill) error {
	if err := s.resolveRows(ctx, month, resolving(bills, there)); err != nil || len(fresh) == 0 {
		return err
	}
	_, err := s.exec(ctx, "note resolved rows", resolveCustomersSQL, day(month), texts(each(fresh, func(b *sealedBill) string { return b.Customer })))
	return err
}

// resolving are the bills that name a refused row and are stored as they are.
func resolving(bills []sealedBill, there map[int64][]byte) (rows []sealedBill) {
	for _, b := range bills {
		if b.Resolves != (port.RejectedRow{}) && bytes.Equal(there[b.user], b.Fingerprint[:]) {
			rows = append(rows, b)
		}
	}
	return rows
}

func (s *session) resolveRows(ctx context.Context, month key.Month, rows []sealedBill) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := s.exec(ctx, "note resolved rows", resolveRowsSQL, day(month),
		texts(each(rows, func(b *sealedBill) string { return clean(b.Resolves.File) })),
		integers(each(rows, func(b *sealedBill) int32 { return int32(b.Resolves.Line) })))
	return err
}
