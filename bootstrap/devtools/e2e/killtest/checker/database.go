package checker

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/lib/pq" // the driver
)

// ReadDatabase fills in what the database holds of the month.
func ReadDatabase(ctx context.Context, url string, in *Inputs) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = db.Close() }()
	in.Users = map[string]int64{}
	err = each(ctx, db, `SELECT customer, user_id FROM customers`, nil, func(scan func(...any) error) error {
		var customer string
		var user int64
		err := scan(&customer, &user)
		in.Users[customer] = user
		return err
	})
	if err != nil {
		return err
	}
	month := []any{in.Month}
	err = each(ctx, db, `SELECT to_char(billing_month, 'YYYY-MM'), user_id, dispatch_status, coalesce(pause_reason, ''), batch_status, attempt, round
		FROM billing_targets WHERE to_char(billing_month, 'YYYY-MM') = $1`, month, func(scan func(...any) error) error {
		var t Target
		err := scan(&t.Month, &t.User, &t.Status, &t.Pause, &t.Batch, &t.Attempt, &t.Round)
		in.Targets = append(in.Targets, t)
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, db, `SELECT to_char(billing_month, 'YYYY-MM'), user_id, attempt, round, state, coalesce(reason, ''), coalesce(provider, '')
		FROM delivery_attempts WHERE to_char(billing_month, 'YYYY-MM') = $1`, month, func(scan func(...any) error) error {
		var r Row
		err := scan(&r.Month, &r.User, &r.Attempt, &r.Round, &r.State, &r.Reason, &r.Provider)
		in.Rows = append(in.Rows, r)
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, db, `SELECT to_char(billing_month, 'YYYY-MM'), user_id, attempt, round, provider, report_id, kind, definitive, coalesce(code, '')
		FROM delivery_reports WHERE to_char(billing_month, 'YYYY-MM') = $1`, month, func(scan func(...any) error) error {
		var r Stored
		err := scan(&r.Month, &r.User, &r.Attempt, &r.Round, &r.Provider, &r.ID, &r.Kind, &r.Definitive, &r.Code)
		in.Reports = append(in.Reports, r)
		return err
	})
}

func each(ctx context.Context, db *sql.DB, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	return rows.Err()
}
