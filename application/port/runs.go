package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Runs keeps the record of each dispatch run.
type Runs interface {
	// Start stores the record of a new run and returns its id, counted from 1.
	Start(ctx context.Context, run Run) (int64, error)
	// Update overwrites the record of a run. ErrNotFound if it was never started.
	Update(ctx context.Context, run Run) error
	// Find returns the record of a run. ErrNotFound.
	Find(ctx context.Context, id int64) (Run, error)
	// Latest returns the records of a month's last runs, newest first, at most limit; those of every month if month is
	// 0.
	Latest(ctx context.Context, month key.Month, limit int) ([]Run, error)
}

// Run is the record of one dispatch run.
type Run struct {
	ID          int64
	Month       key.Month
	By          Act          // created_by and approved_by
	Policies    []policy.Ref // the snapshot
	StartedAt   time.Time
	FinishedAt  time.Time // zero while running
	Status      RunStatus
	Pages       int
	Decisions   map[billing.Rule]int
	Published   int
	Failed      int // events that were not acknowledged
	Skipped     int // candidates that others held to the end
	Left        int // candidates left because of the cap, or of the end of the run
	Unrendered  int // bills that waited to be rendered when the run ended: no candidates yet
	PageTimeP50 time.Duration
	PageTimeP99 time.Duration
	Error       string
}

// RunStatus is the status of a run.
type RunStatus string

// The run statuses.
const (
	RunRunning  RunStatus = "RUNNING"
	RunFinished RunStatus = "FINISHED" // nothing due is left, or the cap was reached
	RunStopped  RunStatus = "STOPPED"  // asked to stop
	RunHalted   RunStatus = "HALTED"   // the halt was set
	RunFailed   RunStatus = "FAILED"
)
