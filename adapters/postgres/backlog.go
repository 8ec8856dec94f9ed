package postgres

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Backlog looks at the candidates of dispatch without locking them.
type Backlog struct{ db pool }

var _ port.Backlog = Backlog{}

// NewBacklog returns the candidates of a database.
func NewBacklog(db *sqlx.DB) Backlog { return Backlog{newPool(db)} }

// candidate is the condition of a month's candidates; a partial index has the same one.
const candidate = `t.billing_month = $1::date AND t.batch_status = 'RENDERED' AND t.dispatch_status IN ('READY', 'FAILED')`

const dueSQL = `/* due */ SELECT count(*) FROM (
  SELECT 1 FROM billing_targets t WHERE ` + candidate + ` AND t.available_at <= $2::timestamptz
  ORDER BY t.available_at, t.user_id LIMIT $3::int) AS due`

// Due implements port.Backlog.
func (p Backlog) Due(ctx context.Context, month key.Month, now time.Time, limit int) (int, error) {
	due := 0
	err := read(ctx, p.db, "count what is due", func(ctx context.Context, s *session) error {
		return s.one(ctx, "count what is due", dueSQL, []any{day(month), instant(now), limit}, &due)
	})
	return due, err
}

const nextDueSQL = `/* next_due */ SELECT t.available_at FROM billing_targets t WHERE ` + candidate + `
ORDER BY t.available_at, t.user_id LIMIT 1`

// NextDue implements port.Backlog.
func (p Backlog) NextDue(ctx context.Context, month key.Month) (time.Time, error) {
	var next time.Time
	err := read(ctx, p.db, "find what is due next", func(ctx context.Context, s *session) error {
		return s.query(ctx, "find what is due next", nextDueSQL, []any{day(month)}, func(scan func(...any) error) error {
			return scan(utc(&next))
		})
	})
	return next, err
}

const inFlightSQL = `/* in_flight */ SELECT count(*) FROM (
  SELECT 1 FROM billing_targets t WHERE t.billing_month = $1::date AND t.dispatch_status = 'REQUESTED'
  ORDER BY t.user_id LIMIT $2::int) AS in_flight`

// InFlight implements port.Backlog.
func (p Backlog) InFlight(ctx context.Context, month key.Month, limit int) (n int, err error) {
	err = read(ctx, p.db, "count what is in flight", func(ctx context.Context, s *session) error {
		return s.one(ctx, "count what is in flight", inFlightSQL, []any{day(month), limit}, &n)
	})
	return n, err
}

const unrenderedSQL = `/* unrendered */ SELECT count(*) FROM billing_targets t WHERE t.billing_month = $1::date AND t.batch_status = 'IMPORTED'`

// Unrendered implements port.Backlog.
func (p Backlog) Unrendered(ctx context.Context, month key.Month) (n int, err error) {
	err = read(ctx, p.db, "count what is not rendered", func(ctx context.Context, s *session) error {
		return s.one(ctx, "count what is not rendered", unrenderedSQL, []any{day(month)}, &n)
	})
	return n, err
}

// Requests finds dispatched targets that nobody claimed.
type Requests struct{ db pool }

var _ port.Requests = Requests{}

// NewRequests returns the dispatched targets of a database.
func NewRequests(db *sqlx.DB) Requests { return Requests{newPool(db)} }

func unclaimedSQL(in partitions) string {
	return `/* unclaimed */ SELECT t.user_id
FROM (SELECT t.billing_month, t.user_id, t.attempt, t.round FROM ` + in.targets + ` t
  WHERE t.billing_month = $1::date AND t.dispatch_status = 'REQUESTED' AND t.requested_at < $2::timestamptz AND t.user_id > $3::bigint
  ORDER BY t.user_id OFFSET 0) AS t
WHERE NOT EXISTS (SELECT FROM ` + in.attempts + ` l
    WHERE l.billing_month = t.billing_month AND l.user_id = t.user_id AND l.attempt = t.attempt AND l.round = t.round)
ORDER BY t.user_id LIMIT $4::int`
}

// Unclaimed implements port.Requests.
func (p Requests) Unclaimed(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error) {
	var keys []key.Target
	err := read(ctx, p.db, "find unclaimed requests", func(ctx context.Context, s *session) error {
		keys = nil
		return s.targetKeys(ctx, "find unclaimed requests", unclaimedSQL(partitionsOf(month)), []any{day(month), instant(before), after, limit}, month, &keys)
	})
	return keys, err
}

// targetKeys reads user ids of a month; none if the month was never opened.
func (s *session) targetKeys(ctx context.Context, what, statement string, args []any, month key.Month, keys *[]key.Target) error {
	if there, err := s.isOpened(ctx, month); err != nil || !there {
		return err
	}
	return s.query(ctx, what, statement, args, func(scan func(...any) error) error {
		k := key.Target{Month: month}
		err := scan(&k.UserID)
		*keys = append(*keys, k)
		return err
	})
}
