package postgres_test

import (
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

// After an outage with `unknown: hold` millions of rows may be UNKNOWN. What is remembered of them has a bound, and the count is
// right all the same while some of them are decided about.
func TestUnknownTargetsAreCountedFromABoundedMemory(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), postgrestest.Open(t)
	if err := postgres.NewMonths(db).Open(ctx, month); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, `INSERT INTO billing_targets (billing_month, user_id, batch_status, dispatch_status, attempt, policy_id, policy_version, available_at, reachable)
		SELECT '2026-11-01', n, 'RENDERED', CASE WHEN n <= 20 THEN 'UNKNOWN' ELSE 'REQUESTED' END, 0, 1, 1, now(), 1 FROM generate_series(1, 24) n`)
	mustExec(t, db, `INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version,
		   run_id, unknown_policy, provider, finished_at, changed_at)
		SELECT '2026-11-01', n, 0, 0, 'UNKNOWN', gen_random_uuid(), now(), now(), 'EMAIL', 0, 1, 1, 1, 'hold', 'smtp', now(), now() FROM generate_series(1, 24) n`)
	const keep = 8
	sweeps := postgres.NewSweeps(db)
	sweeps.KeepUnknown(keep)
	counts := func(when string, limit, want int) {
		t.Helper()
		if n, err := sweeps.Unknown(ctx, month, limit); err != nil || n != want {
			t.Errorf("%s: %d targets (%v), want %d", when, n, err, want)
		}
		if kept := sweeps.KeptUnknown(month); kept > keep {
			t.Errorf("%s: %d rows are remembered, at most %d may be", when, kept, keep)
		}
	}
	counts("at first, up to 5", 5, 5)
	counts("up to 100", 100, 20)
	mustExec(t, db, `UPDATE billing_targets SET dispatch_status = 'WRITTEN_OFF' WHERE user_id <= 10`)
	counts("when half is decided, up to 8", 8, 8)
	counts("when half is decided", 100, 10)
	mustExec(t, db, `UPDATE billing_targets SET dispatch_status = 'UNKNOWN' WHERE user_id > 20`)
	counts("when the others are settled", 100, 14)
	mustExec(t, db, `UPDATE billing_targets SET dispatch_status = 'WRITTEN_OFF' WHERE user_id > 12 AND user_id <= 23`)
	counts("when few are left", 100, 3)
	mustExec(t, db, `UPDATE billing_targets SET dispatch_status = 'UNKNOWN' WHERE user_id IN (1, 2)`)
	mustExec(t, db, `UPDATE delivery_attempts SET changed_at = clock_timestamp() WHERE user_id IN (1, 2)`)
	counts("when two more became UNKNOWN", 100, 5)
}
