package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Renders reads what is to be rendered and stores the result, for the batch.
type Renders struct{ db pool }

var _ port.Renders = Renders{}

// NewRenders returns the batch's view of a database.
func NewRenders(db *sqlx.DB) Renders { return Renders{newPool(db)} }

const findBillSQL = `/* find_bill */ SELECT t.user_id, t.reachable, d.data, d.data_version
FROM (SELECT $1::date AS billing_month, c.user_id FROM customers c WHERE c.customer = $2 OFFSET 0) AS v
JOIN billing_targets t ON t.billing_month = v.billing_month AND t.user_id = v.user_id
JOIN billing_data d ON d.billing_month = t.billing_month AND d.user_id = t.user_id`

// Find implements port.Renders.
func (p Renders) Find(ctx context.Context, month key.Month, customer string) (port.Bill, error) {
	bill := port.Bill{Target: key.Target{Month: month}}
	found := false
	err := read(ctx, p.db, "find a bill", func(ctx context.Context, s *session) error {
		return s.query(ctx, "find a bill", findBillSQL, []any{day(month), clean(customer)}, func(scan func(...any) error) error {
			found = true
			var reachable uint8
			err := scan(&bill.Target.UserID, &reachable, &bill.Data, &bill.Version)
			bill.Reachable = channel.Set(reachable)
			return err
		})
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: the customer has no bill in %s", port.ErrNotFound, month)
	}
	return bill, err
}

func nextBillsSQL(in partitions) string {
	return `/* next_bills */ SELECT t.user_id, t.available_at, t.reachable, d.data, d.data_version
FROM (SELECT t.billing_month, t.user_id, t.available_at, t.reachable FROM ` + in.targets + ` t
  WHERE t.billing_month = $1::date AND t.batch_status = 'IMPORTED' AND (t.available_at, t.user_id) > ($2::timestamptz, $3::bigint)
  ORDER BY t.available_at, t.user_id LIMIT $4::int) AS t
JOIN ` + in.data + ` d ON d.billing_month = t.billing_month AND d.user_id = t.user_id
ORDER BY t.available_at, t.user_id`
}

// Next implements port.Renders.
func (p Renders) Next(ctx context.Context, month key.Month, after port.Cursor, limit int) ([]port.Bill, port.Cursor, error) {
	var bills []port.Bill
	next := after
	err := read(ctx, p.db, "read the next bills", func(ctx context.Context, s *session) error {
		bills, next = nil, after
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		args := append([]any{day(month)}, cursorArgs(after)...)
		return s.query(ctx, "read the next bills", nextBillsSQL(partitionsOf(month)), append(args, limit), func(scan func(...any) error) error {
			b := port.Bill{Target: key.Target{Month: month}}
			var reachable uint8
			err := scan(&b.Target.UserID, utc(&next.AvailableAt), &reachable, &b.Data, &b.Version)
			b.Reachable = channel.Set(reachable)
			next.UserID = b.Target.UserID
			bills = append(bills, b)
			return err
		})
	})
	if err != nil {
		return nil, after, err
	}
	return bills, next, nil
}

func renderAgainSQL(in partitions) string {
	return `/* render_again */ UPDATE ` + in.targets + ` t SET batch_status = 'IMPORTED'
FROM (SELECT t.billing_month, t.user_id FROM ` + in.targets + ` t
  WHERE t.billing_month = $1::date AND t.batch_status = 'RENDER_FAILED' AND t.user_id > $2::bigint
  ORDER BY t.user_id LIMIT $3::int FOR NO KEY UPDATE) AS v
WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id
RETURNING t.user_id`
}

// Again implements port.Renders.
func (p Renders) Again(ctx context.Context, month key.Month, after int64, limit int) (last int64, err error) {
	const what = "let failed bills be rendered again"
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		last = 0
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return s.query(ctx, what, renderAgainSQL(partitionsOf(month)), []any{day(month), after, limit}, func(scan func(...any) error) error {
			var user int64
			err := scan(&user)
			last = max(last, user)
			return err
		})
	})
	return last, err
}

func lockMarkedSQL(in partitions) string {
	return `/* lock_marked */ SELECT t.user_id
FROM ` + monthUsers + ` JOIN ` + in.targets + ` t ON t.billing_month = v.billing_month AND t.user_id = v.user_id
ORDER BY t.user_id FOR NO KEY UPDATE OF t`
}

func markDataSQL(in partitions) string {
	return `/* mark_data */ UPDATE ` + in.data + ` d
SET statement = CASE WHEN v.failed IS NULL THEN v.statement END, render_error = v.failed, rendered_at = $2::timestamptz, template_set = nullif($7::smallint, 0)
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($3::bigint[], $4::int[], $5::bytea[], $6::text[])
  AS u(user_id, data_version, statement, failed) OFFSET 0) AS v
WHERE d.billing_month = v.billing_month AND d.user_id = v.user_id AND d.data_version = v.data_version
RETURNING d.user_id`
}

func markTargetsSQL(in partitions) string {
	return `/* mark_targets */ UPDATE ` + in.targets + ` t
SET batch_status = CASE WHEN v.failed THEN 'RENDER_FAILED' ELSE 'RENDERED' END
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::boolean[])
  AS u(user_id, failed) OFFSET 0) AS v
WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`
}

// errCorrected says that a bill of a page was corrected since it was rendered.
var errCorrected = errors.New("a bill was corrected meanwhile")

// Mark implements port.Renders. Bills are hardly ever corrected while they are rendered, so it first marks all of them,
// and only where one of them was corrected it begins again and looks before.
func (p Renders) Mark(ctx context.Context, bills []port.RenderedBill, set int16, at time.Time) (int, error) {
	if len(bills) == 0 {
		return 0, ctx.Err()
	}
	how := marking{set: set, at: at, mark: (*session).markAll}
	marked, err := p.mark(ctx, bills, how)
	if errors.Is(err, errCorrected) {
		how.mark = (*session).markUnchanged
		marked, err = p.mark(ctx, bills, how)
	}
	return marked, err
}

// marking is how bills are marked.
type marking struct {
	set  int16 // that rendered them
	at   time.Time
	mark func(s *session, ctx context.Context, month key.Month, bills []port.RenderedBill, how marking) (int, error) // in the order of their user ids; returns how many
}

func (p Renders) mark(ctx context.Context, bills []port.RenderedBill, how marking) (int, error) {
	marked := 0
	keyOf := func(b *port.RenderedBill) key.Delivery {
		return key.Delivery{Month: b.Target.Month, UserID: b.Target.UserID}
	}
	err := write(ctx, p.db, "mark rendered bills", func(ctx context.Context, s *session) error {
		marked = 0
		return eachOpenedMonth(ctx, s, bills, keyOf, func(month key.Month, page []port.RenderedBill) error {
			n, err := how.mark(s, ctx, month, page, how)
			marked += n
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	return marked, nil
}

// markAll fails with errCorrected where a bill was corrected. The targets come first, as everywhere: a correction locks
// the target before it writes new data.
func (s *session) markAll(ctx context.Context, month key.Month, page []port.RenderedBill, how marking) (int, error) {
	if err := s.markTargets(ctx, month, page); err != nil {
		return 0, err
	}
	marked, err := s.markData(ctx, month, page, how)
	if err == nil && len(marked) != len(page) {
		err = errCorrected
	}
	return len(marked), err
}

// markUnchanged leaves out bills that were corrected. It locks the targets, so that no other bill is corrected while it
// looks.
func (s *session) markUnchanged(ctx context.Context, month key.Month, page []port.RenderedBill, how marking) (int, error) {
	users := each(page, func(b *port.RenderedBill) int64 { return b.Target.UserID })
	err := s.query(ctx, "mark rendered bills", lockMarkedSQL(partitionsOf(month)), []any{day(month), bigints(slices.Compact(users))}, func(scan func(...any) error) error {
		var user int64
		return scan(&user)
	})
	if err != nil {
		return 0, err
	}
	marked, err := s.markData(ctx, month, page, how)
	if err != nil {
		return 0, err
	}
	unchanged := slices.DeleteFunc(slices.Clone(page), func(b port.RenderedBill) bool { return !marked[b.Target.UserID] })
	return len(marked), s.markTargets(ctx, month, unchanged)
}

// markData stores the references of those bills that were not corrected, and returns their user ids.
func (s *session) markData(ctx context.Context, month key.Month, page []port.RenderedBill, how marking) (marked map[int64]bool, err error) {
	marked = make(map[int64]bool, len(page))
	args := []any{
		day(month), instant(how.at),
		bigints(each(page, func(b *port.RenderedBill) int64 { return b.Target.UserID })),
		integers(each(page, func(b *port.RenderedBill) int32 { return b.Version })),
		blobs(each(page, func(b *port.RenderedBill) []byte { return b.Statement })),
		texts(each(page, func(b *port.RenderedBill) string { return clean(b.Failed) })),
		how.set,
	}
	err = s.query(ctx, "mark rendered bills", markDataSQL(partitionsOf(month)), args, func(scan func(...any) error) error {
		var user int64
		err := scan(&user)
		marked[user] = true
		return err
	})
	return marked, err
}

func (s *session) markTargets(ctx context.Context, month key.Month, page []port.RenderedBill) error {
	_, err := s.exec(ctx, "mark rendered bills", markTargetsSQL(partitionsOf(month)), day(month),
		bigints(each(page, func(b *port.RenderedBill) int64 { return b.Target.UserID })),
		booleans(each(page, func(b *port.RenderedBill) bool { return clean(b.Failed) != "" })))
	return err
}
