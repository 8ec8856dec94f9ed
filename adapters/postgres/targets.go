package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Targets stores billing targets.
type Targets struct{ db pool }

var _ port.Targets = Targets{}

// NewTargets returns the targets of a database.
func NewTargets(db *sqlx.DB) Targets { return Targets{newPool(db)} }

// Within implements port.Targets.
func (p Targets) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	return write(ctx, p.db, "change targets", func(ctx context.Context, s *session) error {
		return fn(ctx, &targetTx{s: s, locked: map[key.Target]billing.State{}})
	})
}

// targetTx is one transaction over targets.
type targetTx struct {
	s      *session
	locked map[key.Target]billing.State // as locked, or as last saved
}

func lockSQL(in partitions) string {
	return `/* lock */ SELECT ` + targetColumns + `
FROM ` + monthUsers + ` JOIN ` + in.targets + ` t ON t.billing_month = v.billing_month AND t.user_id = v.user_id
ORDER BY t.user_id
FOR NO KEY UPDATE OF t`
}

// Lock implements port.TargetTx. Rows are locked in the order of their keys, because the plan has its LockRows node
// above the sort.
func (t *targetTx) Lock(ctx context.Context, keys []key.Target) ([]billing.Target, error) {
	var locked []billing.Target
	err := eachTargetMonth(ctx, t.s, keys, func(month key.Month, users []int64) error {
		return t.s.query(ctx, "lock targets", lockSQL(partitionsOf(month)), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
			target, err := t.s.db.readTarget(month, scan)
			if err != nil {
				return err
			}
			t.locked[target.Key()] = target.State()
			locked = append(locked, target)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return locked, nil
}

// eachTargetMonth calls fn with the sorted user ids of each opened month, each once.
func eachTargetMonth(ctx context.Context, s *session, keys []key.Target, fn func(month key.Month, users []int64) error) error {
	asDelivery := func(k *key.Target) key.Delivery { return key.Delivery{Month: k.Month, UserID: k.UserID} }
	return eachOpenedMonth(ctx, s, keys, asDelivery, func(month key.Month, keys []key.Target) error {
		return fn(month, slices.Compact(each(keys, func(k *key.Target) int64 { return k.UserID })))
	})
}

// succeedSQL says what Target.SucceedsPlainly says. A SUCCEEDED row never changes, so reading it without a lock, as of the
// statement's start, is enough; a report UNDELIVERED that is stored meanwhile is found by the sweep (Reported); the target's own columns are
// looked at again where somebody has changed it meanwhile.
// Rows are locked in the order in which the page comes, which is sorted.
//
// The status comes with the page, behind OFFSET 0, as the month does (partitions): were it a constant, the planner could take
// the partial index of REQUESTED targets, believe it empty as it was when statistics were last taken, and read all of it
// for each page (seen: settlement stood still until the next ANALYZE).
func succeedSQL(in partitions) string {
	return `/* succeed */ UPDATE ` + in.targets + ` t SET dispatch_status = 'SUCCEEDED'
FROM (SELECT $1::date AS billing_month, u.user_id, 'REQUESTED' AS waiting FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v
JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id
WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id AND t.dispatch_status = v.waiting AND t.wish IS NULL
  AND l.attempt = t.attempt AND l.round = t.round AND l.state = 'SUCCEEDED'
  AND NOT EXISTS (SELECT FROM ` + in.reports + ` r WHERE r.billing_month = l.billing_month AND r.user_id = l.user_id AND r.attempt = l.attempt AND r.round = l.round
    AND r.kind = 'UNDELIVERED' AND r.definitive)
RETURNING t.user_id`
}

// Succeed implements port.TargetTx.
func (t *targetTx) Succeed(ctx context.Context, keys []key.Target) ([]key.Target, error) {
	var succeeded []key.Target
	err := eachTargetMonth(ctx, t.s, keys, func(month key.Month, users []int64) error {
		return t.s.query(ctx, "settle accepted targets", succeedSQL(partitionsOf(month)), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
			k := key.Target{Month: month}
			err := scan(&k.UserID)
			succeeded = append(succeeded, k)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(succeeded, key.Target.Compare)
	return succeeded, nil
}

func saveSQL(in partitions) string {
	return `/* save */ UPDATE ` + in.targets + ` t
SET dispatch_status = v.dispatch_status, attempt = v.attempt, round = v.round, step = v.step, requeues = v.requeues,
  policy_id = nullif(v.policy_id, 0), policy_version = nullif(v.policy_version, 0), available_at = v.available_at,
  requested_at = v.requested_at, run_id = nullif(v.run_id, 0), pause_reason = v.pause_reason, wish = v.wish,
  last_rule = v.last_rule, last_decision = v.last_decision, last_error = v.last_error
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::text[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[], $8::bigint[], $9::int[],
  $10::timestamptz[], $11::timestamptz[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
  AS u(user_id, dispatch_status, attempt, round, step, requeues, policy_id, policy_version,
    available_at, requested_at, run_id, pause_reason, wish, last_rule, last_decision, last_error) OFFSET 0) AS v
WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`
}

// saveStatusSQL is for targets of which only the status has changed since they were locked, as after a success.
func saveStatusSQL(in partitions) string {
	return `/* save_status */ UPDATE ` + in.targets + ` t SET dispatch_status = v.dispatch_status
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::text[]) AS u(user_id, dispatch_status) OFFSET 0) AS v
WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`
}

// Save implements port.TargetTx. It stores the columns of dispatch, not those of the batch or those that only a
// correction changes.
func (t *targetTx) Save(ctx context.Context, targets []billing.Target) error {
	var whole, status []billing.State
	for _, target := range targets {
		before, locked := t.locked[target.Key()]
		if !locked {
			return t.s.fail(ctx, "save targets", fmt.Errorf("%w: %s was not locked by this transaction", port.ErrInvalid, target.Key()))
		}
		state := target.State()
		if before.Dispatch = state.Dispatch; before == state {
			status = append(status, state)
		} else {
			whole = append(whole, state)
		}
	}
	if err := t.save(ctx, saveSQL, whole, saveArgs); err != nil {
		return err
	}
	return t.save(ctx, saveStatusSQL, status, saveStatusArgs)
}

func (t *targetTx) save(ctx context.Context, statement func(partitions) string, states []billing.State, args func(key.Month, []billing.State) []any) error {
	return eachMonth(states, stateKey, func(month key.Month, states []billing.State) error {
		n, err := t.s.exec(ctx, "save targets", statement(partitionsOf(month)), args(month, states)...)
		if err == nil && n != len(states) {
			err = t.s.fail(ctx, "save targets", fmt.Errorf("%w: %d of %d targets of %s were stored (is one named twice?)", port.ErrInvalid, n, len(states), month))
		}
		for _, state := range states {
			t.locked[state.Key] = state
		}
		return err
	})
}

func saveStatusArgs(month key.Month, states []billing.State) []any {
	return []any{
		day(month),
		bigints(each(states, func(s *billing.State) int64 { return s.Key.UserID })),
		texts(each(states, func(s *billing.State) string { return string(s.Dispatch) })),
	}
}

func stateKey(s *billing.State) key.Delivery {
	return key.Delivery{Month: s.Key.Month, UserID: s.Key.UserID}
}

func saveArgs(month key.Month, states []billing.State) []any {
	return []any{
		day(month),
		bigints(each(states, func(s *billing.State) int64 { return s.Key.UserID })),
		texts(each(states, func(s *billing.State) string { return string(s.Dispatch) })),
		smallints(each(states, func(s *billing.State) int16 { return s.Attempt })),
		smallints(each(states, func(s *billing.State) int16 { return s.Round })),
		smallints(each(states, func(s *billing.State) int16 { return s.Step })),
		smallints(each(states, func(s *billing.State) int16 { return s.Requeues })),
		bigints(each(states, func(s *billing.State) int64 { return s.Policy.ID })),
		integers(each(states, func(s *billing.State) int32 { return s.Policy.Version })),
		instants(each(states, availableAt)),
		instants(each(states, requestedAt)),
		bigints(each(states, func(s *billing.State) int64 { return s.RunID })),
		texts(each(states, func(s *billing.State) string { return string(s.Pause) })),
		texts(each(states, func(s *billing.State) string { return string(s.PendingEnd) })),
		texts(each(states, func(s *billing.State) string { return string(s.LastRule) })),
		texts(each(states, func(s *billing.State) string { return clean(s.LastDecision) })),
		texts(each(states, func(s *billing.State) string { return clean(s.LastError) })),
	}
}
