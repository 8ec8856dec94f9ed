package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
)

// After an outage with `unknown: hold` millions of rows may be UNKNOWN. What is remembered of them has a bound, and the count is
// right all the same while some of them are decided about.
func TestUnknownTargetsAreCountedFromABoundedMemory(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), postgrestest.Open(t)
	unknowns(t, db)
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

// unknowns makes 24 targets with an UNKNOWN row each, of which 20 are UNKNOWN.
func unknowns(t *testing.T, db *sqlx.DB) {
	t.Helper()
	if err := postgres.NewMonths(db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, `INSERT INTO billing_targets (billing_month, user_id, batch_status, dispatch_status, attempt, policy_id, policy_version, available_at, reachable)
		SELECT '2026-11-01', n, 'RENDERED', CASE WHEN n <= 20 THEN 'UNKNOWN' ELSE 'REQUESTED' END, 0, 1, 1, now(), 1 FROM generate_series(1, 24) n`)
	mustExec(t, db, `INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version,
		   run_id, unknown_policy, provider, finished_at, changed_at)
		SELECT '2026-11-01', n, 0, 0, 'UNKNOWN', gen_random_uuid(), now(), now(), 'EMAIL', 0, 1, 1, 1, 'hold', 'smtp', now(), now() - interval '1 hour' FROM generate_series(1, 24) n`)
}

// Who looks at the whole month takes nothing away from others meanwhile.
func TestUnknownTargetsAreCountedWhileAnotherLooksAtTheWholeMonth(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	unknowns(t, db)
	sweeps := postgres.NewSweeps(db)
	sweeps.KeepUnknown(8)
	looks := 0
	ctx := postgres.Observed(t.Context(), func(_ context.Context, _ *sqlx.Tx, statement string, _ []any) error {
		if strings.Contains(statement, "/* unknown_ever */") {
			looks++
			if n, err := sweeps.Unknown(t.Context(), month, 100); err != nil || n != 20 {
				t.Errorf("beside look %d: %d targets (%v)", looks, n, err)
			}
		}
		return nil
	})
	if n, err := sweeps.Unknown(ctx, month, 100); err != nil || n != 20 || looks != 2 {
		t.Errorf("%d targets (%v) in %d looks", n, err, looks)
	}
}

// A look that failed leaves what is remembered, and the note that there is more.
func TestUnknownTargetsAreCountedAfterALookThatFailed(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	unknowns(t, db)
	sweeps := postgres.NewSweeps(db)
	sweeps.KeepUnknown(8)
	for fails := 1; fails <= 2; fails++ {
		looks := 0
		ctx := postgres.Observed(t.Context(), func(_ context.Context, _ *sqlx.Tx, statement string, _ []any) error {
			if strings.Contains(statement, "/* unknown_ever */") {
				if looks++; looks == fails {
					return port.ErrUnavailable
				}
			}
			return nil
		})
		if n, err := sweeps.Unknown(ctx, month, 100); err == nil || n != 0 || sweeps.KeptUnknown(month) != 8 {
			t.Errorf("look %d fails: %d targets (%v), %d remembered", fails, n, err, sweeps.KeptUnknown(month))
		}
		if n, err := sweeps.Unknown(t.Context(), month, 100); err != nil || n != 20 {
			t.Errorf("after look %d failed: %d targets (%v)", fails, n, err)
		}
	}
}
