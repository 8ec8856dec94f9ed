package port

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Contact is a customer on a channel.
type Contact struct {
	UserID  int64
	Channel channel.Kind
}

// Subject names the contact in Audit.
func (c Contact) Subject() string { return fmt.Sprintf("user %d on %s", c.UserID, c.Channel) }

// CustomerSubject names a customer's bill in Audit if the target's key is not known.
func CustomerSubject(month key.Month, customer string) string {
	return month.String() + " customer " + customer
}

// Months keeps which billing months are open. An import opens a month, an operator closes it.
type Months interface {
	// Open makes a month ready for data and opens it. Safe to repeat. ErrInvalid if the month was closed: it stays
	// closed.
	Open(ctx context.Context, month key.Month) error
	// Close closes a month for runs that do not name it. ErrNotFound if it was never opened.
	Close(ctx context.Context, month key.Month) error
	// DispatchStarted tells whether dispatch of a month has started: a bill of it is REQUESTED, or its ledger has a row that is not
	// REVOKED. false where the month was never opened.
	DispatchStarted(ctx context.Context, month key.Month) (bool, error)
	// List returns the open months, oldest first.
	List(ctx context.Context) ([]key.Month, error)
	// All returns every month that was ever opened, oldest first.
	All(ctx context.Context) ([]MonthState, error)
}

// MonthState is a month and whether it is open.
type MonthState struct {
	Month    key.Month
	Open     bool
	OpenedAt time.Time // by the database's clock
	ClosedAt time.Time // by the database's clock; zero while it is open
	// DroppedAt is when retention had removed its bills, by the database's clock; zero while they are there.
	DroppedAt time.Time
}

// Control is the switch that halts everything that goes out. It is read for each page and every few seconds, never
// cached for longer.
type Control interface {
	// Halted returns whether dispatch and delivery must stop, and why.
	Halted(ctx context.Context) (Halt, error)
	// SetHalt sets or lifts the halt.
	SetHalt(ctx context.Context, halt Halt) error
}

// Halt is the position of the switch, with who set it last and why.
type Halt struct {
	On     bool
	Actor  string
	Reason string
	Since  time.Time
}

// Policies stores policy versions.
type Policies interface {
	// Versions returns every ACTIVE and RETIRED version, for a snapshot.
	Versions(ctx context.Context) ([]policy.Version, error)
	// List returns every version, DRAFTs included, with who wrote and who activated it, sorted by reference.
	List(ctx context.Context) ([]PolicyRecord, error)
	// Draft stores a new DRAFT version of the policy family with the spec's name, which is made if there is none, and
	// returns it with its reference. ErrInvalid if the spec cannot work.
	Draft(ctx context.Context, spec policy.Spec, by Act) (policy.Version, error)
	// Activate makes a DRAFT version the ACTIVE one and retires the one before, in one transaction. ErrNotFound;
	// policy.ErrTransition if the version is not a DRAFT.
	Activate(ctx context.Context, ref policy.Ref, by Act) error
}

// PolicyRecord is a policy version with its history.
type PolicyRecord struct {
	Version    policy.Version
	CreatedBy  Act       // who drafted it
	ApprovedBy Act       // who let it go live: today whoever activates it; the zero Act for a DRAFT
	RetiredAt  time.Time // zero while it is a DRAFT or ACTIVE
}

// Act says who does something and why. Every use case of an operator writes it down.
type Act struct {
	Actor      string // created_by of what the act makes
	Reason     string
	At         time.Time
	ApprovedBy string // who let it happen, where that is somebody else; "": nobody was asked
}

// Audit keeps what operators did.
type Audit interface {
	// Note writes one act down. subject names what was acted on (a target, a policy, a month), without personal data.
	Note(ctx context.Context, what, subject string, by Act) error
	// About returns what was done to any of the subjects, oldest first.
	About(ctx context.Context, subjects []string) ([]Note, error)
}

// Note is an act as Audit keeps it.
type Note struct {
	What    string // as in "cancel"
	Subject string // as in "2026-11/4711"
	By      Act
}

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

// Report reads what people want to know about a month.
type Report interface {
	// Funnel counts the targets of a month by batch and dispatch status.
	Funnel(ctx context.Context, month key.Month) (Funnel, error)
	// Find returns the target of a customer number with its ledger rows, sorted by key. ErrNotFound.
	Find(ctx context.Context, month key.Month, customer string) (billing.Target, []attempt.Row, error)
	// Origin returns where a target's data came from: file, line and import. ErrNotFound.
	Origin(ctx context.Context, target key.Target) (Origin, error)
	// Imports returns the records of a month's imports, oldest first.
	Imports(ctx context.Context, month key.Month) ([]ImportRecord, error)
}

// Funnel counts a month's targets and refused rows.
type Funnel struct {
	Month    key.Month
	Imported int
	Batch    map[billing.BatchStatus]int
	Dispatch map[billing.Status]int
	Paused   map[billing.PauseReason]int
	Rejected int // rows that the imports of this month refused and that did not come in since, each counted once
	Resolved int // refused rows that came in since
}
