package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// undoWorld is a month with a wrong import of two bills, and a later import that corrects.
type undoWorld struct {
	db, rival    *sqlx.DB
	past         postgres.PastImports
	wrong, later int64
}

func anImport(t *testing.T) undoWorld {
	t.Helper()
	url := postgrestest.URL(t)
	w := undoWorld{db: connect(t, url, "undo"), rival: connect(t, url, "rival")}
	w.past = postgres.NewPastImports(w.db)
	if err := postgres.NewMonths(w.db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	imports := postgres.NewImports(w.db)
	for _, id := range []*int64{&w.wrong, &w.later} {
		var err error
		if *id, err = imports.Begin(t.Context(), port.ImportRecord{Month: month, File: "bills.csv", By: aTest, StartedAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	if report, err := imports.Store(t.Context(), month, []port.ImportedBill{w.bill("C-1"), w.bill("C-2")}, unsealed); err != nil || report.Inserted != 2 {
		t.Fatal(report, err)
	}
	return w
}

func unsealed(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil }

func (w undoWorld) bill(customer string) port.ImportedBill {
	return port.ImportedBill{Customer: customer, State: billing.New(key.Target{Month: month}, now).State(), Data: []byte("{}"), File: "bills.csv", Line: 2, Import: w.wrong}
}

// correct gives a bill of the wrong import the data of the later one, as another process does.
func (w undoWorld) correct(ctx context.Context, customer string) error {
	bill := w.bill(customer)
	bill.Import, bill.Fingerprint = w.later, [32]byte{1}
	asItIs := func(*billing.Target, *attempt.Row, func(attempt.Revocation) (bool, error)) error { return nil }
	return postgres.NewCorrections(w.rival).Correct(ctx, bill, unsealed, asItIs, aTest)
}

// meanwhile is a context in which fn runs once, while a transaction is open that is about to send its first statement of
// that name.
func meanwhile(t *testing.T, name string, fn func(ctx context.Context) error) context.Context {
	t.Helper()
	done := false
	t.Cleanup(func() {
		if !done {
			t.Errorf("no statement %s ran", name)
		}
	})
	return postgres.Observed(t.Context(), func(_ context.Context, _ *sqlx.Tx, statement string, _ []any) error {
		if done || !strings.HasPrefix(statement, "/* "+name+" */") {
			return nil
		}
		done = true
		return fn(t.Context())
	})
}

// waits expects that a call waits for a lock of the open transaction.
func waits(what string, call func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		switch err := call(ctx); {
		case err == nil:
			return fmt.Errorf("%s did not wait", what)
		case !errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
}

func TestABillThatIsCorrectedWhileItsImportIsTakenBackStays(t *testing.T) {
	t.Parallel()
	w := anImport(t)
	ctx := meanwhile(t, "lock_marked", func(ctx context.Context) error { return w.correct(ctx, "C-1") })
	if page, err := w.past.UndoPage(ctx, month, w.wrong, 0, 10); err != nil || page.Removed != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	for customer, want := range map[string]error{"C-1": nil, "C-2": port.ErrNotFound} {
		if _, _, err := postgres.NewReport(w.db).Find(t.Context(), month, customer); !errors.Is(err, want) {
			t.Errorf("%s: %v", customer, err)
		}
	}
}

// A run that locks a bill publishes it. So who takes it back locks it before it looks how far the bill has gone.
func TestABillIsLockedWhileItsImportIsTakenBack(t *testing.T) {
	t.Parallel()
	w := anImport(t)
	ctx := meanwhile(t, "import_standing", waits("a correction", func(ctx context.Context) error { return w.correct(ctx, "C-1") }))
	if page, err := w.past.UndoPage(ctx, month, w.wrong, 0, 10); err != nil || page.Removed != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestTwoWhoTakeAnImportBackAuditItOnce(t *testing.T) {
	t.Parallel()
	w := anImport(t)
	ctx := meanwhile(t, "import_standing", waits("another undo", func(ctx context.Context) error {
		_, err := postgres.NewPastImports(w.rival).BeginUndo(ctx, month, w.wrong, aTest)
		return err
	}))
	for range 2 {
		if _, err := w.past.BeginUndo(ctx, month, w.wrong, aTest); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := postgres.NewAudit(w.db).About(t.Context(), []string{month.String()}); err != nil || len(entries) != 1 {
		t.Errorf("audited is %+v, %v", entries, err)
	}
}

// Bills of the import lie behind more bills of another one than two windows read: a window of them alone is not the end.
func TestAnImportIsLookedAtAndTakenBackBehindMoreBillsThanAWindowHas(t *testing.T) {
	t.Parallel()
	w := anImport(t)
	bills := make([]port.ImportedBill, 20_003)
	for i := range bills {
		bills[i] = w.bill(fmt.Sprintf("D-%05d", i)) // numbered in the order of the names
		if i < 20_000 {
			bills[i].Import = w.later
		}
	}
	if report, err := postgres.NewImports(w.db).Store(t.Context(), month, bills, unsealed); err != nil || report.Inserted != len(bills) {
		t.Fatal(report, err)
	}
	mustExec(t, w.db, `UPDATE billing_targets SET dispatch_status = 'REQUESTED' WHERE user_id = (SELECT user_id FROM customers WHERE customer = 'D-20002')`)
	if _, err := w.past.BeginUndo(t.Context(), month, w.wrong, aTest); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "of 5 bills of the import 1 is REQUESTED") {
		t.Errorf("said is %v", err)
	}
	mustExec(t, w.db, `UPDATE billing_targets SET dispatch_status = 'READY'`)
	removed, pages := 0, 0
	for after := int64(0); ; pages++ {
		page, err := w.past.UndoPage(t.Context(), month, w.wrong, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		removed += page.Removed
		if after = page.Last; after == 0 {
			break
		}
	}
	if removed != 5 || pages > 6 {
		t.Errorf("%d were removed on %d pages", removed, pages)
	}
	if f, err := postgres.NewReport(w.db).Funnel(t.Context(), month); err != nil || f.Imported != 20_000 {
		t.Errorf("%d are left, %v", f.Imported, err)
	}
}
