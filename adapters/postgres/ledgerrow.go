package postgres

import (
	"context"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// rowColumns are the columns of delivery_attempts l that readRow scans.
const rowColumns = `l.user_id, l.attempt, l.round, l.state, l.channel, l.step, l.policy_id, l.policy_version, l.run_id, l.unknown_policy,
  uuid_send(l.owner), l.claimed_at, l.lease_until, l.provider, l.provider_message_id, l.failure_class, l.reason, l.not_before, l.finished_at, l.changed_at, l.detail`

// readRow reads one row of rowColumns.
func readRow(month key.Month, scan func(...any) error) (attempt.Row, error) {
	r := attempt.Row{Key: key.Delivery{Month: month}}
	var owner []byte
	err := scan(&r.Key.UserID, &r.Key.Attempt, &r.Key.Round, &r.State, optional(&r.Channel), optional(&r.Step), optional(&r.PolicyID),
		optional(&r.PolicyVersion), optional(&r.RunID), optional(&r.Unknown), &owner, utc(&r.ClaimedAt), utc(&r.LeaseUntil),
		optional(&r.Provider), optional(&r.ProviderMessageID), optional(&r.Class), optional(&r.Reason), utc(&r.NotBefore),
		utc(&r.FinishedAt), utc(&r.ChangedAt), optional(&r.Detail))
	copy(r.Owner[:], owner)
	return r, err
}

const targetLedgerSQL = `/* ledger */ SELECT ` + rowColumns + `
FROM ` + monthUsers + ` JOIN delivery_attempts l ON l.billing_month = v.billing_month AND l.user_id = v.user_id
ORDER BY l.user_id, l.attempt, l.round`

// Ledger implements port.TargetTx.
func (t *targetTx) Ledger(ctx context.Context, keys []key.Target) (map[key.Target][]attempt.Row, error) {
	found := make(map[key.Target][]attempt.Row, len(keys))
	err := eachTargetMonth(ctx, t.s, keys, func(month key.Month, users []int64) error {
		rows, err := t.s.ledgerOf(ctx, month, users)
		for _, row := range rows {
			found[row.Key.Target()] = append(found[row.Key.Target()], row)
		}
		return err
	})
	return found, err
}

// ledgerOf reads all ledger rows of some users in a month, sorted by key.
func (s *session) ledgerOf(ctx context.Context, month key.Month, users []int64) ([]attempt.Row, error) {
	var rows []attempt.Row
	err := s.query(ctx, "read the ledger", byKey(targetLedgerSQL, month), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
		row, err := readRow(month, scan)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// deliveryKeys runs a statement that returns user_id, attempt and round.
func (s *session) deliveryKeys(ctx context.Context, what, statement string, args []any, month key.Month) ([]key.Delivery, error) {
	var keys []key.Delivery
	err := s.query(ctx, what, statement, args, func(scan func(...any) error) error {
		k := key.Delivery{Month: month}
		err := scan(&k.UserID, &k.Attempt, &k.Round)
		keys = append(keys, k)
		return err
	})
	return keys, err
}

// keyArgs are delivery keys of one month as the first four parameters of a statement.
func keyArgs[T any](month key.Month, items []T, keyOf func(*T) key.Delivery) []any {
	return []any{
		day(month),
		bigints(each(items, func(item *T) int64 { return keyOf(item).UserID })),
		smallints(each(items, func(item *T) int16 { return keyOf(item).Attempt })),
		smallints(each(items, func(item *T) int16 { return keyOf(item).Round })),
	}
}

// factArgs are facts as six parameters.
func factArgs[T any](items []T, factsOf func(*T) attempt.Facts) []any {
	return []any{
		texts(each(items, func(item *T) string { return string(factsOf(item).Channel) })),
		smallints(each(items, func(item *T) int16 { return factsOf(item).Step })),
		bigints(each(items, func(item *T) int64 { return factsOf(item).PolicyID })),
		integers(each(items, func(item *T) int32 { return factsOf(item).PolicyVersion })),
		bigints(each(items, func(item *T) int64 { return factsOf(item).RunID })),
		texts(each(items, func(item *T) string { return string(factsOf(item).Unknown) })),
	}
}
