package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// lives is how many bills a benchmark of fill factors sends, lifePage how many at a time.
const (
	lives    = 200_000
	lifePage = 1000
)

// BenchmarkFillfactor sends bills through the protocol's statements, with less and less room left in each page of the
// partitions, and reports for targets and ledger how many updates were HOT, how large they are at the end, how much
// write-ahead log a life took, and how long. docs/adr/0024 has its numbers: all but the time are the same on a busy machine.
//
//	make gobench PKG=./adapters/postgres BENCH=Fillfactor TESTFLAGS=-benchtime=1x
func BenchmarkFillfactor(b *testing.B) {
	for _, factor := range []struct{ targets, ledger int }{
		{100, 100}, {90, 90}, {80, 80}, {70, 70}, {50, 50}, {70, 50}, {100, 50},
	} {
		b.Run(fmt.Sprintf("targets=%d/ledger=%d", factor.targets, factor.ledger), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				db := rendered(b, factor.targets, factor.ledger)
				start := walOf(b, db)
				b.StartTimer()
				live(b, db)
				b.StopTimer()
				report(b, db, start)
				_ = db.Close()
			}
		})
	}
}

// rendered is a month of bills that wait for a dispatcher.
func rendered(b *testing.B, targets, ledger int) *sqlx.DB {
	b.Helper()
	db, err := postgres.Open(postgres.Config{URL: postgrestest.URL(b), MaxConns: 2, StatementTimeout: 10 * time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	if err := postgres.NewMonths(db).Open(b.Context(), month); err != nil {
		b.Fatal(err)
	}
	for _, statement := range []string{
		fmt.Sprintf(`ALTER TABLE billing_targets_2026_11 SET (fillfactor = %d)`, targets),
		fmt.Sprintf(`ALTER TABLE delivery_attempts_2026_11 SET (fillfactor = %d)`, ledger),
		fmt.Sprintf(`INSERT INTO billing_targets (billing_month, user_id, available_at, reachable)
		 SELECT '2026-11-01', n, timestamptz '2026-11-01' + (n %% 1000) * interval '1 second', 3 FROM generate_series(1, %d) n`, lives),
		`UPDATE billing_targets_2026_11 SET batch_status = 'RENDERED'`,
		`VACUUM billing_targets_2026_11`,
		`CHECKPOINT`,
	} {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// live dispatches, claims, ends and settles every bill, page by page.
func live(b *testing.B, db *sqlx.DB) {
	b.Helper()
	targets, ledger := postgres.NewTargets(db), postgres.NewLedger(db)
	after := port.Cursor{}
	for range lives / lifePage {
		var users []int64
		err := targets.Within(b.Context(), func(ctx context.Context, tx port.TargetTx) error {
			page, err := tx.LockPage(ctx, port.Page{Month: month, PassNow: now, After: after, Limit: lifePage})
			if err != nil || len(page) != lifePage {
				return fmt.Errorf("a page of %d: %w", len(page), err)
			}
			locked := make([]billing.Target, len(page))
			for i, c := range page {
				locked[i] = c.Target
				state := c.Target.State()
				users = append(users, state.Key.UserID)
				after = port.Cursor{AvailableAt: state.AvailableAt, UserID: state.Key.UserID}
			}
			return saveAs(ctx, tx, locked, billing.Requested)
		})
		if err != nil {
			b.Fatal(err)
		}
		mine, err := ledger.Claim(b.Context(), claims(users, 0, time.Hour))
		if err != nil || len(mine) != lifePage {
			b.Fatalf("claimed %d: %v", len(mine), err)
		}
		outcomes := make([]attempt.Outcome, len(mine))
		for i, k := range mine {
			outcomes[i] = attempt.Outcome{Key: k, Token: ours, State: attempt.Succeeded, ProviderMessageID: "20261122-0000-4711@relay.example.com", FinishedAt: now}
		}
		if _, err := ledger.Record(b.Context(), outcomes); err != nil {
			b.Fatal(err)
		}
		err = targets.Within(b.Context(), func(ctx context.Context, tx port.TargetTx) error {
			locked, err := tx.Lock(ctx, targetKeys(users))
			if err == nil {
				_, err = tx.Ledger(ctx, targetKeys(users))
			}
			if err != nil {
				return err
			}
			return saveAs(ctx, tx, locked, billing.Succeeded)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func saveAs(ctx context.Context, tx port.TargetTx, locked []billing.Target, status billing.Status) error {
	saved := make([]billing.Target, len(locked))
	for i, target := range locked {
		state := target.State()
		state.Dispatch, state.RequestedAt, state.RunID, state.LastDecision = status, now, 1, "DISPATCH due EMAIL step 0 by policy 1 v1"
		var err error
		if saved[i], err = billing.Restore(state); err != nil {
			return err
		}
	}
	return tx.Save(ctx, saved)
}

func walOf(b *testing.B, db *sqlx.DB) (bytes int64) {
	b.Helper()
	if err := db.GetContext(b.Context(), &bytes, `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`); err != nil {
		b.Fatal(err)
	}
	return bytes
}

func report(b *testing.B, db *sqlx.DB, start int64) {
	b.Helper()
	b.ReportMetric(float64(walOf(b, db)-start)/lives, "wal-B/life")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/lives, "µs/life")
	for name, table := range map[string]string{"targets": "billing_targets", "ledger": "delivery_attempts"} {
		var seen struct {
			Hot, Updates float64
			Heap, All    float64
		}
		// What a session did is counted when it has been idle for a moment, or asks for it.
		err := db.GetContext(b.Context(), &seen, `SELECT coalesce(s.n_tup_hot_upd, 0) AS hot, coalesce(s.n_tup_upd, 0) AS updates,
		  pg_relation_size(s.relid) AS heap, pg_total_relation_size(s.relid) AS all
		  FROM pg_stat_user_tables s, pg_stat_force_next_flush() WHERE s.relname = $1`, table+"_2026_11")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*seen.Hot/max(seen.Updates, 1), name+"-hot%")
		b.ReportMetric(seen.Heap/lives, name+"-heap-B")
		b.ReportMetric(seen.All/lives, name+"-all-B")
	}
}
