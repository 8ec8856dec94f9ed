package postgres

import (
	"context"
	"database/sql"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Inquiries stores what providers are asked about UNKNOWN ledger rows.
type Inquiries struct{ db pool }

var _ port.Inquiries = Inquiries{}

// NewInquiries returns the inquiries of a database.
func NewInquiries(db *sqlx.DB) Inquiries { return Inquiries{newPool(db)} }

// enqueueInquiriesSQL adds the rows of a page that is found behind a key, and returns the number of its rows with the last one's key.
func enqueueInquiriesSQL(name, page string) string {
	return `/* ` + name + ` */ WITH page AS MATERIALIZED (` + page + `
  ORDER BY l.user_id, l.attempt, l.round LIMIT $8::int),
added AS (
  INSERT INTO inquiries (billing_month, user_id, attempt, round, channel, provider, called_at, next_at)
  SELECT $1::date, u.user_id, u.attempt, u.round, $2::text, $3::text, u.claimed_at, u.lease_until + make_interval(secs => $7::float8) FROM page u
  WHERE u.state = 'UNKNOWN' AND u.channel = $2::text AND u.provider = $3::text AND u.claimed_at IS NOT NULL
  ON CONFLICT (billing_month, user_id, attempt, round) DO NOTHING)
SELECT count(*) OVER (), u.user_id, u.attempt, u.round FROM page u ORDER BY u.user_id DESC, u.attempt DESC, u.round DESC LIMIT 1`
}

// unknownRowsSinceSQL finds UNKNOWN rows by the BRIN index on what changed.
func unknownRowsSinceSQL(in partitions) string {
	return enqueueInquiriesSQL("enqueue_inquiries", `
  SELECT l.user_id, l.attempt, l.round, l.state, l.channel, l.provider, l.claimed_at, l.lease_until FROM `+in.attempts+` l
  WHERE l.changed_at >= $9::timestamptz AND l.changed_at < $10::timestamptz AND l.state = 'UNKNOWN' AND l.channel = $2::text AND l.provider = $3::text
    AND (l.user_id, l.attempt, l.round) > ($4::bigint, $5::smallint, $6::smallint)`)
}

// unknownRowsSQL goes through all rows of a month, in the order of their keys.
func unknownRowsSQL(in partitions) string {
	return enqueueInquiriesSQL("enqueue_inquiries_ever", `
  SELECT l.user_id, l.attempt, l.round, l.state, l.channel, l.provider, l.claimed_at, l.lease_until FROM `+in.attempts+` l
  WHERE l.billing_month = $1::date AND (l.user_id, l.attempt, l.round) > ($4::bigint, $5::smallint, $6::smallint)`)
}

// Enqueue implements port.Inquiries.
func (p Inquiries) Enqueue(
	ctx context.Context, month key.Month, of port.Lane, wait time.Duration, when port.Span, after key.Delivery, limit int,
) (looked int, last key.Delivery, err error) {
	const what = "note what is to be asked"
	args := []any{day(month), string(of.Channel), of.Provider, after.UserID, after.Attempt, after.Round, wait.Seconds(), limit}
	statement, walk := unknownRowsSQL, when == port.Span{}
	if !walk {
		statement, args = unknownRowsSinceSQL, append(args, orElse(when.Since, "-infinity"), orElse(when.Until, "infinity"))
	}
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		looked, last = 0, after
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		if !walk {
			if err := s.wide(ctx); err != nil {
				return err
			}
		}
		return s.query(ctx, what, statement(partitionsOf(month)), args, func(scan func(...any) error) error {
			last.Month = month
			return scan(&looked, &last.UserID, &last.Attempt, &last.Round)
		})
	})
	return looked, last, err
}

// dueInquiriesSQL takes inquiries that are due for a while, and ends those whose row is not UNKNOWN any more.
func dueInquiriesSQL(in partitions) string {
	return `/* due_inquiries */ WITH due AS MATERIALIZED (
  SELECT i.billing_month, i.user_id, i.attempt, i.round FROM inquiries i
  WHERE i.billing_month = $5::date AND i.channel = $1::text AND i.provider = $2::text AND i.next_at <= statement_timestamp()
  ORDER BY i.next_at LIMIT $4::int FOR UPDATE SKIP LOCKED)
UPDATE inquiries i SET next_at = CASE WHEN EXISTS (
    SELECT FROM ` + in.attempts + ` l
    WHERE l.billing_month = i.billing_month AND l.user_id = i.user_id AND l.attempt = i.attempt AND l.round = i.round AND l.state = 'UNKNOWN')
  THEN clock_timestamp() + make_interval(secs => $3::float8) END
FROM due d WHERE i.billing_month = d.billing_month AND i.user_id = d.user_id AND i.attempt = d.attempt AND i.round = d.round
RETURNING i.user_id, i.attempt, i.round, i.called_at, i.asks, i.next_at IS NOT NULL, EXISTS (
  SELECT FROM ` + in.targets + ` t
  WHERE t.billing_month = i.billing_month AND t.user_id = i.user_id AND t.attempt = i.attempt AND t.round = i.round)`
}

// Due implements port.Inquiries.
func (p Inquiries) Due(ctx context.Context, month key.Month, of port.Lane, hold time.Duration, limit int) (looked int, due []port.Inquiry, err error) {
	const what = "take what is to be asked"
	args := []any{string(of.Channel), of.Provider, hold.Seconds(), limit, day(month)}
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		looked, due = 0, nil
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return s.query(ctx, what, dueInquiriesSQL(partitionsOf(month)), args, func(scan func(...any) error) error {
			q := port.Inquiry{Key: key.Delivery{Month: month}}
			open := false
			err := scan(&q.Key.UserID, &q.Key.Attempt, &q.Key.Round, utc(&q.Called), &q.Asks, &open, &q.Current)
			if looked++; open {
				due = append(due, q)
			}
			return err
		})
	})
	return looked, due, err
}

const answerInquiriesSQL = `/* answer_inquiries */ UPDATE inquiries i SET asks = least(i.asks + 1, 32767), asked_at = clock_timestamp(), found = v.found,
  failure_class = v.failure_class, message_id = v.message_id, code = v.code, detail = v.detail, said_at = v.said_at,
  next_at = CASE WHEN v.again > 0 THEN clock_timestamp() + make_interval(secs => v.again) END
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::timestamptz[], $11::bigint[]) AS u(user_id, attempt, round, found, failure_class, message_id, code, detail, said_at, again) OFFSET 0) AS v
WHERE i.billing_month = v.billing_month AND i.user_id = v.user_id AND i.attempt = v.attempt AND i.round = v.round`

// Answer implements port.Inquiries. Pauses are kept in whole seconds, at least one.
func (p Inquiries) Answer(ctx context.Context, answers []port.InquiryAnswer) error {
	const what = "record what was answered"
	keyOf := func(a *port.InquiryAnswer) key.Delivery { return a.Key }
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return eachMonth(answers, keyOf, func(month key.Month, page []port.InquiryAnswer) error {
			_, err := s.exec(ctx, what, answerInquiriesSQL, append(keyArgs(month, page, keyOf),
				texts(each(page, func(a *port.InquiryAnswer) string { return string(a.Found.Found) })),
				texts(each(page, func(a *port.InquiryAnswer) string { return string(a.Found.Class) })),
				texts(each(page, func(a *port.InquiryAnswer) string { return clean(a.Found.MessageID) })),
				texts(each(page, func(a *port.InquiryAnswer) string { return clean(a.Found.Code) })),
				texts(each(page, func(a *port.InquiryAnswer) string { return clean(a.Found.Detail) })),
				instants(each(page, func(a *port.InquiryAnswer) time.Time { return a.Found.SaidAt })),
				bigints(each(page, func(a *port.InquiryAnswer) int64 { return int64((a.Again + time.Second - 1) / time.Second) })))...)
			return err
		})
	})
}

const askedSQL = `/* asked */ SELECT i.attempt, i.round, i.called_at, i.asks, i.asked_at, i.next_at, i.found, i.failure_class, i.message_id, i.code, i.detail, i.said_at
FROM inquiries i WHERE i.billing_month = $1::date AND i.user_id = $2::bigint AND i.asks > 0 ORDER BY i.attempt, i.round`

// Asked implements port.Inquiries.
func (p Inquiries) Asked(ctx context.Context, about key.Target) ([]port.Inquiry, error) {
	const what = "read what was asked"
	var asked []port.Inquiry
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, askedSQL, []any{day(about.Month), about.UserID}, func(scan func(...any) error) error {
			q := port.Inquiry{Key: key.Delivery{Month: about.Month, UserID: about.UserID}}
			var found, class, message, code, detail sql.NullString
			err := scan(&q.Key.Attempt, &q.Key.Round, utc(&q.Called), &q.Asks, utc(&q.AskedAt), utc(&q.Again), &found, &class, &message, &code, &detail, utc(&q.Last.SaidAt))
			q.Last.Found, q.Last.Class = port.Found(found.String), attempt.FailureClass(class.String)
			q.Last.MessageID, q.Last.Code, q.Last.Detail = message.String, code.String, detail.String
			asked = append(asked, q)
			return err
		})
	})
	return asked, err
}

// countInquiriesSQL counts the UNKNOWN bills about which somebody is still to be asked.
func countInquiriesSQL(in partitions) string {
	return `/* count_inquiries */ SELECT count(*) FROM inquiries i
JOIN ` + in.targets + ` t ON t.billing_month = i.billing_month AND t.user_id = i.user_id AND t.attempt = i.attempt AND t.round = i.round
WHERE i.billing_month = $1::date AND i.user_id <= ` + copyStep + ` AND i.next_at IS NOT NULL AND t.dispatch_status = 'UNKNOWN'`
}

// Open implements port.Inquiries.
func (p Inquiries) Open(ctx context.Context, month key.Month) (n int, err error) {
	const what = "count what is to be asked"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		n = 0
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return s.one(ctx, what, countInquiriesSQL(partitionsOf(month)), []any{day(month)}, &n)
	})
	return n, err
}
