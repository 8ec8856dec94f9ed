package port

import (
	"context"

	"github.com/balsong/balsong/domain/key"
)

// RunOrder says which run of the dispatcher is to be made.
type RunOrder struct {
	Month  key.Month // 0: every open month
	Linger bool      // wait for what comes due later
	By     Act       // recorded with the run
}

// RunStarter starts runs of the dispatcher in processes of their own, which outlive the one that starts them. Safe for concurrent
// use. Several runs at once do no harm.
type RunStarter interface {
	// Start starts a process that makes the ordered run, and does not wait for it. token names the order, by up to 36 letters,
	// digits and hyphens: with a token that was used within the last day nothing is started, and the answer is what was started then.
	// ErrUnavailable where it is not known whether it was started: repeat it with the same token. ErrInvalid where waiting does not help.
	Start(ctx context.Context, token string, order RunOrder) (StartedRun, error)
	// Look returns how a started run stands. ErrNotFound where nothing is known of it (any more), ErrUnavailable.
	Look(ctx context.Context, handle string) (StartedRun, error)
}

// StartedRun is a process that makes a run.
type StartedRun struct {
	Handle   string // names it for Look
	Status   StartStatus
	ExitCode int    // once it has ended; -1: not known
	Ended    string // why it ended without an exit code, where that is known
	Output   string // where its output is
}

// StartStatus is how far a started process is.
type StartStatus string

// The statuses.
const (
	StartPending StartStatus = "PENDING" // is being started
	StartRunning StartStatus = "RUNNING"
	StartEnded   StartStatus = "ENDED"
)

// RunSchedules keeps what starts runs at a time to come. Safe for concurrent use.
type RunSchedules interface {
	// Create makes a schedule that starts the ordered run once and is then removed. A schedule of that name that is the same is left as
	// it is. ErrUnavailable, ErrInvalid, also where there is another one of that name.
	Create(ctx context.Context, schedule RunSchedule, order RunOrder) error
	// List returns the schedules by their names, those that others made in the same place too. ErrUnavailable, ErrInvalid.
	List(ctx context.Context) ([]RunSchedule, error)
	// Remove removes a schedule. ErrNotFound, ErrUnavailable, ErrInvalid.
	Remove(ctx context.Context, name string) error
}

// RunSchedule is when a run is started.
type RunSchedule struct {
	Name       string // up to 64 letters, digits, hyphens and underscores
	Expression string // as package schedule reads it
	Zone       string // the IANA name of the time zone in which it is read
	Disabled   bool   // starts nothing
	Note       string // for people: what is run, who asked for it and why
}
