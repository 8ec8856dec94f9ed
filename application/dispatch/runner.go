// Package dispatch is the Producer: a run takes the policy snapshot, pages through a month's candidates, lets the domain
// decide, and publishes a request for each statement that is to go out (R1).
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Errors of a run.
var (
	// ErrConfig is wrapped by Config.Validate and New.
	ErrConfig = errors.New("invalid dispatch configuration")
	// ErrUnacknowledged: two pages in a row without one acknowledgement. The rows are candidates still.
	ErrUnacknowledged = errors.New("the event log acknowledged nothing, two pages in a row")
	// ErrHalted: an operator has halted everything that goes out.
	ErrHalted = fmt.Errorf("%w by an operator", port.ErrHalted)
	// ErrStopped: the run was asked to stop before it had finished.
	ErrStopped = errors.New("stopped before everything due was dispatched")
)

// Config tunes a run.
type Config struct {
	Page       int           // rows of a page, 1 to 1,000; default 1,000
	Cap        int           // requests that one run may publish; default 0: no bound
	AckTimeout time.Duration // how long a page waits for its acknowledgements, at most 5 s; default 5 s
	Linger     bool          // wait for what comes due later, until nothing is left that will
	LingerPoll time.Duration // the longest pause between two queries of a lingering run; default 10 s
	// LingerStall is how long a lingering run waits for targets in flight whose number does not change; default 30 min:
	// longer than the reaper takes to requeue a lost request.
	LingerStall time.Duration
	Source      string // names the process in events; default "balsong/dispatcher"
}

const maxPasses = 3 // passes with the same now, because of rows that others held

// WithDefaults returns the config with every zero field set to its default.
func (c Config) WithDefaults() Config {
	if c.Page == 0 {
		c.Page = 1000
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = 5 * time.Second
	}
	if c.LingerPoll == 0 {
		c.LingerPoll = 10 * time.Second
	}
	if c.LingerStall == 0 {
		c.LingerStall = 30 * time.Minute
	}
	if c.Source == "" {
		c.Source = "balsong/dispatcher"
	}
	return c
}

// Validate refuses an invalid configuration, wrapping ErrConfig; the text names the field.
func (c Config) Validate() error {
	switch {
	case c.Page < 1 || c.Page > 1000:
		return fmt.Errorf("%w: page is %d rows (want 1 to 1,000)", ErrConfig, c.Page)
	case c.Cap < 0:
		return fmt.Errorf("%w: cap is %d (want 0 for no bound, or more)", ErrConfig, c.Cap)
	case c.AckTimeout <= 0 || c.AckTimeout > 5*time.Second:
		return fmt.Errorf("%w: the acknowledgement timeout is %s (want up to 5s: the page's rows are locked meanwhile)", ErrConfig, c.AckTimeout)
	case c.LingerPoll <= 0 || c.LingerStall <= 0:
		return fmt.Errorf("%w: the linger poll is %s, the stall %s (want more than 0)", ErrConfig, c.LingerPoll, c.LingerStall)
	}
	return nil
}

// Ports are the driven ports that a run uses.
type Ports struct {
	Targets      port.Targets
	Backlog      port.Backlog
	Months       port.Months
	Policies     port.Policies
	Control      port.Control
	ChannelHalts port.ChannelHalts
	Runs         port.Runs
	Publisher    port.Publisher
	Clock        port.Clock
	Log          port.Log
	Metrics      port.Metrics

	Installation port.Installation
	Tracer       *trace.Tracer // nil: no spans
}

// Runner makes runs. Several runs may be active at once, in one process or many.
type Runner struct {
	Ports
	config Config
	watch  *outage.Watch
}

// New returns a runner; it does no I/O. ErrConfig.
func New(ports Ports, config Config) (*Runner, error) {
	config = config.WithDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Runner{Ports: ports, config: config, watch: outage.New(ports.Clock, ports.Log)}, nil
}

// Down lists the components that a run waits for.
func (r *Runner) Down() []string { return r.watch.Down() }

// OpenMonths returns the months that a run without a month takes, oldest first.
func (r *Runner) OpenMonths(ctx context.Context) (months []key.Month, err error) {
	err = r.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error {
		months, err = r.Months.List(ctx)
		return err
	})
	return months, err
}

// Run dispatches a month and returns the run record. The error is nil if everything due was dispatched, or the cap was
// reached. It is ErrUnacknowledged, ErrHalted or ErrStopped if rows are left; running again is safe then. It is
// port.ErrNotFound, and there is no run, if the month was never opened. When the
// context ends, the page in progress is finished. progress, if not nil, is called with the record after each page.
func (r *Runner) Run(ctx context.Context, month key.Month, by port.Act, progress func(port.Run)) (port.Run, error) {
	if err := r.opened(ctx, month); err != nil {
		return port.Run{}, err
	}
	snapshot, err := r.snapshot(ctx)
	if err != nil {
		return port.Run{}, err
	}
	installation, err := r.installation(ctx)
	if err != nil {
		return port.Run{}, err
	}
	run := &run{Ports: r.Ports, config: r.config, watch: r.watch, installation: installation, month: month, snapshot: snapshot, progress: progress, record: port.Run{
		Month: month, By: by, Policies: []policy.Ref{snapshot.Active().Ref()}, StartedAt: r.Clock.Now(),
		Status: port.RunRunning, Decisions: map[billing.Rule]int{},
	}}
	err = r.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error {
		run.record.ID, err = r.Runs.Start(ctx, run.record)
		return err
	})
	if err != nil {
		return run.record, fmt.Errorf("start a run: %w", err)
	}
	err = run.passes(ctx)
	return run.finish(ctx, err)
}

// opened refuses a month that was never opened: one that somebody mistyped would come to an end like one that is finished.
func (r *Runner) opened(ctx context.Context, month key.Month) error {
	var all []port.MonthState
	err := r.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		all, err = r.Months.All(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for the month: %w", err)
	}
	if !slices.ContainsFunc(all, func(m port.MonthState) bool { return m.Month == month }) {
		return fmt.Errorf("it was never opened (an import opens a month): %w", port.ErrNotFound)
	}
	return nil
}

// installation returns the id of the installation, which is a part of the ids of traces.
func (r *Runner) installation(ctx context.Context) (id string, err error) {
	id, err = trace.Installation(ctx, r.Installation, func(ctx context.Context, do func(context.Context) error) error {
		return r.watch.Retry(ctx, port.ComponentDatabase, do)
	})
	if err != nil {
		return "", fmt.Errorf("read the installation: %w", err)
	}
	return id, nil
}

func (r *Runner) snapshot(ctx context.Context) (policy.Snapshot, error) {
	var versions []policy.Version
	err := r.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		versions, err = r.Policies.Versions(ctx)
		return err
	})
	if err != nil {
		return policy.Snapshot{}, fmt.Errorf("read the policies: %w", err)
	}
	return policy.NewSnapshot(versions)
}
