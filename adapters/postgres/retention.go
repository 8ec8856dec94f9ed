package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Retention removes what has been kept long enough.
type Retention struct{ db pool }

var _ port.Retention = Retention{}

// NewRetention returns the retention of a database.
func NewRetention(db *sqlx.DB) Retention { return Retention{newPool(db)} }

// Size implements port.Retention. It counts every row, so it lets the planner read the partitions from end to end.
func (p Retention) Size(ctx context.Context, month key.Month) (w port.MonthSize, err error) {
	what := "measure " + month.String()
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, what, `/* month_size */ SELECT set_config('enable_seqscan', 'on', true)`); err != nil {
			return err
		}
		rows := map[string]*int{"billing_targets": &w.Bills, "delivery_attempts": &w.Ledger}
		for _, t := range partitioned {
			name := partition(t.table, month)
			var bytes *int64
			if err := s.one(ctx, what, `/* month_size */ SELECT pg_total_relation_size(to_regclass($1))`, []any{name}, &bytes); err != nil {
				return err
			}
			if bytes == nil {
				continue // dropped before
			}
			count := 0
			if rows[t.table] != nil {
				if err := s.one(ctx, what, `/* month_size */ SELECT count(*) FROM `+name, nil, &count); err != nil {
					return err
				}
				*rows[t.table] = count
			}
			if w.Bytes += *bytes; w.Bills+w.Ledger == 0 {
				w.Bytes = 0 // empty tables are not worth a word
			}
		}
		return s.one(ctx, what, `/* month_size */ SELECT count(*) FROM import_rejects r WHERE r.billing_month = $1::date`, []any{day(month)}, &w.Rejects)
	})
	return w, err
}

// Drop implements port.Retention. A partition is taken off first, which needs the whole table for a moment and gives up
// soon where others are in it; then it is dropped, which takes longer and disturbs nobody.
func (p Retention) Drop(ctx context.Context, month key.Month, by port.Act) error {
	what := "drop " + month.String()
	if err := p.mayDrop(ctx, what, month); err != nil {
		return err
	}
	for _, t := range partitioned {
		name := partition(t.table, month)
		if err := write(ctx, p.db, what, func(ctx context.Context, s *session) error { return s.detach(ctx, what, t.table, name) }); err != nil {
			return err
		}
		err := write(ctx, p.db, what, func(ctx context.Context, s *session) error {
			_, err := s.exec(ctx, what, "DROP TABLE IF EXISTS "+name)
			return err
		})
		if err != nil {
			return err
		}
	}
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, what, `/* drop_rejects */ DELETE FROM import_rejects WHERE billing_month = $1::date`, day(month)); err != nil {
			return err
		}
		if _, err := s.exec(ctx, what, `/* drop_inquiries */ DELETE FROM inquiries WHERE billing_month = $1::date`, day(month)); err != nil {
			return err
		}
		if _, err := s.exec(ctx, what, `/* drop_strays */ DELETE FROM stray_reports WHERE billing_month = $1::date`, day(month)); err != nil {
			return err
		}
		n, err := s.exec(ctx, what, `/* dropped */ UPDATE months SET dropped_at = clock_timestamp() WHERE billing_month = $1::date AND dropped_at IS NULL`, day(month))
		if err != nil || n == 0 {
			return err
		}
		return s.audit(ctx, port.AuditEntry{Action: port.ActionDropMonth, Subject: month.String(), By: by})
	})
}

func (p Retention) mayDrop(ctx context.Context, what string, month key.Month) error {
	return read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		status := ""
		if err := s.one(ctx, what, `/* month */ SELECT m.status FROM months m WHERE m.billing_month = $1::date`, []any{day(month)}, &status); err != nil {
			return err
		}
		if status == "OPEN" {
			return fmt.Errorf("%s: %w: it is open", what, port.ErrInvalid)
		}
		return nil
	})
}

// detach takes a partition off its table where it still belongs to it. Everyone who comes to the table meanwhile queues
// behind the wish for its lock: so it is wished for a moment only, and the caller tries again.
// (DETACH … CONCURRENTLY would not hold anybody up; it cannot run in a transaction, outside of which the driver may
// repeat a statement unasked, and leaves a partition half detached where it is cut short.)
func (s *session) detach(ctx context.Context, what, table, name string) error {
	attached := false
	err := s.one(ctx, what, `/* attached */ SELECT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = to_regclass($1))`, []any{name}, &attached)
	if err != nil || !attached {
		return err
	}
	if _, err := s.exec(ctx, what, `/* briefly */ SELECT set_config('lock_timeout', '300', true)`); err != nil {
		return err
	}
	_, err = s.exec(ctx, what, fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s", table, name))
	return err
}

// droppedMonths are those whose records may go.
const droppedMonths = `(SELECT m.billing_month FROM months m WHERE m.billing_month < $1::date AND m.dropped_at IS NOT NULL)`

const auditSizeSQL = `/* audit_size */ SELECT (SELECT count(*) FROM imports i WHERE i.billing_month IN ` + droppedMonths + `),
  (SELECT count(*) FROM runs r WHERE r.billing_month IN ` + droppedMonths + `),
  (SELECT count(*) FROM operator_actions a WHERE a.at < $2::timestamptz),
  (SELECT count(*) FROM ` + droppedMonths + ` AS gone)`

func auditArgs(before key.Month) []any { return []any{day(before), instant(before.Start(time.UTC))} }

// AuditSize implements port.Retention.
func (p Retention) AuditSize(ctx context.Context, before key.Month) (w port.AuditSize, err error) {
	const what = "measure the audit data"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.one(ctx, what, auditSizeSQL, auditArgs(before), &w.Imports, &w.Runs, &w.Acts, &w.Months)
	})
	return w, err
}

// DropAudit implements port.Retention.
func (p Retention) DropAudit(ctx context.Context, before key.Month, by port.Act) error {
	const what = "drop the audit data"
	month, start := auditArgs(before)[0], auditArgs(before)[1]
	var size port.AuditSize
	beside := 0 // mappings and templates are part of what was done with the month
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		for _, step := range []struct {
			statement string
			bound     any
			gone      *int
		}{
			{`/* drop_imports */ DELETE FROM imports WHERE billing_month IN ` + droppedMonths, month, &size.Imports},
			{`/* drop_mappings */ DELETE FROM month_mappings WHERE billing_month IN ` + droppedMonths, month, &beside},
			{`/* drop_template_sets */ DELETE FROM month_templates WHERE billing_month IN ` + droppedMonths, month, &beside},
			{`/* drop_all_strays */ DELETE FROM stray_reports WHERE billing_month < $1::date`, month, &beside},
			{`/* drop_runs */ DELETE FROM runs WHERE billing_month IN ` + droppedMonths, month, &size.Runs},
			{`/* drop_acts */ DELETE FROM operator_actions WHERE at < $1::timestamptz`, start, &size.Acts},
			{`/* drop_months */ DELETE FROM months WHERE billing_month IN ` + droppedMonths, month, &size.Months},
		} {
			n, err := s.exec(ctx, what, step.statement, step.bound)
			if err != nil {
				return err
			}
			*step.gone = n
		}
		if size == (port.AuditSize{}) {
			return nil
		}
		return s.audit(ctx, port.DropAuditEntry(before, size, by))
	})
}
