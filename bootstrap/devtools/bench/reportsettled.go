package bench

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// reported waits until every report is stored and what follows from them is settled.
func (b *bench) reported(ctx context.Context, s *stage, rows int, services ...service) error {
	bounced := 0
	for user := 1; user <= rows; user++ {
		if user%of20 == 2 {
			bounced++
		}
	}
	want := reportedState{Reports: rows, Succeeded: rows - bounced, Exhausted: bounced}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var last reportedState
	for moved := time.Now(); ; {
		for _, running := range services {
			if err := b.nextTick(ctx, ticker.C, running.Process); err != nil {
				return err
			}
		}
		got, err := s.reportedState(ctx, firstMonth)
		if err != nil || got == want {
			return err
		}
		if got != last {
			last, moved = got, time.Now()
		}
		if time.Since(moved) > patience {
			return fmt.Errorf("it stands at %+v, want %+v, for %s (logs: %s)", got, want, patience, b.DataDir)
		}
	}
}

// reportedState is how far a month has come.
type reportedState struct {
	Reports, Succeeded, Exhausted int
}

func (s *stage) reportedState(ctx context.Context, month key.Month) (state reportedState, err error) {
	err = s.db.GetContext(ctx, &state, `SELECT t.succeeded, t.exhausted, CASE WHEN t.unknown = 0 THEN (SELECT count(*) FROM delivery_reports WHERE billing_month = $1::date) ELSE 0 END AS reports
		FROM (SELECT count(*) FILTER (WHERE dispatch_status = 'SUCCEEDED') AS succeeded, count(*) FILTER (WHERE dispatch_status = 'EXHAUSTED') AS exhausted,
			count(*) FILTER (WHERE dispatch_status = 'UNKNOWN') AS unknown FROM billing_targets WHERE billing_month = $1::date) AS t`, day(month))
	return state, err
}

// baselineReports stores what the stage's reports say, of a page of users.
const baselineReports = `INSERT INTO delivery_reports (billing_month, user_id, attempt, round, provider, report_id, kind, failure_class, definitive, provider_message_id, code, detail, said_at)
	SELECT $1::date, n, 0, 0, 'nhn', 'h' || n, CASE WHEN n % $4 = 2 THEN 'UNDELIVERED' ELSE 'DELIVERED' END, CASE WHEN n % $4 = 2 THEN 'permanent' END, true, 'r' || n,
		CASE WHEN n % $4 = 2 THEN '3001' ELSE '1000' END, '', now()
	FROM generate_series($2::bigint, $3::bigint) AS n ON CONFLICT DO NOTHING`

// reports stores as many reports, and returns the seconds that it took.
func (p *plain) reports(ctx context.Context, rows int) (seconds float64, err error) {
	const page = 1000
	began := time.Now()
	for first := 1; first <= rows; first += page {
		err := inTransaction(ctx, p.db, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, baselineReports, p.day, first, min(first+page-1, rows), of20)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds(), nil
}
