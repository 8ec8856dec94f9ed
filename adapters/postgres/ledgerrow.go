package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
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

// recordSQL has the guard of attempt.Row.Accepts: an operator's verdict ends UNKNOWN; success always wins; everything
// else needs the token and CLAIMED, a definitive refusal may also change UNKNOWN. A test compares the two.
const recordSQL = `/* record */ UPDATE delivery_attempts l
SET state = v.state, failure_class = v.failure_class, reason = v.reason, not_before = v.not_before, finished_at = v.finished_at,
  provider = coalesce(v.provider, l.provider), provider_message_id = coalesce(v.provider_message_id, l.provider_message_id),
  detail = coalesce(v.detail, l.detail),
  changed_at = clock_timestamp()
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
  $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::text[])
  AS u(user_id, attempt, round, owner, state, failure_class, reason, provider, provider_message_id, not_before, finished_at, manual, detail) OFFSET 0) AS v
WHERE l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
  AND CASE
    WHEN v.manual THEN l.state = 'UNKNOWN' AND v.state IN ('SUCCEEDED', 'FAILED')
    WHEN v.state = 'SUCCEEDED' THEN l.state <> 'SUCCEEDED'
    ELSE l.owner = v.owner AND ((l.state = 'CLAIMED' AND v.state IN ('FAILED', 'NOT_SENT', 'UNKNOWN')) OR (l.state = 'UNKNOWN' AND v.state = 'FAILED'))
  END
RETURNING l.user_id, l.attempt, l.round`

const heldSQL = `/* held */ SELECT l.user_id, l.attempt, l.round
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[])
  AS u(user_id, attempt, round, state) OFFSET 0) AS v
JOIN delivery_attempts l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
WHERE l.state = v.state`

func outcomeKey(o *attempt.Outcome) key.Delivery { return o.Key }

func outcomeState(o *attempt.Outcome) string { return string(o.State) }

// Record implements port.Ledger.
func (p Ledger) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	return p.change(ctx, "record outcomes", len(outcomes), func(ctx context.Context, s *session) ([]key.Delivery, error) {
		return s.recordAll(ctx, outcomes)
	})
}

// Record implements port.TargetTx.
func (t *targetTx) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	hold, err := t.s.recordAll(ctx, outcomes)
	slices.SortFunc(hold, key.Delivery.Compare)
	return slices.Compact(hold), err
}

// Audit implements port.TargetTx.
func (t *targetTx) Audit(ctx context.Context, entry port.AuditEntry) error {
	return t.s.audit(ctx, entry)
}

// recordAll writes outcomes and returns the keys whose rows now hold the outcome's state.
func (s *session) recordAll(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	var hold []key.Delivery
	for _, wave := range waves(outcomes) {
		err := eachOpenedMonth(ctx, s, wave, outcomeKey, func(month key.Month, page []attempt.Outcome) error {
			keys, err := s.record(ctx, month, page)
			hold = append(hold, keys...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return hold, nil
}

// waves splits outcomes so that no key comes twice in one statement, which would apply only one of them.
func waves(outcomes []attempt.Outcome) [][]attempt.Outcome {
	var split [][]attempt.Outcome
	times := make(map[key.Delivery]int, len(outcomes))
	for _, o := range outcomes {
		n := times[o.Key]
		times[o.Key]++
		if n == len(split) {
			split = append(split, nil)
		}
		split[n] = append(split[n], o)
	}
	return split
}

// record writes outcomes of one month, each key once. It returns the keys whose rows now hold the outcome's state:
// those that it changed, and those that held it already.
func (s *session) record(ctx context.Context, month key.Month, page []attempt.Outcome) ([]key.Delivery, error) {
	changed, err := s.deliveryKeys(ctx, "record outcomes", byKey(recordSQL, month), recordArgs(month, page), month)
	if err != nil || len(changed) == len(page) {
		return changed, err
	}
	done := make(map[key.Delivery]bool, len(changed))
	for _, k := range changed {
		done[k] = true
	}
	rest := slices.DeleteFunc(slices.Clone(page), func(o attempt.Outcome) bool { return done[o.Key] })
	args := append(keyArgs(month, rest, outcomeKey), texts(each(rest, outcomeState)))
	held, err := s.deliveryKeys(ctx, "record outcomes", byKey(heldSQL, month), args, month)
	return append(changed, held...), err
}

func recordArgs(month key.Month, page []attempt.Outcome) []any {
	return append(keyArgs(month, page, outcomeKey),
		tokens(each(page, func(o *attempt.Outcome) attempt.Token { return o.Token })),
		texts(each(page, outcomeState)),
		texts(each(page, func(o *attempt.Outcome) string { return string(o.Class) })),
		texts(each(page, func(o *attempt.Outcome) string { return clean(string(o.Reason)) })),
		texts(each(page, func(o *attempt.Outcome) string { return clean(o.Provider) })),
		texts(each(page, func(o *attempt.Outcome) string { return clean(o.ProviderMessageID) })),
		instants(each(page, func(o *attempt.Outcome) time.Time { return o.NotBefore })),
		instants(each(page, func(o *attempt.Outcome) time.Time { return o.FinishedAt })),
		booleans(each(page, func(o *attempt.Outcome) bool { return o.Manual })),
		texts(each(page, func(o *attempt.Outcome) string { return clean(o.Detail) })))
}
