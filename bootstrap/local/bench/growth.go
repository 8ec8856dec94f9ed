package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// What growthStage measures at each size, and how far a row's cost may move from the first size to call it flat.
const (
	growthPage  = 1000
	growthPages = 50
	growthFlat  = 1.15
)

// GrowthPoint is what a row costs in a month of a size: µs of wall time, over pages of growthPage rows on one connection.
type GrowthPoint struct {
	Rows    int    `json:"rows"` // of the month; half of them settled, half READY
	Page    Spread `json:"page_us_per_row"`
	Claim   Spread `json:"claim_us_per_row"`
	Outcome Spread `json:"outcome_us_per_row"`
	Settle  Spread `json:"settle_us_per_row"`
}

// life is the whole of a row's cost.
func (p GrowthPoint) life() float64 {
	return p.Page.Median + p.Claim.Median + p.Outcome.Median + p.Settle.Median
}

// growthStage measures the hot statements in a month that grows from one size to the next.
func (b *bench) growthStage(ctx context.Context) error {
	return b.open(ctx, Growth, func(ctx context.Context, s *stage) error {
		if err := s.months.Open(ctx, firstMonth); err != nil {
			return err
		}
		db, err := postgres.Open(postgres.Config{URL: s.config.Database.URL, Application: "bench-growth", MaxConns: 1})
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		rows := 0
		for _, size := range b.Sizes {
			began := time.Now()
			if err := b.grow(ctx, s, rows+1, size); err != nil {
				return fmt.Errorf("grow the month to %d rows: %w", size, err)
			}
			rows = size
			b.say("growth: the month has %d rows, after %.0f s", rows, time.Since(began).Seconds())
			point, err := measureLives(ctx, db, rows)
			if err != nil {
				return fmt.Errorf("a month of %d rows: %w", rows, err)
			}
			b.report.Growth = append(b.report.Growth, point)
		}
		return nil
	})
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

// grow adds rows from first to last, a chunk in a transaction, and takes statistics as an import does.
func (b *bench) grow(ctx context.Context, s *stage, first, last int) error {
	const chunk = 500_000
	for from := first; from <= last; from += chunk {
		to := min(from+chunk-1, last)
		err := inTransaction(ctx, s, func(tx *sql.Tx) error {
			for _, statement := range growthRows {
				if _, err := tx.ExecContext(ctx, statement, from, to, firstMonth.String()+"-01"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if to < last {
			b.say("growth: %d of %d rows", to, last)
		}
	}
	return s.analyze(ctx, firstMonth)
}

// measureLives takes pages of READY rows through dispatch, claim, outcome and settlement, as the services' adapters do.
func measureLives(ctx context.Context, db *sqlx.DB, rows int) (GrowthPoint, error) {
	targets, ledger := postgres.NewTargets(db), postgres.NewLedger(db)
	var costs [4][]float64
	var after port.Cursor
	for range growthPages {
		var keys []key.Delivery
		steps := []func() error{
			func() (err error) {
				keys, after, err = dispatchPage(ctx, targets, after)
				return err
			},
			func() error { return claimPage(ctx, ledger, keys) },
			func() error { return recordPage(ctx, ledger, keys) },
			func() error { return settlePage(ctx, targets, keys) },
		}
		for i, step := range steps {
			began := time.Now()
			if err := step(); err != nil {
				return GrowthPoint{}, err
			}
			costs[i] = append(costs[i], float64(time.Since(began).Microseconds())/growthPage)
		}
	}
	return GrowthPoint{Rows: rows, Page: spreadOf(costs[0]), Claim: spreadOf(costs[1]), Outcome: spreadOf(costs[2]), Settle: spreadOf(costs[3])}, nil
}

// dispatchPage locks a page, marks it REQUESTED, and returns its keys; publishing is left out.
func dispatchPage(ctx context.Context, targets port.Targets, after port.Cursor) (keys []key.Delivery, last port.Cursor, err error) {
	now := time.Now()
	err = targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		page, err := tx.LockPage(ctx, port.Page{Month: firstMonth, PassNow: now, After: after, Limit: growthPage})
		if err != nil {
			return err
		}
		if len(page) != growthPage {
			return fmt.Errorf("a page has %d rows, want %d", len(page), growthPage)
		}
		requested := make([]billing.Target, len(page))
		for i, candidate := range page {
			state := candidate.Target.State()
			last = port.Cursor{AvailableAt: state.AvailableAt, UserID: state.Key.UserID}
			state.Dispatch, state.RequestedAt, state.RunID = billing.Requested, now, 1
			if requested[i], err = billing.Restore(state); err != nil {
				return err
			}
			keys = append(keys, requested[i].Delivery())
		}
		return tx.Save(ctx, requested)
	})
	return keys, last, err
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
