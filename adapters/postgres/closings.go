package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

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
