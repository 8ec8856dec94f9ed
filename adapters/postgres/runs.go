package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Runs stores the run records.
type Runs struct{ db *sqlx.DB }

var _ port.Runs = Runs{}

// NewRuns returns the run records of a database.
func NewRuns(db *sqlx.DB) Runs { return Runs{db} }

// storedRef is how a policy reference is stored in a run record.
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
		run.PageTimeP50.Microseconds(), run.PageTimeP99.Microseconds(), clean(run.Error),
	}, nil
}

const startRunSQL = `/* start_run */ INSERT INTO runs (billing_month, actor, reason, asked_at, policies, started_at, finished_at, status,
  pages, decisions, published, failed, skipped, left_over, page_p50_us, page_p99_us, error)
VALUES ($1::date, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14, $15, $16, $17) RETURNING id`

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

const updateRunSQL = `/* update_run */ UPDATE runs SET billing_month = $1::date, actor = $2, reason = $3, asked_at = $4, policies = $5::jsonb,
  started_at = $6, finished_at = $7, status = $8, pages = $9, decisions = $10::jsonb, published = $11, failed = $12, skipped = $13,
  left_over = $14, page_p50_us = $15, page_p99_us = $16, error = $17 WHERE id = $18`

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
