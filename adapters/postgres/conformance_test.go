package postgres_test

import (
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/porttest"
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
		ChannelHalts: postgres.NewChannelHalts(db),
		Installation: postgres.NewInstallation(db),
		Policies:     postgres.NewPolicies(db),
		Audit:        postgres.NewAudit(db),
		Runs:         postgres.NewRuns(db),
		Report:       postgres.NewReport(db),
		SealedBills:  postgres.NewSealedBills(db).InSpansOf(2),
		Imports:      postgres.NewImports(db),
		Mappings:     postgres.NewMappings(db),
		RefusedRows:  postgres.NewRefusedRows(db),
		TemplateSets: postgres.NewTemplateSets(db),
		Renders:      postgres.NewRenders(db),
		Corrections:  postgres.NewCorrections(db),
		Retention:    postgres.NewRetention(db),
		PastImports:  postgres.NewPastImports(db),
		Copies:       postgres.NewCopies(db),
		Replication:  postgres.NewReplication(db),
		Recovery:     postgres.NewRecovery(db),
		RestoreGuard: postgres.NewRestoreGuard(db),
		Budgets:      postgres.NewBudgets(db),
		Inquiries:    postgres.NewInquiries(db),
		Reports:      postgres.NewReports(db),
		Elapse:       func(t testing.TB, d time.Duration) { elapse(t, db, d) },
		RefuseAudit:  func(t testing.TB) func() { return refuseAudit(t, db) },
	}
}

// elapse waits by the database's clock, the one that leases and sweeps go by.
func elapse(t testing.TB, db *sqlx.DB, d time.Duration) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), `SELECT pg_sleep($1)`, d.Seconds()); err != nil {
		t.Fatal(err)
	}
}

// refuseAudit makes the database refuse audit entries until allow is called, and from then on those that are not in the
// transaction of their act: while another one is open, which would be the act's. Such an entry would stay where the act is
// rolled back.
func refuseAudit(t testing.TB, db *sqlx.DB) (allow func()) {
	t.Helper()
	run := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	run(`ALTER TABLE operator_actions ADD CONSTRAINT refused CHECK (false) NOT VALID`)
	return func() {
		run(`ALTER TABLE operator_actions DROP CONSTRAINT refused`)
		run(`CREATE FUNCTION refuse_apart() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		  IF EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.state LIKE 'idle in transaction%') THEN
		    RAISE 'the entry is not in the transaction of its act';
		  END IF;
		  RETURN NULL;
		END $$;
		CREATE TRIGGER refuse_apart AFTER INSERT ON operator_actions EXECUTE FUNCTION refuse_apart()`)
	}
}
