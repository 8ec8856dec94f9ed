package postgres_test

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// some fails where a call has found nothing: its plan would say little.
func some(n int, err error) error {
	if err == nil && n == 0 {
		err = fmt.Errorf("found nothing")
	}
	return err
}

var aTest = port.Act{Actor: "kim", Reason: "a test"}

// commands are the statements of the commands of imports and of people: of one customer, or of a whole month in pages.
func commands(size scale, round int) []hot {
	customer := func(n int) string { return fmt.Sprintf("C-%d", n) }
	mine := int64(2 + round) // the import that is taken back
	half := int64(size.rows / 2)
	return append(undoing(size, mine), []hot{
		{"Report.Find", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, rows, err := postgres.NewReport(db).Find(ctx, month, customer(5))
			return some(len(rows), err)
		}},
		{"Report.Origin", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewReport(db).Origin(ctx, key.Target{Month: month, UserID: 5})
			return err
		}},
		{"Report.Customers", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			found, err := postgres.NewReport(db).Customers(ctx, size.spread(round, 5))
			return some(len(found), err)
		}},
		{"Report.Refusing", "", recently, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewReport(db).Refusing(ctx, month)
			return err
		}},
		{"Backlog.Unrendered", "", whole, func(ctx context.Context, db *sqlx.DB) error {
			return some(postgres.NewBacklog(db).Unrendered(ctx, month))
		}},
		{"Renders.Find", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewRenders(db).Find(ctx, month, customer(7))
			return err
		}},
		{"Renders.Again", "", whole, func(ctx context.Context, db *sqlx.DB) error {
			last, err := postgres.NewRenders(db).Again(ctx, month, half, size.page/10)
			return some(int(last), err)
		}},
		{"Corrections.Correct", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			bill := port.ImportedBill{Customer: customer(12 + 20*round), State: billing.New(key.Target{Month: month}, now).State(), Data: []byte("{}"), File: "corrected.csv", Line: 2}
			plain := func(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil }
			keep := func(*billing.Target, *attempt.Row, func(attempt.Revocation) (bool, error)) error { return nil }
			return postgres.NewCorrections(db).Correct(ctx, bill, plain, keep, aTest)
		}},
		{"Unreached", "", whole, func(ctx context.Context, db *sqlx.DB) error {
			bills, err := postgres.NewSealedBills(db).Unreached(ctx, month, half, size.page/10, false)
			return some(len(bills), err)
		}},
		{"Refused", `DROP INDEX import_rejects_open`, 0, func(ctx context.Context, db *sqlx.DB) error {
			rows, err := postgres.NewSealedBills(db).Refused(ctx, month, fmt.Sprintf("refused-%d", size.rows/4/8*8+4))
			return some(len(rows), err)
		}},
		{"Imports.Reject", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			var rejects []port.Reject
			for i := range size.page {
				rejects = append(rejects, port.Reject{File: "bills-1.csv", Line: size.rows/20*4 + i*4 + round, Field: "amount", Reason: "is empty", Customer: customer(i)})
			}
			_, err := postgres.NewImports(db).Reject(ctx, month, rejects)
			return err
		}},
		{"RefusedRows.Waiting", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			rows, err := postgres.NewRefusedRows(db).Waiting(ctx, month, port.RejectedRow{File: "bills-2.csv", Line: size.rows / 4}, size.page)
			return some(len(rows), err)
		}},
		{"RefusedRows.Dismiss", `ALTER TABLE import_rejects DROP CONSTRAINT import_rejects_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			line := size.rows/20*8 + 4 + 8*round
			err := postgres.NewRefusedRows(db).Dismiss(ctx, month, port.RejectedRow{File: "bills-1.csv", Line: line}, aTest)
			if err == nil { // again: it looks whether the row is there
				err = postgres.NewRefusedRows(db).Dismiss(ctx, month, port.RejectedRow{File: "bills-1.csv", Line: line}, aTest)
			}
			return err
		}},
		{"Audit.About", `DROP INDEX operator_actions_subject`, 0, func(ctx context.Context, db *sqlx.DB) error {
			entries, err := postgres.NewAudit(db).About(ctx, []string{month.String(), month.String() + "/7"})
			return some(len(entries), err)
		}},
		{"Audit.List", `ALTER TABLE operator_actions DROP CONSTRAINT operator_actions_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			entries, err := postgres.NewAudit(db).List(ctx, port.AuditFilter{Month: month, Before: int64(size.rows / 4)}, size.page)
			return some(len(entries), err)
		}},
		{"Suppressions.List", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			entries, err := postgres.NewSuppressions(db).List(ctx, port.SuppressionFilter{After: port.Contact{UserID: half}, Limit: size.page})
			return some(len(entries), err)
		}},
		{"Suppress, List, Lift", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			list, contacts := postgres.NewSuppressions(db), []port.Contact{{UserID: half + 2, Channel: channel.SMS}}
			if err := list.Suppress(ctx, policy.ScopeAll, contacts, aTest); err != nil {
				return err
			}
			of, err := list.List(ctx, port.OfCustomer(half+2))
			if err != nil || len(of) != 1 {
				return some(len(of), err)
			}
			return list.Lift(ctx, contacts, aTest)
		}},
		{"Recovery.Unsettled", "", whole, func(ctx context.Context, db *sqlx.DB) error {
			keys, err := postgres.NewRecovery(db).Unsettled(ctx, month, half, size.page/10)
			return some(len(keys), err)
		}},
		{"Recovery.Missing", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewRecovery(db).Missing(ctx, targetKeys(size.spread(round, 3)))
			return err
		}},
		{"Recovery.ImportedSince", "", whole, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewRecovery(db).ImportedSince(ctx, month, half, now.AddDate(-1, 0, 0), 0, size.page/10)
			return err
		}},
		{"TargetTx.Recover", "", 0, within(func(ctx context.Context, tx port.TargetTx) error {
			var recoveries []attempt.Recovery
			for _, k := range deliveryKeys(size.spread(round, 3), 7) {
				recoveries = append(recoveries, attempt.Lost(k, attempt.Facts{Channel: channel.Email, Unknown: attempt.Hold}, now))
			}
			_, err := tx.Recover(ctx, recoveries)
			return err
		})},
		{"Sweeps.InDoubt", "", recently, func(ctx context.Context, db *sqlx.DB) error {
			s := postgres.NewSweeps(db)
			if _, _, err := s.InDoubt(unobserved(ctx), month); err != nil { // its first look reads everything, once per process
				return err
			}
			_, _, err := s.InDoubt(ctx, month)
			return err
		}},
	}...)
}

// undoing is an import that is taken back. How far an import has gone is looked at for all of its bills first, and then
// page by page.
func undoing(size scale, id int64) []hot {
	return []hot{
		{"PastImports.Customers", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			list, err := postgres.NewPastImports(db).Customers(ctx, month, int64(size.rows/2), size.page)
			return some(len(list), err)
		}},
		{"PastImports.BeginUndo", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewPastImports(db).BeginUndo(ctx, month, id, aTest)
			return err
		}},
		{"PastImports.UndoPage", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			page, err := postgres.NewPastImports(db).UndoPage(ctx, month, id, 0, size.page)
			return some(page.Removed, err)
		}},
		{"PastImports.EndUndo", "", whole, func(ctx context.Context, db *sqlx.DB) error {
			return postgres.NewPastImports(db).EndUndo(ctx, month, id)
		}},
	}
}
