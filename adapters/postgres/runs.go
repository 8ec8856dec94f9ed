package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Runs stores the run records.
type Runs struct{ db pool }

var _ port.Runs = Runs{}

// NewRuns returns the run records of a database.
func NewRuns(db *sqlx.DB) Runs { return Runs{newPool(db)} }

// storedRef is a policy.Ref as a run record holds it.
type storedRef struct {
	ID      int64 `json:"id"`
	Version int32 `json:"version"`
}

func runArgs(run port.Run) ([]any, error) {
	policies, err := json.Marshal(each(run.Policies, func(r *policy.Ref) storedRef { return storedRef(*r) }))
	if err != nil {
		return nil, err
	}
	decisions := []byte("{}")
	if len(run.Decisions) > 0 {
		if decisions, err = json.Marshal(run.Decisions); err != nil {
			return nil, err
		}
	}
	var month any
	if run.Month != 0 {
		month = day(run.Month)
	}
	return []any{
		month, clean(run.By.Actor), clean(run.By.Reason), instant(run.By.At), string(policies), instant(run.StartedAt),
		instant(run.FinishedAt), string(run.Status), run.Pages, string(decisions), run.Published, run.Failed, run.Skipped, run.Left,
		run.PageTimeP50.Microseconds(), run.PageTimeP99.Microseconds(), clean(run.Error), optionalText(run.By.ApprovedBy), run.Unrendered,
	}, nil
}

const startRunSQL = `/* start_run */ INSERT INTO runs (billing_month, created_by, reason, asked_at, policies, started_at, finished_at,
  status, pages, decisions, published, failed, skipped, left_over, page_p50_us, page_p99_us, error, approved_by, unrendered)
VALUES ($1::date, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14, $15, $16, $17, $18, $19) RETURNING id`

// Start implements port.Runs.
func (p Runs) Start(ctx context.Context, run port.Run) (int64, error) {
	args, err := runArgs(run)
	if err != nil {
		return 0, fmt.Errorf("start a run: %w: %w", port.ErrInvalid, err)
	}
	var id int64
	err = write(ctx, p.db, "start a run", func(ctx context.Context, s *session) error {
		return s.one(ctx, "start a run", startRunSQL, args, &id)
	})
	return id, err
}

const updateRunSQL = `/* update_run */ UPDATE runs SET billing_month = $1::date, created_by = $2, reason = $3, asked_at = $4, policies = $5::jsonb,
  started_at = $6, finished_at = $7, status = $8, pages = $9, decisions = $10::jsonb, published = $11, failed = $12, skipped = $13,
  left_over = $14, page_p50_us = $15, page_p99_us = $16, error = $17,
  approved_by = $18, unrendered = $19 WHERE id = $20`

// Update implements port.Runs.
func (p Runs) Update(ctx context.Context, run port.Run) error {
	args, err := runArgs(run)
	if err != nil {
		return fmt.Errorf("update run %d: %w: %w", run.ID, port.ErrInvalid, err)
	}
	return write(ctx, p.db, "update a run", func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, "update a run", updateRunSQL, append(args, run.ID)...)
		if err == nil && n == 0 {
			err = fmt.Errorf("update a run: %w: run %d was never started", port.ErrNotFound, run.ID)
		}
		return err
	})
}

// runColumns are the columns of runs r that readRun scans.
const runColumns = `r.id, coalesce(to_char(r.billing_month, 'YYYY-MM'), ''), r.created_by, r.reason, r.asked_at, r.approved_by, r.policies, r.started_at,
  r.finished_at, r.status, r.pages, r.decisions, r.published, r.failed, r.skipped, r.left_over, r.unrendered, r.page_p50_us, r.page_p99_us, r.error`

func readRun(scan func(...any) error) (port.Run, error) {
	var r port.Run
	var month string
	var policies, decisions []byte
	var p50, p99 int64
	err := scan(&r.ID, &month, &r.By.Actor, &r.By.Reason, utc(&r.By.At), optional(&r.By.ApprovedBy), &policies, utc(&r.StartedAt), utc(&r.FinishedAt),
		&r.Status, &r.Pages, &decisions, &r.Published, &r.Failed, &r.Skipped, &r.Left, &r.Unrendered, &p50, &p99, &r.Error)
	if err != nil {
		return r, err
	}
	if month != "" {
		if r.Month, err = key.ParseMonth(month); err != nil {
			return r, err
		}
	}
	var refs []storedRef
	if err := json.Unmarshal(policies, &refs); err != nil {
		return r, fmt.Errorf("the policies of run %d: %w", r.ID, err)
	}
	if len(refs) > 0 {
		r.Policies = each(refs, func(s *storedRef) policy.Ref { return policy.Ref(*s) })
	}
	if err := json.Unmarshal(decisions, &r.Decisions); err != nil {
		return r, fmt.Errorf("the decisions of run %d: %w", r.ID, err)
	}
	r.PageTimeP50, r.PageTimeP99 = time.Duration(p50)*time.Microsecond, time.Duration(p99)*time.Microsecond
	return r, nil
}

const findRunSQL = `/* find_run */ SELECT ` + runColumns + ` FROM runs r WHERE r.id = $1`

// Find implements port.Runs.
func (p Runs) Find(ctx context.Context, id int64) (port.Run, error) {
	runs, err := p.runs(ctx, "find a run", findRunSQL, id)
	if err == nil && len(runs) == 0 {
		return port.Run{}, fmt.Errorf("find a run: %w: run %d was never started", port.ErrNotFound, id)
	}
	if err != nil {
		return port.Run{}, err
	}
	return runs[0], nil
}

const latestRunsSQL = `/* latest_runs */ SELECT ` + runColumns + ` FROM runs r WHERE $1::date IS NULL OR r.billing_month = $1::date ORDER BY r.id DESC LIMIT $2::int`

// Latest implements port.Runs.
func (p Runs) Latest(ctx context.Context, month key.Month, limit int) ([]port.Run, error) {
	var of any
	if month != 0 {
		of = day(month)
	}
	return p.runs(ctx, "list the last runs", latestRunsSQL, of, limit)
}

func (p Runs) runs(ctx context.Context, what, statement string, args ...any) ([]port.Run, error) {
	var runs []port.Run
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, statement, args, func(scan func(...any) error) error {
			run, err := readRun(scan)
			runs = append(runs, run)
			return err
		})
	})
	return runs, err
}

// optionalText is a text as a parameter: NULL where it is empty.
func optionalText(s string) any {
	if s == "" {
		return nil
	}
	return clean(s)
}
