package postgres

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// RefusedRows lists and dismisses rows that imports refused.
type RefusedRows struct{ db pool }

var _ port.RefusedRows = RefusedRows{}

// NewRefusedRows returns the refused rows of a database.
func NewRefusedRows(db *sqlx.DB) RefusedRows { return RefusedRows{newPool(db)} }

const waitingRowsSQL = `/* waiting_rows */ SELECT r.file, r.line, r.field, r.reason, r.customer, r.import_id FROM import_rejects r
WHERE r.billing_month = $1::date AND r.resolved_at IS NULL AND (r.file, r.line) > ($2, $3::int)
ORDER BY r.file, r.line LIMIT $4::int`

// Waiting implements port.RefusedRows. Without sorts, the planner reads a page of rows in the order of the primary key, and not all
// rows of the month that wait.
func (p RefusedRows) Waiting(ctx context.Context, month key.Month, after port.RejectedRow, limit int) (list []port.Reject, err error) {
	const what = "list refused rows"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		list = nil // the transaction may run again
		if _, err := s.exec(ctx, what, `/* settings */ SELECT set_config('enable_sort', 'off', true)`); err != nil {
			return err
		}
		return s.query(ctx, what, waitingRowsSQL, []any{day(month), clean(after.File), after.Line, limit}, func(scan func(...any) error) error {
			var r port.Reject
			err := scan(&r.File, &r.Line, &r.Field, &r.Reason, optional(&r.Customer), optional(&r.Import))
			list = append(list, r)
			return err
		})
	})
	return list, err
}

// A dismissed row is resolved for good: reopenSQL leaves it out.
const dismissRowSQL = `/* dismiss_row */ UPDATE import_rejects r SET resolved_at = 'infinity'
WHERE r.billing_month = $1::date AND r.file = $2 AND r.line = $3 AND ` + isWaiting

// Dismiss implements port.RefusedRows.
func (p RefusedRows) Dismiss(ctx context.Context, month key.Month, row port.RejectedRow, by port.Act) error {
	const what = "dismiss a refused row"
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, what, dismissRowSQL, day(month), clean(row.File), row.Line)
		if err != nil {
			return err
		}
		if n > 0 {
			return s.audit(ctx, port.DismissEntry(month, row, by))
		}
		var there bool
		err = s.one(ctx, what, `/* is_refused */ SELECT EXISTS (SELECT FROM import_rejects WHERE billing_month = $1::date AND file = $2 AND line = $3)`,
			[]any{day(month), clean(row.File), row.Line}, &there)
		if err == nil && !there {
			err = fmt.Errorf("%w: %s has no refused row on line %d of %s", port.ErrNotFound, month, row.Line, row.File)
		}
		return err
	})
}
