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
  channel, step, policy_id, policy_version, run_id, unknown_policy, provider, earlier_providers, changed_at)
SELECT $1::date, v.user_id, v.attempt, v.round, 'CLAIMED', v.owner, clock_timestamp(), clock_timestamp() + v.lease_us * interval '1 microsecond',
  v.channel, v.step, v.policy_id, v.policy_version, v.run_id, v.unknown_policy, v.provider, v.earlier_providers, clock_timestamp()
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::smallint[], $7::bigint[], $8::int[], $9::bigint[], $10::text[],
  $11::uuid[], $12::text[], $13::bigint[], $14::text[])
  AS v(user_id, attempt, round, channel, step, policy_id, policy_version, run_id, unknown_policy, owner, provider, lease_us, earlier_providers)
ON CONFLICT (billing_month, user_id, attempt, round) DO UPDATE SET changed_at = clock_timestamp(), provider = excluded.provider, earlier_providers = excluded.earlier_providers
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
				bigints(each(page, func(c *attempt.Claim) int64 { return c.Lease.Microseconds() })),
				texts(each(page, func(c *attempt.Claim) string { return clean(string(c.Earlier)) })))
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

// recordSQL has the guard of attempt.Row.Accepts: a verdict (an operator's, or of the provider that was asked) ends UNKNOWN; success always wins; everything
// else needs the token and CLAIMED, a definitive refusal may also change UNKNOWN. A test compares the two.
func recordSQL(in partitions) string {
	return `/* record */ UPDATE ` + in.attempts + ` l
SET state = v.state, failure_class = v.failure_class, reason = v.reason, not_before = v.not_before, finished_at = v.finished_at,
  provider = coalesce(v.provider, l.provider), provider_message_id = coalesce(v.provider_message_id, l.provider_message_id),
  detail = coalesce(v.detail, l.detail), cost_units = coalesce(nullif(v.cost_units, 0), l.cost_units), cost_unit = coalesce(v.cost_unit, l.cost_unit),
  cost = coalesce(v.cost::numeric, l.cost), cost_currency = coalesce(v.cost_currency, l.cost_currency),
  changed_at = clock_timestamp()
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
  $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::text[], $15::smallint[], $16::text[], $17::text[], $18::text[])
  AS u(user_id, attempt, round, owner, state, failure_class, reason, provider, provider_message_id, not_before, finished_at, verdict, detail,
    cost_units, cost_unit, cost, cost_currency) OFFSET 0) AS v
WHERE l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
  AND CASE
    WHEN v.verdict THEN l.state = 'UNKNOWN' AND v.state IN ('SUCCEEDED', 'FAILED')
    WHEN v.state = 'SUCCEEDED' THEN l.state <> 'SUCCEEDED'
    ELSE l.owner = v.owner AND ((l.state = 'CLAIMED' AND v.state IN ('FAILED', 'NOT_SENT', 'UNKNOWN')) OR (l.state = 'UNKNOWN' AND v.state = 'FAILED'))
  END
RETURNING l.user_id, l.attempt, l.round`
}

func heldSQL(in partitions) string {
	return `/* held */ SELECT l.user_id, l.attempt, l.round
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[])
  AS u(user_id, attempt, round, state) OFFSET 0) AS v
JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
WHERE l.state = v.state`
}

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
	changed, err := s.deliveryKeys(ctx, "record outcomes", recordSQL(partitionsOf(month)), recordArgs(month, page), month)
	if err != nil || len(changed) == len(page) {
		return changed, err
	}
	done := make(map[key.Delivery]bool, len(changed))
	for _, k := range changed {
		done[k] = true
	}
	rest := slices.DeleteFunc(slices.Clone(page), func(o attempt.Outcome) bool { return done[o.Key] })
	args := append(keyArgs(month, rest, outcomeKey), texts(each(rest, outcomeState)))
	held, err := s.deliveryKeys(ctx, "record outcomes", heldSQL(partitionsOf(month)), args, month)
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
		booleans(each(page, func(o *attempt.Outcome) bool { return o.Verdict })),
		texts(each(page, func(o *attempt.Outcome) string { return clean(o.Detail) })),
		smallints(each(page, func(o *attempt.Outcome) int16 { return int16(o.Charge.Count) })), // at most cost.MaxCount
		texts(each(page, func(o *attempt.Outcome) string { return string(o.Charge.Unit) })),
		texts(each(page, func(o *attempt.Outcome) string { return amountOf(o.Charge) })),
		texts(each(page, func(o *attempt.Outcome) string { return o.Charge.Currency })))
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
