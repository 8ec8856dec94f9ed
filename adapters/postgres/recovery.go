package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Recovery is the database as the restore check sees it.
type Recovery struct{ db pool }

var _ port.Recovery = Recovery{}

// NewRecovery returns the recovery of a database.
func NewRecovery(db *sqlx.DB) Recovery { return Recovery{newPool(db)} }

// recoverSQL has the guard of attempt.Recovery.Recovers. A test compares the two.
const recoverSQL = `/* recover */ INSERT INTO delivery_attempts AS l (billing_month, user_id, attempt, round, channel, step, policy_id, policy_version, run_id,
  unknown_policy, state, failure_class, reason, provider, provider_message_id, finished_at, changed_at)
SELECT $1::date, v.*, clock_timestamp()
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::smallint[], $7::bigint[], $8::int[], $9::bigint[], $10::text[],
  $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[]) AS v
ON CONFLICT (billing_month, user_id, attempt, round) DO UPDATE SET state = excluded.state, failure_class = excluded.failure_class, reason = excluded.reason,
  not_before = NULL, finished_at = excluded.finished_at, provider = coalesce(excluded.provider, l.provider),
  provider_message_id = coalesce(excluded.provider_message_id, l.provider_message_id), changed_at = excluded.changed_at
  WHERE l.state = 'CLAIMED' OR (l.state = 'UNKNOWN' AND excluded.state IN ('SUCCEEDED', 'FAILED'))
    OR (l.state IN ('FAILED', 'NOT_SENT', 'REVOKED') AND excluded.state = 'SUCCEEDED')
RETURNING user_id, attempt, round`

// Recover implements port.TargetTx.
func (t *targetTx) Recover(ctx context.Context, recoveries []attempt.Recovery) ([]key.Delivery, error) {
	const what = "recover ledger rows"
	keyOf := func(r *attempt.Recovery) key.Delivery { return r.Key }
	var written []key.Delivery
	err := eachMonth(recoveries, keyOf, func(month key.Month, part []attempt.Recovery) error {
		args := append(keyArgs(month, part, keyOf), factArgs(part, func(r *attempt.Recovery) attempt.Facts { return r.Facts })...)
		args = append(args,
			texts(each(part, func(r *attempt.Recovery) string { return string(r.State) })),
			texts(each(part, func(r *attempt.Recovery) string { return string(r.Class) })),
			texts(each(part, func(r *attempt.Recovery) string { return clean(string(r.Reason)) })),
			texts(each(part, func(r *attempt.Recovery) string { return clean(r.Provider) })),
			texts(each(part, func(r *attempt.Recovery) string { return clean(r.ProviderMessageID) })),
			instants(each(part, func(r *attempt.Recovery) time.Time { return r.FinishedAt })))
		keys, err := t.s.deliveryKeys(ctx, what, recoverSQL, args, month)
		written = append(written, keys...)
		return err
	})
	slices.SortFunc(written, key.Delivery.Compare)
	return written, err
}

// unsettledSQL goes through all targets of a month, in the order of their keys.
func unsettledSQL(in partitions) string {
	return `/* unsettled */ SELECT t.user_id
FROM (SELECT t.billing_month, t.user_id, t.attempt, t.round, t.dispatch_status FROM ` + in.targets + ` t
  WHERE t.billing_month = $1::date AND t.user_id > $2::bigint ORDER BY t.user_id OFFSET 0) AS t
WHERE (t.dispatch_status <> 'SUCCEEDED' AND EXISTS (SELECT FROM ` + in.attempts + ` l WHERE ` + mayDisagree + `))
  OR (t.dispatch_status NOT IN ('EXHAUSTED', 'EXPIRED', 'WRITTEN_OFF') AND EXISTS (SELECT FROM ` + in.attempts + ` l
    WHERE l.billing_month = t.billing_month AND l.user_id = t.user_id AND (l.attempt, l.round) > (t.attempt, t.round)))
  OR (t.dispatch_status = 'REQUESTED' AND NOT EXISTS (SELECT FROM ` + in.attempts + ` l
    WHERE l.billing_month = t.billing_month AND l.user_id = t.user_id AND l.attempt = t.attempt AND l.round = t.round))
ORDER BY t.user_id LIMIT $3::int`
}

// Unsettled implements port.Recovery.
func (p Recovery) Unsettled(ctx context.Context, month key.Month, after int64, limit int) ([]key.Target, error) {
	return p.targets(ctx, "find unsettled targets", unsettledSQL(partitionsOf(month)), []any{day(month), after, limit}, month)
}

// targets reads the keys of a month's targets; none where it has no partitions.
func (p Recovery) targets(ctx context.Context, what, statement string, args []any, month key.Month) ([]key.Target, error) {
	var keys []key.Target
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		keys = nil
		return s.targetKeys(ctx, what, statement, args, month, &keys)
	})
	return keys, ignoreUnopened(err)
}

func missingSQL(in partitions) string {
	return `/* missing */ SELECT v.user_id FROM ` + monthUsers + `
WHERE NOT EXISTS (SELECT FROM ` + in.targets + ` t WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id)
ORDER BY v.user_id`
}

// Missing implements port.Recovery.
func (p Recovery) Missing(ctx context.Context, keys []key.Target) ([]key.Target, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	const what = "look for targets"
	var missing []key.Target
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		missing = nil
		asDelivery := func(k *key.Target) key.Delivery { return key.Delivery{Month: k.Month, UserID: k.UserID} }
		return eachMonth(keys, asDelivery, func(month key.Month, part []key.Target) error {
			part = slices.Compact(part)
			opened, err := s.isOpened(ctx, month)
			if err != nil || !opened {
				missing = append(missing, part...)
				return err
			}
			users := each(part, func(k *key.Target) int64 { return k.UserID })
			var found []key.Target
			err = s.targetKeys(ctx, what, missingSQL(partitionsOf(month)), []any{day(month), bigints(users)}, month, &found)
			missing = append(missing, found...)
			return err
		})
	})
	return missing, err
}

// importedSinceSQL asks for bills, not for copies, whose user ids begin above those of every customer.
func importedSinceSQL(in partitions) string {
	return `/* imported_since */ SELECT t.user_id
FROM ` + in.targets + ` t JOIN ` + in.data + ` d ON d.billing_month = t.billing_month AND d.user_id = t.user_id JOIN imports i ON i.id = d.import_id
WHERE t.billing_month = $1::date AND t.user_id > $2::bigint AND t.user_id < $5::bigint AND i.started_at >= $4::timestamptz
  AND t.dispatch_status = 'READY' AND t.attempt = 0 AND t.round = 0
  AND NOT EXISTS (SELECT FROM ` + in.attempts + ` l WHERE l.billing_month = t.billing_month AND l.user_id = t.user_id)
ORDER BY t.user_id LIMIT $3::int`
}

// ImportedSince implements port.Recovery.
func (p Recovery) ImportedSince(ctx context.Context, month key.Month, above int64, since time.Time, after int64, limit int) ([]key.Target, error) {
	args := []any{day(month), max(above, after), limit, orElse(since, "-infinity"), int64(key.CopyStep)}
	return p.targets(ctx, "find bills that were imported again", importedSinceSQL(partitionsOf(month)), args, month)
}

const highestUserIDSQL = `/* highest_user_id */ SELECT coalesce(max(c.user_id), 0) FROM customers c`

// HighestUserID implements port.Recovery.
func (p Recovery) HighestUserID(ctx context.Context) (highest int64, err error) {
	const what = "look for the highest user id"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error { return s.one(ctx, what, highestUserIDSQL, nil, &highest) })
	return highest, err
}

const raiseUserIDsSQL = `/* raise_user_ids */ SELECT setval(pg_get_serial_sequence('customers', 'user_id')::regclass,
  greatest($1::bigint, nextval(pg_get_serial_sequence('customers', 'user_id')::regclass)))`

// RaiseUserIDs implements port.Recovery. It uses up one number. A sequence keeps its value where the transaction is rolled back: so
// the entry never stands for numbers that were not raised.
func (p Recovery) RaiseUserIDs(ctx context.Context, above int64, entry port.AuditEntry) error {
	return write(ctx, p.db, "raise the user ids", func(ctx context.Context, s *session) error {
		var next int64
		if err := s.one(ctx, "raise the user ids", raiseUserIDsSQL, []any{above}, &next); err != nil {
			return err
		}
		return s.audit(ctx, entry)
	})
}
