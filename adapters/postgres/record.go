package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

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
