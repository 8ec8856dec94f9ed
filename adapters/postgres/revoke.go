package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

const revokeSQL = `/* revoke */ INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, reason, finished_at, changed_at)
SELECT $1::date, v.user_id, v.attempt, v.round, 'REVOKED', v.reason, v.finished_at, clock_timestamp()
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::timestamptz[]) AS v(user_id, attempt, round, reason, finished_at)
ON CONFLICT (billing_month, user_id, attempt, round) DO NOTHING
RETURNING user_id, attempt, round`

// Revoke implements port.TargetTx.
func (t *targetTx) Revoke(ctx context.Context, revocations []attempt.Revocation) ([]key.Delivery, error) {
	var revoked []key.Delivery
	keyOf := func(r *attempt.Revocation) key.Delivery { return r.Key }
	err := eachMonth(revocations, keyOf, func(month key.Month, page []attempt.Revocation) error {
		args := append(keyArgs(month, page, keyOf),
			texts(each(page, func(r *attempt.Revocation) string { return string(r.Reason) })),
			instants(each(page, func(r *attempt.Revocation) time.Time { return r.FinishedAt })))
		keys, err := t.s.deliveryKeys(ctx, "revoke", revokeSQL, args, month)
		revoked = append(revoked, keys...)
		return err
	})
	slices.SortFunc(revoked, key.Delivery.Compare)
	return revoked, err
}
