package postgres

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Sweeps is the ledger as settlement watches it. For each month it remembers up to when it has looked for claims, so
// that a sweep reads only what changed since the last one; a new Sweeps reads everything once. Safe for concurrent use.
type Sweeps struct {
	db   pool
	keep int // UNKNOWN rows remembered of a month

	mu      sync.Mutex
	watches map[key.Month]*claimWatch
}

var _ port.Sweeps = (*Sweeps)(nil)

// NewSweeps returns the sweeps of a database. Keep one for the life of a process.
func NewSweeps(db *sqlx.DB) *Sweeps {
	return &Sweeps{db: newPool(db), keep: keepUnknown, watches: map[key.Month]*claimWatch{}}
}

// Now implements port.Sweeps.
func (p *Sweeps) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := read(ctx, p.db, "read the database's clock", func(ctx context.Context, s *session) error {
		return s.one(ctx, "read the database's clock", `/* now */ SELECT clock_timestamp()`, nil, utc(&now))
	})
	return now, err
}

// Horizon implements port.Sweeps.
func (p *Sweeps) Horizon(ctx context.Context) (time.Time, error) {
	var now, horizon time.Time
	err := read(ctx, p.db, "find the horizon of changes", func(ctx context.Context, s *session) error {
		return s.one(ctx, "find the horizon of changes", horizonSQL, nil, utc(&now), utc(&horizon))
	})
	return horizon, err
}

// mayDisagree is the condition under which a ledger row l may ask for a change of its target t (R7): a success that the
// target does not show, or an outcome of the current key while the target is neither at an end nor held as UNKNOWN for
// that same outcome.
const mayDisagree = `l.billing_month = t.billing_month AND l.user_id = t.user_id AND (
    l.state = 'SUCCEEDED'
    OR (l.state <> 'CLAIMED' AND l.attempt = t.attempt AND l.round = t.round
      AND (t.dispatch_status IN ('READY', 'FAILED', 'REQUESTED', 'PAUSED') OR (t.dispatch_status = 'UNKNOWN' AND l.state <> 'UNKNOWN'))))`

// changedEverSQL goes through all targets of a month, in the order of their keys: a page of them, whatever their status.
func changedEverSQL(in partitions) string {
	return `/* changed_ever */ WITH walked AS MATERIALIZED (
  SELECT t.billing_month, t.user_id, t.attempt, t.round, t.dispatch_status FROM ` + in.targets + ` t
  WHERE t.billing_month = $1::date AND t.user_id > $2::bigint ORDER BY t.user_id LIMIT $3::int)
SELECT w.walked, w.last, f.user_id FROM (SELECT count(*) AS walked, max(t.user_id) AS last FROM walked t) AS w
LEFT JOIN (SELECT t.user_id FROM walked t WHERE t.dispatch_status <> 'SUCCEEDED' AND EXISTS (SELECT FROM ` + in.attempts + ` l WHERE ` + mayDisagree + `)) AS f ON true`
}

// changedSinceSQL finds what changed by the BRIN index, then looks at those targets only. The partition is named so
// that the planner has no other index to choose: without statistics it would read the whole month by the primary key.
func changedSinceSQL(in partitions) string {
	return `/* changed_since */ SELECT t.user_id FROM
  (SELECT DISTINCT $1::date AS billing_month, l.user_id FROM ` + in.attempts + ` l
   WHERE l.changed_at >= $2::timestamptz AND l.changed_at < $5::timestamptz AND l.user_id > $3::bigint AND l.state <> 'CLAIMED' ORDER BY l.user_id) AS c
JOIN ` + in.targets + ` t ON t.billing_month = c.billing_month AND t.user_id = c.user_id
WHERE t.dispatch_status <> 'SUCCEEDED' AND EXISTS (SELECT FROM ` + in.attempts + ` l WHERE ` + mayDisagree + `)
ORDER BY t.user_id LIMIT $4::int`
}

// Changed implements port.Sweeps.
func (p *Sweeps) Changed(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, int64, error) {
	const what = "find changed targets"
	if when == (port.Span{}) {
		return p.walk(ctx, what, changedEverSQL, month, after, limit)
	}
	p.summarize(ctx, month)
	return p.found(ctx, what, changedSinceSQL, month, when, after, limit)
}

// found runs a statement that finds targets by what changed in a span.
func (p *Sweeps) found(ctx context.Context, what string, statement func(partitions) string, month key.Month, when port.Span, after int64, limit int) (keys []key.Target, next int64, err error) {
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		keys = nil
		if err := s.wide(ctx); err != nil {
			return err
		}
		return s.targetKeys(ctx, what, statement(partitionsOf(month)), []any{day(month), orElse(when.Since, "-infinity"), after, limit, orElse(when.Until, "infinity")}, month, &keys)
	})
	if err == nil && len(keys) > 0 && len(keys) == limit {
		next = keys[limit-1].UserID
	}
	return keys, next, err
}

// walk runs a statement that walks limit rows of a month, in the order of their user ids, and finds some of their targets.
func (p *Sweeps) walk(ctx context.Context, what string, statement func(partitions) string, month key.Month, after int64, limit int) (keys []key.Target, next int64, err error) {
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		keys, next = nil, 0
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return s.query(ctx, what, statement(partitionsOf(month)), []any{day(month), after, limit}, func(scan func(...any) error) error {
			walked := 0
			var last, found sql.NullInt64
			if err := scan(&walked, &last, &found); err != nil {
				return err
			}
			if walked == limit {
				next = last.Int64
			}
			if found.Valid {
				keys = append(keys, key.Target{Month: month, UserID: found.Int64})
			}
			return nil
		})
	})
	slices.SortFunc(keys, key.Target.Compare)
	return keys, next, err
}

// orElse is a time as a parameter; otherwise stands for the zero time.
func orElse(t time.Time, otherwise string) any {
	if t.IsZero() {
		return otherwise
	}
	return instant(t)
}

// wide prepares the transaction for a sweep: it allows bitmap scans, which the BRIN index needs, and gives memory to
// sort what is found.
func (s *session) wide(ctx context.Context) error {
	_, err := s.exec(ctx, "set up a sweep", `/* wide */ SELECT set_config('enable_bitmapscan', 'on', true), set_config('work_mem', '64MB', true)`)
	return err
}

// ignoreUnopened drops the error of a month without partitions: nothing has happened in it.
func ignoreUnopened(err error) error {
	if stateOf(err) == undefinedTable {
		return nil
	}
	return err
}

// summarize brings the BRIN index up to date with what was inserted, because every scan reads the pages that it has not
// summarized yet. Autovacuum does the same a minute or more later. The short lock timeout leaves a running autovacuum
// undisturbed. The error is ignored, because only speed depends on success.
func (p *Sweeps) summarize(ctx context.Context, month key.Month) {
	p.summarizeIndex(ctx, partition("delivery_attempts", month)+"_changed_at_idx")
}

func (p *Sweeps) summarizeIndex(ctx context.Context, index string) {
	_ = write(ctx, p.db, "sum up an index", func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, "sum up an index", `/* summarize */ SELECT set_config('lock_timeout', '100ms', true)`); err != nil {
			return err
		}
		_, err := s.exec(ctx, "sum up an index", `/* summarize */ SELECT brin_summarize_new_values(to_regclass($1))`, index)
		return err
	})
}
