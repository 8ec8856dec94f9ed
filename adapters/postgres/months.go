package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Months stores which months are open, and creates their partitions.
type Months struct{ db pool }

var _ port.Months = Months{}

// NewMonths returns the months of a database.
func NewMonths(db *sqlx.DB) Months { return Months{newPool(db)} }

// Advisory locks of this schema, each held until its transaction ends. The numbers are arbitrary.
const (
	lockMonths   = 7_230_001
	lockPolicies = 7_230_002
	lockImports  = 7_230_004 // and the month
	lockRestore  = 7_230_005
)

// serialize waits for an advisory lock and holds it until the transaction ends.
func (s *session) serialize(ctx context.Context, what string, lock int) error {
	_, err := s.exec(ctx, what, `/* serialize */ SELECT pg_advisory_xact_lock($1)`, lock)
	return err
}

// partitioned are the tables with a partition for each month. Tables whose rows are often updated leave room in their
// pages for the new row versions (fillfactor), and are vacuumed early.
var partitioned = []struct{ table, options string }{
	{"billing_targets", "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05"},
	{"billing_data", "fillfactor = 70"},
	{"delivery_attempts", "fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05"},
	{"delivery_reports", "fillfactor = 100"}, // append-only
}

// Open implements port.Months. A partition is created as a table and then attached, which does not block those who read
// and write other months.
func (p Months) Open(ctx context.Context, month key.Month) error {
	what := "open " + month.String()
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if err := s.serialize(ctx, what, lockMonths); err != nil {
			return err
		}
		status, err := s.monthStatus(ctx, what, month)
		switch {
		case err != nil:
			return err
		case status == "CLOSED":
			return fmt.Errorf("%w: %s is closed, and stays closed until somebody reopens it (`balsong month reopen`)", port.ErrInvalid, month)
		case status == "OPEN":
			return nil
		}
		for _, t := range partitioned {
			if err := s.addPartition(ctx, what, t.table, t.options, month); err != nil {
				return err
			}
		}
		_, err = s.exec(ctx, what, `/* open_month */ INSERT INTO months (billing_month, status) VALUES ($1::date, 'OPEN')`, day(month))
		return err
	})
}

// monthStatus reads OPEN or CLOSED; "" where the month was never opened.
func (s *session) monthStatus(ctx context.Context, what string, month key.Month) (status string, err error) {
	err = s.query(ctx, what, `/* month */ SELECT m.status FROM months m WHERE m.billing_month = $1::date`, []any{day(month)},
		func(scan func(...any) error) error { return scan(&status) })
	return status, err
}

func (s *session) addPartition(ctx context.Context, what, table, options string, month key.Month) error {
	name := partition(table, month)
	for _, statement := range []string{
		fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL) WITH (%s)", name, table, options),
		fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')", table, name, day(month), month.Next().Start(time.UTC).Format(time.DateOnly)),
	} {
		if _, err := s.exec(ctx, what, statement); err != nil {
			return err
		}
	}
	return nil
}

const closeMonthSQL = `/* close_month */ UPDATE months SET status = 'CLOSED', closed_at = clock_timestamp() WHERE billing_month = $1::date AND status = 'OPEN'`

// Close implements port.Months.
func (p Months) Close(ctx context.Context, month key.Month, left string, by port.Act) error {
	what := "close " + month.String()
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		status, err := s.monthStatus(ctx, what, month)
		if err != nil {
			return err
		}
		if status == "" {
			return fmt.Errorf("%s: %w: it was never opened", what, port.ErrNotFound)
		}
		n, err := s.exec(ctx, what, closeMonthSQL, day(month))
		if err != nil || n == 0 {
			return err
		}
		return s.audit(ctx, port.CloseMonthEntry(month, left, by))
	})
}

const reopenMonthSQL = `/* reopen_month */ UPDATE months SET status = 'OPEN', closed_at = NULL
WHERE billing_month = $1::date AND status = 'CLOSED' AND dropped_at IS NULL`

// Reopen implements port.Months.
func (p Months) Reopen(ctx context.Context, month key.Month, by port.Act) error {
	what := "reopen " + month.String()
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, what, reopenMonthSQL, day(month))
		if err != nil {
			return err
		}
		if n > 0 {
			return s.audit(ctx, port.AuditEntry{Action: port.ActionReopenMonth, Subject: month.String(), By: by})
		}
		switch status, err := s.monthStatus(ctx, what, month); {
		case err != nil:
			return err
		case status == "":
			return fmt.Errorf("%s: %w: it was never opened", what, port.ErrNotFound)
		case status == "CLOSED":
			return fmt.Errorf("%s: %w: its bills were removed", what, port.ErrInvalid)
		default:
			return nil
		}
	})
}

func dispatchStartedSQL(in partitions) string {
	return `/* dispatch_started */ SELECT EXISTS (SELECT FROM ` + in.targets + ` t WHERE t.dispatch_status = 'REQUESTED')
  OR EXISTS (SELECT FROM ` + in.attempts + ` l WHERE l.state <> 'REVOKED')`
}

// DispatchStarted implements port.Months.
func (p Months) DispatchStarted(ctx context.Context, month key.Month) (started bool, err error) {
	what := "look whether dispatch of " + month.String() + " has started"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return s.one(ctx, what, dispatchStartedSQL(partitionsOf(month)), nil, &started)
	})
	return started, err
}

// List implements port.Months.
func (p Months) List(ctx context.Context) ([]key.Month, error) {
	const statement = `/* months */ SELECT to_char(m.billing_month, 'YYYY-MM') FROM months m WHERE m.status = 'OPEN' ORDER BY m.billing_month`
	var months []key.Month
	err := read(ctx, p.db, "list the open months", func(ctx context.Context, s *session) error {
		return s.query(ctx, "list the open months", statement, nil, func(scan func(...any) error) error {
			var text string
			if err := scan(&text); err != nil {
				return err
			}
			month, err := key.ParseMonth(text)
			months = append(months, month)
			return err
		})
	})
	return months, err
}

const allMonthsSQL = `/* all_months */ SELECT to_char(m.billing_month, 'YYYY-MM'), m.status = 'OPEN', m.opened_at, m.closed_at, m.dropped_at FROM months m ORDER BY m.billing_month`

// All implements port.Months.
func (p Months) All(ctx context.Context) ([]port.MonthState, error) {
	var months []port.MonthState
	err := read(ctx, p.db, "list the months", func(ctx context.Context, s *session) error {
		return s.query(ctx, "list the months", allMonthsSQL, nil, func(scan func(...any) error) (err error) {
			var state port.MonthState
			var text string
			if err := scan(&text, &state.Open, utc(&state.OpenedAt), utc(&state.ClosedAt), utc(&state.DroppedAt)); err != nil {
				return err
			}
			state.Month, err = key.ParseMonth(text)
			months = append(months, state)
			return err
		})
	})
	return months, err
}
