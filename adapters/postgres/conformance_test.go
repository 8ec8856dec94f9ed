package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/port/porttest"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

func TestEveryStoragePortKeepsItsPromises(t *testing.T) {
	t.Parallel()
	porttest.AllStorage(t, openStorage)
}

func openStorage(t testing.TB) porttest.Storage {
	t.Helper()
	db := postgrestest.Open(t)
	return porttest.Storage{
		Targets:      postgres.NewTargets(db),
		Backlog:      postgres.NewBacklog(db),
		Requests:     postgres.NewRequests(db),
		Ledger:       postgres.NewLedger(db),
		Sweeps:       postgres.NewSweeps(db),
		Suppressions: postgres.NewSuppressions(db),
		Months:       postgres.NewMonths(db),
		Control:      postgres.NewControl(db),
		Policies:     postgres.NewPolicies(db),
		Audit:        postgres.NewAudit(db),
		Runs:         postgres.NewRuns(db),
		Report:       postgres.NewReport(db),
		Imports:      postgres.NewImports(db),
		Renders:      postgres.NewRenders(db),
		Corrections:  postgres.NewCorrections(db),
		Elapse:       func(t testing.TB, d time.Duration) { elapse(t, db, d) },
		Notes:        func(t testing.TB) []porttest.Note { return notes(t, db) },
		Run:          func(t testing.TB, id int64) port.Run { return run(t, db, id) },
	}
}

// elapse waits by the database's clock, the one that leases and sweeps go by.
func elapse(t testing.TB, db *sqlx.DB, d time.Duration) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), `SELECT pg_sleep($1)`, d.Seconds()); err != nil {
		t.Fatal(err)
	}
}

func notes(t testing.TB, db *sqlx.DB) []porttest.Note {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT what, subject, actor, reason, at FROM operator_actions ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var notes []porttest.Note
	for rows.Next() {
		var n porttest.Note
		if err := rows.Scan(&n.What, &n.Subject, &n.By.Actor, &n.By.Reason, &n.By.At); err != nil {
			t.Fatal(err)
		}
		notes = append(notes, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return notes
}

func run(t testing.TB, db *sqlx.DB, id int64) port.Run {
	t.Helper()
	var month string
	var policies, decisions []byte
	var asked, started, finished *time.Time
	var p50, p99 int64
	r := port.Run{ID: id}
	err := db.QueryRowContext(t.Context(), `SELECT coalesce(to_char(billing_month, 'YYYY-MM'), ''), actor, reason, asked_at, policies, started_at, finished_at,
		status, pages, decisions, published, failed, skipped, left_over, page_p50_us, page_p99_us, error FROM runs WHERE id = $1`, id).
		Scan(&month, &r.By.Actor, &r.By.Reason, &asked, &policies, &started, &finished,
			&r.Status, &r.Pages, &decisions, &r.Published, &r.Failed, &r.Skipped, &r.Left, &p50, &p99, &r.Error)
	if err != nil {
		t.Fatal(err)
	}
	if month != "" {
		if r.Month, err = key.ParseMonth(month); err != nil {
			t.Fatal(err)
		}
	}
	var refs []struct {
		ID      int64 `json:"id"`
		Version int32 `json:"version"`
	}
	if err := json.Unmarshal(policies, &refs); err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		r.Policies = append(r.Policies, policy.Ref(ref))
	}
	if err := json.Unmarshal(decisions, &r.Decisions); err != nil {
		t.Fatal(err)
	}
	for at, to := range map[*time.Time]*time.Time{asked: &r.By.At, started: &r.StartedAt, finished: &r.FinishedAt} {
		if at != nil {
			*to = at.UTC()
		}
	}
	r.PageTimeP50, r.PageTimeP99 = time.Duration(p50)*time.Microsecond, time.Duration(p99)*time.Microsecond
	return r
}
