package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// PastImports looks at stored imports and takes them back.
type PastImports struct{ db pool }

var _ port.PastImports = PastImports{}

// NewPastImports returns the imports of a database.
func NewPastImports(db *sqlx.DB) PastImports { return PastImports{newPool(db)} }

// elsewhereMonths is in how many other months Elsewhere looks.
const elsewhereMonths = 13

const otherMonthsSQL = `/* other_months */ SELECT to_char(m.billing_month, 'YYYY-MM') FROM months m
WHERE m.billing_month <> $1::date AND m.dropped_at IS NULL ORDER BY m.opened_at DESC LIMIT $2::int`

// Elsewhere implements port.PastImports.
func (p PastImports) Elsewhere(ctx context.Context, month key.Month, bills []port.ImportedBill) (map[key.Month]int, error) {
	found := map[key.Month]int{}
	if len(bills) == 0 {
		return found, ctx.Err()
	}
	err := read(ctx, p.db, "compare with other months", func(ctx context.Context, s *session) error {
		clear(found)
		var others []key.Month
		err := s.query(ctx, "list the other months", otherMonthsSQL, []any{day(month), elsewhereMonths}, func(scan func(...any) error) error {
			var text string
			if err := scan(&text); err != nil {
				return err
			}
			other, err := key.ParseMonth(text)
			others = append(others, other)
			return err
		})
		if err != nil || len(others) == 0 {
			return err
		}
		users := make(map[string]int64, len(bills))
		if err := s.numbers(ctx, "number customers", customersSQL, each(bills, func(b *port.ImportedBill) string { return b.Customer }), users); err != nil {
			return err
		}
		chunk := each(bills, func(b *port.ImportedBill) sealedBill {
			return sealedBill{ImportedBill: *b, user: users[b.Customer], first: users[b.Customer] == 0}
		})
		for _, other := range others {
			there, err := s.fingerprints(ctx, other, chunk)
			if err != nil {
				return err
			}
			if n := compare(chunk, there).Unchanged; n > 0 {
				found[other] = n
			}
		}
		return nil
	})
	return found, err
}

func customersOfSQL(in partitions) string {
	return `/* customers_of */ SELECT t.user_id, c.customer FROM ` + in.targets + ` t JOIN customers c ON c.user_id = t.user_id
WHERE t.billing_month = $1::date AND t.user_id > $2 ORDER BY t.user_id LIMIT $3::int`
}

// Customers implements port.PastImports.
func (p PastImports) Customers(ctx context.Context, month key.Month, after int64, limit int) (list []port.MonthCustomer, err error) {
	const what = "list the month's customers"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		list = nil // the transaction may run again
		return s.query(ctx, what, customersOfSQL(partitionsOf(month)), []any{day(month), after, limit}, func(scan func(...any) error) error {
			var c port.MonthCustomer
			err := scan(&c.UserID, &c.Customer)
			list = append(list, c)
			return err
		})
	})
	return list, err
}

const undoableSQL = `/* undoable */ SELECT ` + importColumns + ` FROM imports i WHERE i.billing_month = $1::date AND i.id = $2 FOR UPDATE`

// BeginUndo implements port.PastImports.
func (p PastImports) BeginUndo(ctx context.Context, month key.Month, id int64, by port.Act) (record port.ImportRecord, err error) {
	const what = "take an import back"
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		record = port.ImportRecord{Month: month}
		if err := s.one(ctx, what, undoableSQL, []any{day(month), id}, importTargets(&record)...); err != nil {
			return fmt.Errorf("import %d of %s: %w", id, month, err)
		}
		there, err := s.isOpened(ctx, month)
		if err == nil && !there {
			err = fmt.Errorf("%w: the bills of %s were removed", billing.ErrRefused, month)
		}
		if err != nil {
			return err
		}
		standing, err := s.standingOfAll(ctx, record)
		if err == nil {
			err = standing.Err()
		}
		if err != nil || !record.UndoneAt.IsZero() {
			return err
		}
		if err := s.one(ctx, what, `/* begin_undo */ UPDATE imports SET undone_at = clock_timestamp() WHERE id = $1 RETURNING undone_at`, []any{id}, utc(&record.UndoneAt)); err != nil {
			return err
		}
		return s.audit(ctx, port.UndoImportEntry(record, by))
	})
	return record, err
}

func undoPageSQL(in partitions) string {
	return `/* undo_page */ SELECT d.user_id FROM ` + in.data + ` d
WHERE d.billing_month = $1::date AND d.user_id > $2::bigint AND d.user_id <= $3::bigint AND d.import_id = $4 ORDER BY d.user_id LIMIT $5::int`
}

// undoWindow is how many bills of a month, of any import, a statement of an undo reads at most: no index knows the import,
// and of a month of many millions one statement would take longer than a statement may.
const undoWindow = 10_000

func undoWindowSQL(in partitions) string {
	return `/* undo_window */ SELECT coalesce(max(w.user_id), 0) FROM (
  SELECT d.user_id FROM ` + in.data + ` d WHERE d.billing_month = $1::date AND d.user_id > $2::bigint ORDER BY d.user_id LIMIT $3::int) AS w`
}

// window returns the last user id of the next undoWindow bills of a month; 0 where there are none.
func (s *session) window(ctx context.Context, what string, month key.Month, after int64) (last int64, err error) {
	err = s.one(ctx, what, undoWindowSQL(partitionsOf(month)), []any{day(month), after, undoWindow}, &last)
	return last, err
}

func undoDataSQL(in partitions) string {
	return `/* undo_data */ DELETE FROM ` + in.data + ` d USING ` + monthUsers + `
WHERE d.billing_month = v.billing_month AND d.user_id = v.user_id AND d.import_id = $3 RETURNING d.user_id, d.data_version`
}

func undoTargetsSQL(in partitions) string {
	return `/* undo_targets */ DELETE FROM ` + in.targets + ` t USING ` + monthUsers + `
WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`
}

// UndoPage implements port.PastImports. The targets are locked first, as everywhere: a correction locks the target before
// it writes new data, and a run before it publishes.
func (p PastImports) UndoPage(ctx context.Context, month key.Month, id, after int64, limit int) (page port.UndonePage, err error) {
	const what = "take a page of an import back"
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		page = port.UndonePage{}
		record := port.ImportRecord{Month: month}
		if err := s.one(ctx, what, undoableSQL, []any{day(month), id}, importTargets(&record)...); err != nil {
			return err
		}
		if page.Last, err = s.window(ctx, what, month, after); err != nil || page.Last == 0 {
			return err
		}
		users, err := s.users(ctx, what, undoPageSQL(partitionsOf(month)), day(month), after, page.Last, id, limit)
		if err != nil || len(users) == 0 {
			return err
		}
		if len(users) == limit {
			page.Last = users[limit-1]
		}
		if _, err := s.users(ctx, what, lockMarkedSQL(partitionsOf(month)), day(month), bigints(users)); err != nil {
			return err
		}
		standing, err := s.standing(ctx, record, after, page.Last)
		if err == nil {
			err = standing.Err()
		}
		if err != nil {
			return err
		}
		page.Removed, err = s.remove(ctx, what, month, id, users)
		return err
	})
	if err != nil {
		return port.UndonePage{}, err
	}
	return page, nil
}

// users returns the user ids that a statement finds.
func (s *session) users(ctx context.Context, what, statement string, args ...any) (users []int64, err error) {
	err = s.query(ctx, what, statement, args, func(scan func(...any) error) error {
		var user int64
		err := scan(&user)
		users = append(users, user)
		return err
	})
	return users, err
}

// remove deletes those of the bills that are still the import's.
func (s *session) remove(ctx context.Context, what string, month key.Month, id int64, users []int64) (int, error) {
	var removed []int64
	var last int32
	err := s.query(ctx, what, undoDataSQL(partitionsOf(month)), []any{day(month), bigints(users), id}, func(scan func(...any) error) error {
		var user int64
		var version int32
		err := scan(&user, &version)
		removed, last = append(removed, user), max(last, version)
		return err
	})
	if err != nil || len(removed) == 0 {
		return 0, err
	}
	slices.Sort(removed)
	if _, err := s.exec(ctx, what, undoTargetsSQL(partitionsOf(month)), day(month), bigints(removed)); err != nil {
		return 0, err
	}
	if _, err := s.exec(ctx, what, `/* undone */ UPDATE imports SET undone = undone + $2 WHERE id = $1`, id, len(removed)); err != nil {
		return 0, err
	}
	_, err = s.exec(ctx, what, `/* next_version */ UPDATE months SET first_version = greatest(first_version, $2::int) WHERE billing_month = $1::date`, day(month), last+1)
	return len(removed), err
}

func standingSQL(in partitions) string {
	return `/* import_standing */ SELECT count(*), count(*) FILTER (WHERE g.requested), count(*) FILTER (WHERE g.changed AND NOT g.requested),
  count(*) FILTER (WHERE d.rendered_at IS NOT NULL AND NOT g.changed AND NOT g.requested)
FROM ` + in.data + ` d JOIN ` + in.targets + ` t ON t.billing_month = d.billing_month AND t.user_id = d.user_id
CROSS JOIN LATERAL (SELECT
  t.dispatch_status NOT IN ('READY', 'PAUSED', 'CANCELLED') OR t.attempt <> 0 OR t.requested_at IS NOT NULL
    OR EXISTS (SELECT FROM ` + in.attempts + ` l WHERE l.billing_month = t.billing_month AND l.user_id = t.user_id AND l.state <> 'REVOKED') AS requested,
  t.dispatch_status <> 'READY' OR t.round <> 0 OR t.requeues <> 0 OR t.wish IS NOT NULL
    OR EXISTS (SELECT FROM ` + in.attempts + ` l WHERE l.billing_month = t.billing_month AND l.user_id = t.user_id) AS changed) g
WHERE d.billing_month = $1::date AND d.user_id > $3::bigint AND d.user_id <= $4::bigint AND d.import_id = $2`
}

// publishingRunSQL finds a run that may have published bills since an import began: one that has not ended, or has published
// something, or has not ended well. Its clock may be some minutes behind.
const publishingRunSQL = `/* publishing_run */ SELECT coalesce(max(r.id), 0) FROM runs r
WHERE (r.billing_month IS NULL OR r.billing_month = $1::date)
  AND (r.finished_at IS NULL OR r.finished_at >= $2::timestamptz AND (r.status <> $3 OR r.published > 0 OR r.failed > 0))`

// runClockSkew is by how much the clock of a run may differ from an import's.
const runClockSkew = 5 * time.Minute

const lookHowFar = "look how far an import has gone"

// standing finds out how far the bills of an import have gone, those with a user id after one and up to another, and whether a run may
// have published them.
func (s *session) standing(ctx context.Context, record port.ImportRecord, after, last int64) (port.UndoStanding, error) {
	u, err := s.standingOfBills(ctx, record, after, last)
	if err == nil {
		u.Run, err = s.publishingRun(ctx, record)
	}
	return u, err
}

func (s *session) standingOfBills(ctx context.Context, record port.ImportRecord, after, last int64) (u port.UndoStanding, err error) {
	err = s.one(ctx, lookHowFar, standingSQL(partitionsOf(record.Month)), []any{day(record.Month), record.ID, after, last}, &u.Bills, &u.Requested, &u.Changed, &u.Exposed)
	return u, err
}

func (s *session) publishingRun(ctx context.Context, record port.ImportRecord) (run int64, err error) {
	err = s.one(ctx, lookHowFar, publishingRunSQL, []any{day(record.Month), instant(record.StartedAt.Add(-runClockSkew)), string(port.RunFinished)}, &run)
	return run, err
}

// standingOfAll is standing of every bill of the import.
func (s *session) standingOfAll(ctx context.Context, record port.ImportRecord) (all port.UndoStanding, err error) {
	for after := int64(0); ; {
		last, err := s.window(ctx, lookHowFar, record.Month, after)
		if err != nil {
			return all, err
		}
		if last == 0 {
			all.Run, err = s.publishingRun(ctx, record)
			return all, err
		}
		some, err := s.standingOfBills(ctx, record, after, last)
		if err != nil {
			return all, err
		}
		all.Bills, all.Requested, all.Changed, all.Exposed = all.Bills+some.Bills, all.Requested+some.Requested, all.Changed+some.Changed, all.Exposed+some.Exposed
		after = last
	}
}

const undoRejectsSQL = `/* undo_rejects */ DELETE FROM import_rejects r WHERE r.billing_month = $1::date AND r.import_id = $2`

// reopenSQL opens refused rows again whose customers have no bill any more.
func reopenSQL(in partitions) string {
	return `/* reopen_rejects */ UPDATE import_rejects r SET resolved_at = NULL FROM customers c
WHERE r.billing_month = $1::date AND r.resolved_at < 'infinity' AND c.customer = r.customer
  AND NOT EXISTS (SELECT FROM ` + in.targets + ` t WHERE t.billing_month = r.billing_month AND t.user_id = c.user_id)`
}

// EndUndo implements port.PastImports.
func (p PastImports) EndUndo(ctx context.Context, month key.Month, id int64) error {
	const what = "end taking an import back"
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		if _, err := s.exec(ctx, what, undoRejectsSQL, day(month), id); err != nil {
			return err
		}
		_, err := s.exec(ctx, what, reopenSQL(partitionsOf(month)), day(month))
		return err
	})
}
