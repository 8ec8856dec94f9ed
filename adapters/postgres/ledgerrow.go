package postgres

import (
	"context"
	"slices"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

// rowColumns are the columns of delivery_attempts l that readRow scans.
const rowColumns = `l.user_id, l.attempt, l.round, l.state, l.channel, l.step, l.policy_id, l.policy_version, l.run_id, l.unknown_policy,
  uuid_send(l.owner), l.claimed_at, l.lease_until, l.provider, l.provider_message_id, l.failure_class, l.reason, l.not_before, l.finished_at, l.changed_at, l.detail,
  l.earlier_providers, l.cost_units, l.cost_unit, (l.cost * 1000000)::bigint, l.cost_currency`

// readRow reads one row of rowColumns.
func readRow(month key.Month, scan func(...any) error) (attempt.Row, error) {
	r := attempt.Row{Key: key.Delivery{Month: month}}
	var owner []byte
	err := scan(&r.Key.UserID, &r.Key.Attempt, &r.Key.Round, &r.State, optional(&r.Channel), optional(&r.Step), optional(&r.PolicyID),
		optional(&r.PolicyVersion), optional(&r.RunID), optional(&r.Unknown), &owner, utc(&r.ClaimedAt), utc(&r.LeaseUntil),
		optional(&r.Provider), optional(&r.ProviderMessageID), optional(&r.Class), optional(&r.Reason), utc(&r.NotBefore),
		utc(&r.FinishedAt), utc(&r.ChangedAt), optional(&r.Detail), optional(&r.Earlier),
		optional(&r.Charge.Count), optional(&r.Charge.Unit), optional(&r.Charge.Amount), optional(&r.Charge.Currency))
	copy(r.Owner[:], owner)
	return r, err
}

// amountOf is an amount as PostgreSQL reads it; "": it is not known.
func amountOf(c cost.Charge) string {
	if !c.Known() {
		return ""
	}
	return c.Amount.String()
}

func targetLedgerSQL(in partitions) string {
	return `/* ledger */ SELECT ` + rowColumns + `
FROM ` + monthUsers + ` JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id
ORDER BY l.user_id, l.attempt, l.round`
}

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
	err := s.query(ctx, "read the ledger", targetLedgerSQL(partitionsOf(month)), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
		row, err := readRow(month, scan)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

func findSQL(in partitions) string {
	return `/* find */ SELECT ` + rowColumns + `
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[])
  AS u(user_id, attempt, round) OFFSET 0) AS v
JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`
}

// Find implements port.Ledger.
func (p Ledger) Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	unique := slices.Compact(slices.SortedFunc(slices.Values(keys), key.Delivery.Compare))
	var rows []attempt.Row
	err := read(ctx, p.db, "find ledger rows", func(ctx context.Context, s *session) error {
		return eachOpenedMonth(ctx, s, unique, itself, func(month key.Month, page []key.Delivery) error {
			return s.query(ctx, "find ledger rows", findSQL(partitionsOf(month)), keyArgs(month, page, itself), func(scan func(...any) error) error {
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
