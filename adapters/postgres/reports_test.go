package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/domain/attempt"
	said "github.com/balsong/balsong/domain/report"
)

// What a batch of reports costs in round trips does not depend on how many customers it suppresses.
func TestABatchOfReportsThatAllSuppressTakesAsManyStatementsAsOneReport(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t)
	if err := postgres.NewMonths(db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	const most = 1000
	mustExec(t, db, `INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version,
		   run_id, unknown_policy, provider, finished_at, changed_at)
		SELECT '2026-11-01', n, 0, 0, 'SUCCEEDED', gen_random_uuid(), now(), now(), 'EMAIL', 0, 1 + n % 7, 1, 1, 'hold', 'smtp', now(), now() FROM generate_series(1, 1001) n`)
	statements := func(users ...int64) (n int) {
		t.Helper()
		var reports []said.Report
		for _, k := range deliveryKeys(users, 0) {
			reports = append(reports, said.Report{Key: k, Provider: "smtp", ID: fmt.Sprint(k), Kind: said.Undelivered, Class: attempt.Permanent, Definitive: true})
		}
		counted := postgres.Observed(t.Context(), func(context.Context, *sqlx.Tx, string, []any) error {
			n++
			return nil
		})
		stored, err := postgres.NewReports(db).Store(counted, reports)
		if err != nil || stored.Suppressed != len(users) {
			t.Fatalf("suppressed %d of %d: %v", stored.Suppressed, len(users), err)
		}
		return n
	}
	one := statements(1001)
	users := make([]int64, most)
	for i := range users {
		users[i] = int64(i + 1)
	}
	if many := statements(users...); many > one || one > 10 {
		t.Errorf("%d reports took %d statements, one takes %d", most, many, one)
	}
}
