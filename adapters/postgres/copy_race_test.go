package postgres_test

import (
	"context"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Both imports look before either has stored anything: the one that comes second cannot copy its bill in, or not even
// its customer, and takes the careful way.
func TestABillThatTwoImportsStoreAtOnceIsThereOnce(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]string{
		"of known customers": `INSERT INTO customers (customer) VALUES ('C-1'), ('C-2')`,
		"of new customers":   `SELECT 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storeBesideARival(t, known)
		})
	}
}

func storeBesideARival(t *testing.T, known string) {
	t.Helper()
	url := postgrestest.URL(t)
	db := connect(t, url, "race")
	if err := postgres.NewMonths(db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, known)
	plain := func(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil }
	bills := func(customers ...string) (bills []port.ImportedBill) {
		for i, customer := range customers {
			bills = append(bills, port.ImportedBill{
				Customer: customer, State: billing.New(key.Target{Month: month}, now).State(), Data: []byte("{}"), File: "a.csv", Line: i + 2,
			})
		}
		return bills
	}
	done := false
	meanwhile := postgres.Observed(t.Context(), func(ctx context.Context, _ *sqlx.Tx, statement string, _ []any) error {
		if done || len(statement) < 4 || statement[:4] != "COPY" {
			return nil
		}
		done = true
		report, err := postgres.NewImports(connect(t, url, "rival")).Store(context.WithoutCancel(t.Context()), month, bills("C-1"), plain)
		if err == nil && report.Inserted != 1 {
			t.Errorf("the rival: %+v", report)
		}
		return err
	})
	report, err := postgres.NewImports(db).Store(meanwhile, month, bills("C-1", "C-2"), plain)
	if err != nil || report.Inserted != 1 || report.Unchanged != 1 || len(report.Conflicts) != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	var targets, data, customers int
	err = db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM billing_targets), (SELECT count(*) FROM billing_data), (SELECT count(*) FROM customers)`).
		Scan(&targets, &data, &customers)
	if err != nil || targets != 2 || data != 2 || customers != 2 {
		t.Fatal(targets, data, customers, err)
	}
}
