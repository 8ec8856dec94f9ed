package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// What growthStage measures in each month, and how far a row's cost may move from the smallest month to call it flat.
const (
	growthPage  = 1000
	growthPages = 50
	growthFlat  = 1.15
)

// growthStage measures the hot statements in a month of each size, half of it settled and half READY, beside the smallest month
// in the same database. The two take turns, a page each, so that what disturbs the machine disturbs both. A measured month
// makes room for the next.
func (b *bench) growthStage(ctx context.Context) error {
	return b.open(ctx, Growth, func(ctx context.Context, s *stage) error {
		db, err := postgres.Open(postgres.Config{URL: s.Database.URL, Application: "bench-growth", MaxConns: 1})
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		var smallest *growing
		for i, rows := range b.Sizes {
			m := &growing{month: firstMonth + key.Month(i), rows: rows, targets: postgres.NewTargets(db), ledger: postgres.NewLedger(db)}
			if err := b.grow(ctx, s.db, m); err != nil {
				return fmt.Errorf("grow a month to %d rows: %w", rows, err)
			}
			if smallest == nil {
				smallest = m
			}
			if err := b.inTurn(ctx, m, smallest); err != nil {
				return fmt.Errorf("a month of %d rows: %w", rows, err)
			}
			if m == smallest {
				continue
			}
			if err := m.drop(ctx, db); err != nil {
				return fmt.Errorf("make room for the next month: %w", err)
			}
		}
		return nil
	})
}

// inTurn measures growthPages pages of a month and of the smallest, a page of each in turn.
func (b *bench) inTurn(ctx context.Context, m, smallest *growing) error {
	measured := &Stage{
		Name: fmt.Sprintf("%d rows", m.rows), Rows: growthPage, Target: Target{Share: 1 / growthFlat},
		Label:    "pages of a month of that size on one connection; µs of wall time a row",
		Baseline: "a page of the smallest month, in the same turn",
	}
	for range growthPages {
		beside, err := smallest.live(ctx)
		if err != nil {
			return err
		}
		run := beside
		if m != smallest {
			if run, err = m.live(ctx); err != nil {
				return err
			}
		}
		run.BaselineSeconds = beside.Seconds
		measured.Runs = append(measured.Runs, run)
	}
	measured.summarize()
	b.report.Stages = append(b.report.Stages, measured)
	b.say("growth: a row of a month of %d rows costs %.0f%% of a row of the smallest", m.rows, 100/measured.Share.Median)
	return nil
}

// growing is a month of a size.
type growing struct {
	month   key.Month
	rows    int
	targets port.Targets
	ledger  port.Ledger
	after   port.Cursor
}

// growthRows makes rows $1 to $2 of the month: every second one READY, the others SUCCEEDED with their ledger row.
var growthRows = []string{
	`INSERT INTO billing_targets (billing_month, user_id, batch_status, dispatch_status, policy_id, policy_version, available_at, reachable, quiet_from, quiet_to, quiet_zone)
	SELECT $3::date, n, 'RENDERED', CASE WHEN n % 2 = 0 THEN 'READY' ELSE 'SUCCEEDED' END, 1, 1, date_trunc('day', now()), 2, '21:00', '08:00', 'Asia/Seoul' FROM generate_series($1::bigint, $2::bigint) AS n`,
	`INSERT INTO billing_data (billing_month, user_id, line, sms, statement, fingerprint, file, data)
	SELECT $3::date, n, n, decode(repeat('00', 60), 'hex'), decode(repeat('00', 120), 'hex'), decode(repeat('00', 32), 'hex'), 'bills.csv', decode(repeat('00', 100), 'hex')
	FROM generate_series($1::bigint, $2::bigint) AS n`,
	`INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, channel, step, policy_id, policy_version, run_id, unknown_policy, provider, provider_message_id, finished_at)
	SELECT $3::date, n, 0, 0, 'SUCCEEDED', 'SMS', 0, 1, 1, 1, 'hold', 'sms', 'SMS-' || n, now() FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 2 = 1`,
}

// grow fills a month, a chunk in a transaction, and vacuums and analyzes it, so that autovacuum leaves it alone while it
// is measured.
func (b *bench) grow(ctx context.Context, db *sqlx.DB, m *growing) error {
	const chunk = 500_000
	began := time.Now()
	if err := postgres.NewMonths(db).Open(ctx, m.month); err != nil {
		return err
	}
	for from := 1; from <= m.rows; from += chunk {
		to := min(from+chunk-1, m.rows)
		err := inTransaction(ctx, db, func(tx *sql.Tx) error {
			for _, statement := range growthRows {
				if _, err := tx.ExecContext(ctx, statement, from, to, day(m.month)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if to < m.rows {
			b.say("%d of %d rows", to, m.rows)
		}
	}
	if _, err := db.ExecContext(ctx, "VACUUM (ANALYZE) billing_targets, billing_data, delivery_attempts"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	var bytes int64
	if err := db.GetContext(ctx, &bytes, "SELECT pg_database_size(current_database())"); err != nil {
		return err
	}
	b.say("a month has %d rows, after %.0f s; the database has %.1f GB", m.rows, time.Since(began).Seconds(), float64(bytes)/1e9)
	return nil
}

// drop removes the month's partitions.
func (m *growing) drop(ctx context.Context, db *sqlx.DB) error {
	for _, table := range []string{"delivery_attempts", "billing_data", "billing_targets"} {
		name := fmt.Sprintf("%s_%s", table, strings.ReplaceAll(m.month.String(), "-", "_"))
		if _, err := db.ExecContext(ctx, "DROP TABLE "+pq.QuoteIdentifier(name)); err != nil {
			return err
		}
	}
	return nil
}

// step is a part of a page's way.
type step struct {
	name string
	do   func(context.Context) error
}

// steps take a page of READY rows through dispatch, claim, outcome and settlement, as the services' adapters do.
func (m *growing) steps(page func(context.Context) ([]key.Delivery, error)) []step {
	var keys []key.Delivery
	return []step{
		{"page", func(ctx context.Context) (err error) { keys, err = page(ctx); return err }},
		{"claim", func(ctx context.Context) error { return claimPage(ctx, m.ledger, keys) }},
		{"outcome", func(ctx context.Context) error { return recordPage(ctx, m.ledger, keys) }},
		{"settle", func(ctx context.Context) error { return settlePage(ctx, m.targets, keys) }},
	}
}

// live takes a page of READY rows through its steps.
func (m *growing) live(ctx context.Context) (StageRun, error) {
	run := StageRun{Rows: growthPage, CPU: map[string]float64{}}
	for _, step := range m.steps(m.dispatchPage) {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return run, err
		}
		run.CPU[step.name] = time.Since(began).Seconds()
		run.Seconds += run.CPU[step.name]
	}
	return run, nil
}

// dispatchPage locks a page, marks it REQUESTED, and returns its keys; publishing is left out.
func (m *growing) dispatchPage(ctx context.Context) (keys []key.Delivery, err error) {
	now := time.Now()
	err = m.targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		page, err := tx.LockPage(ctx, port.Page{Month: m.month, PassNow: now, After: m.after, Limit: growthPage})
		if err != nil {
			return err
		}
		if len(page) != growthPage {
			return fmt.Errorf("a page has %d rows, want %d", len(page), growthPage)
		}
		requested := make([]billing.Target, len(page))
		for i, candidate := range page {
			state := candidate.Target.State()
			m.after = port.Cursor{AvailableAt: state.AvailableAt, UserID: state.Key.UserID}
			state.Dispatch, state.RequestedAt, state.RunID = billing.Requested, now, 1
			if requested[i], err = billing.Restore(state); err != nil {
				return err
			}
			keys = append(keys, requested[i].Delivery())
		}
		return tx.Save(ctx, requested)
	})
	return keys, err
}

func claimPage(ctx context.Context, ledger port.Ledger, keys []key.Delivery) error {
	claims := make([]attempt.Claim, len(keys))
	for i, k := range keys {
		claims[i] = attempt.Claim{
			Key: k, Provider: "sms", Lease: time.Minute,
			Facts: attempt.Facts{Channel: channel.SMS, PolicyID: 1, PolicyVersion: 1, RunID: 1, Unknown: attempt.Hold},
		}
		_, _ = rand.Read(claims[i].Token[:]) // it never fails
	}
	mine, err := ledger.Claim(ctx, claims)
	return whole(len(mine), len(keys), err)
}

func recordPage(ctx context.Context, ledger port.Ledger, keys []key.Delivery) error {
	outcomes := make([]attempt.Outcome, len(keys))
	for i, k := range keys {
		outcomes[i] = attempt.Outcome{Key: k, State: attempt.Succeeded, Provider: "sms", ProviderMessageID: "SMS-1", FinishedAt: time.Now()}
	}
	held, err := ledger.Record(ctx, outcomes)
	return whole(len(held), len(keys), err)
}

func settlePage(ctx context.Context, targets port.Targets, keys []key.Delivery) error {
	users := make([]key.Target, len(keys))
	for i, k := range keys {
		users[i] = k.Target()
	}
	settled := 0
	err := targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		done, err := tx.Succeed(ctx, users)
		settled = len(done)
		return err
	})
	return whole(settled, len(keys), err)
}

// whole is an error where a page was not done whole.
func whole(done, want int, err error) error {
	if err == nil && done != want {
		err = fmt.Errorf("%d of %d rows of a page were done", done, want)
	}
	return err
}
