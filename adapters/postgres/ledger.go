package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Ledger stores the delivery ledger as Delivery writes it.
type Ledger struct{ db pool }

var _ port.Ledger = Ledger{}

// NewLedger returns the ledger of a database.
func NewLedger(db *sqlx.DB) Ledger { return Ledger{newPool(db)} }

const claimSQL = `/* claim */ INSERT INTO delivery_attempts AS l (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until,
  channel, step, policy_id, policy_version, run_id, unknown_policy, provider, changed_at)
SELECT $1::date, v.user_id, v.attempt, v.round, 'CLAIMED', v.owner, clock_timestamp(), clock_timestamp() + v.lease_us * interval '1 microsecond',
  v.channel, v.step, v.policy_id, v.policy_version, v.run_id, v.unknown_policy, v.provider, clock_timestamp()
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::smallint[], $7::bigint[], $8::int[], $9::bigint[], $10::text[],
  $11::uuid[], $12::text[], $13::bigint[])
  AS v(user_id, attempt, round, channel, step, policy_id, policy_version, run_id, unknown_policy, owner, provider, lease_us)
ON CONFLICT (billing_month, user_id, attempt, round) DO UPDATE SET changed_at = clock_timestamp()
  WHERE l.state = 'CLAIMED' AND l.owner = excluded.owner AND l.lease_until > clock_timestamp()
RETURNING user_id, attempt, round`

// Claim implements port.Ledger.
func (p Ledger) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	keyOf := func(c *attempt.Claim) key.Delivery { return c.Key }
	seen := make(map[key.Delivery]bool, len(claims))
	for _, c := range claims {
		switch {
		case c.Token.IsZero():
			return nil, fmt.Errorf("%w: %s is claimed without a token", port.ErrInvalid, c.Key)
		case seen[c.Key]:
			return nil, fmt.Errorf("%w: %s is claimed twice in one call: who won could not be told", port.ErrInvalid, c.Key)
		}
		seen[c.Key] = true
	}
	return p.change(ctx, "claim", len(claims), func(ctx context.Context, s *session) ([]key.Delivery, error) {
		var mine []key.Delivery
		err := eachMonth(claims, keyOf, func(month key.Month, page []attempt.Claim) error {
			args := append(keyArgs(month, page, keyOf), factArgs(page, func(c *attempt.Claim) attempt.Facts { return c.Facts })...)
			args = append(args,
				tokens(each(page, func(c *attempt.Claim) attempt.Token { return c.Token })),
				texts(each(page, func(c *attempt.Claim) string { return c.Provider })),
				bigints(each(page, func(c *attempt.Claim) int64 { return c.Lease.Microseconds() })))
			keys, err := s.deliveryKeys(ctx, "claim", claimSQL, args, month)
			mine = append(mine, keys...)
			return err
		})
		return mine, err
	})
}

// change runs fn in a transaction of its own and returns its keys sorted, once it is committed.
func (p Ledger) change(ctx context.Context, what string, n int, fn func(ctx context.Context, s *session) ([]key.Delivery, error)) ([]key.Delivery, error) {
	if n == 0 {
		return nil, ctx.Err()
	}
	var keys []key.Delivery
	err := write(ctx, p.db, what, func(ctx context.Context, s *session) (err error) {
		keys, err = fn(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(keys, key.Delivery.Compare)
	return slices.Compact(keys), nil
}

const closeSQL = `/* close */ INSERT INTO delivery_attempts (billing_month, user_id, attempt, round,
  channel, step, policy_id, policy_version, run_id, unknown_policy, state, failure_class, reason, not_before, finished_at, changed_at)
SELECT $1::date, v.user_id, v.attempt, v.round, v.channel, v.step, v.policy_id, v.policy_version, v.run_id, v.unknown_policy,
  v.state, v.failure_class, v.reason, v.not_before, v.finished_at, clock_timestamp()
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::smallint[], $7::bigint[], $8::int[], $9::bigint[], $10::text[],
  $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[])
  AS v(user_id, attempt, round, channel, step, policy_id, policy_version, run_id, unknown_policy, state, failure_class, reason, not_before, finished_at)
ON CONFLICT (billing_month, user_id, attempt, round) DO NOTHING
RETURNING user_id, attempt, round`

// Close implements port.Ledger.
func (p Ledger) Close(ctx context.Context, closings []attempt.Closing) ([]key.Delivery, error) {
	keyOf := func(c *attempt.Closing) key.Delivery { return c.Key }
	for _, c := range closings {
		if !attempt.Allowed("", c.State, attempt.ByDelivery) {
			return nil, fmt.Errorf("%w: %w: %s cannot be closed as %q", port.ErrInvalid, attempt.ErrNotClosing, c.Key, c.State)
		}
	}
	return p.change(ctx, "close", len(closings), func(ctx context.Context, s *session) ([]key.Delivery, error) {
		var closed []key.Delivery
		err := eachMonth(closings, keyOf, func(month key.Month, page []attempt.Closing) error {
			args := append(keyArgs(month, page, keyOf), factArgs(page, func(c *attempt.Closing) attempt.Facts { return c.Facts })...)
			args = append(args,
				texts(each(page, func(c *attempt.Closing) string { return string(c.State) })),
				texts(each(page, func(c *attempt.Closing) string { return string(c.Class) })),
				texts(each(page, func(c *attempt.Closing) string { return clean(string(c.Reason)) })),
				instants(each(page, func(c *attempt.Closing) time.Time { return c.NotBefore })),
				instants(each(page, func(c *attempt.Closing) time.Time { return c.FinishedAt })))
			keys, err := s.deliveryKeys(ctx, "close", closeSQL, args, month)
			closed = append(closed, keys...)
			return err
		})
		return closed, err
	})
}

const findSQL = `/* find */ SELECT ` + rowColumns + `
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[])
  AS u(user_id, attempt, round) OFFSET 0) AS v
JOIN delivery_attempts l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`

// Find implements port.Ledger.
func (p Ledger) Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	unique := slices.Compact(slices.SortedFunc(slices.Values(keys), key.Delivery.Compare))
	var rows []attempt.Row
	err := read(ctx, p.db, "find ledger rows", func(ctx context.Context, s *session) error {
		return eachOpenedMonth(ctx, s, unique, itself, func(month key.Month, page []key.Delivery) error {
			return s.query(ctx, "find ledger rows", byKey(findSQL, month), keyArgs(month, page, itself), func(scan func(...any) error) error {
				row, err := readRow(month, scan)
				rows = append(rows, row)
				return err
			})
		})
	})
	slices.SortFunc(rows, func(a, b attempt.Row) int { return a.Key.Compare(b.Key) })
	return rows, err
}

// itself is the keyOf of items that are keys.
func itself(k *key.Delivery) key.Delivery { return *k }
