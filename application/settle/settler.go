// Package settle brings targets in line with the ledger (R7), turns claims whose lease has ended into UNKNOWN, and
// requeues requests that were lost (R8). An event is a hint; the ledger is the truth.
package settle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
)

// ErrConfig is wrapped by Config.Validate.
var ErrConfig = errors.New("invalid settlement configuration")

// Config tunes settlement.
type Config struct {
	Batch      int           // targets of a transaction, 1 to 1,000; default 500
	Linger     time.Duration // how long a transaction waits for more targets under load; default 0: not at all
	SweepEvery time.Duration // how often the ledger and the reports are swept for what no event told; default 10 s
	LeaseEvery time.Duration // how often claims whose lease has ended are swept; default 30 s
	ReapEvery  time.Duration // how often lost requests are requeued; default 30 s
	ReapGrace  time.Duration // how long a request may wait to be claimed before it can count as lost; default 10 min
}

// WithDefaults returns the config with every zero field set to its default.
func (c Config) WithDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.Batch == 0 {
		c.Batch = 500
	}
	set(&c.SweepEvery, 10*time.Second)
	set(&c.LeaseEvery, 30*time.Second)
	set(&c.ReapEvery, 30*time.Second)
	set(&c.ReapGrace, 10*time.Minute)
	return c
}

// Validate refuses an invalid configuration, wrapping ErrConfig; the text names the field.
func (c Config) Validate() error {
	if c.Batch < 1 || c.Batch > 1000 {
		return fmt.Errorf("%w: batch is %d (want 1 to 1,000)", ErrConfig, c.Batch)
	}
	if c.Linger < 0 {
		return fmt.Errorf("%w: linger is %s (want 0 or more)", ErrConfig, c.Linger)
	}
	for name, d := range map[string]time.Duration{
		"sweep every": c.SweepEvery, "lease every": c.LeaseEvery, "reap every": c.ReapEvery,
		"reap grace": c.ReapGrace,
	} {
		if d <= 0 {
			return fmt.Errorf("%w: %s is %s (want more than 0)", ErrConfig, name, d)
		}
	}
	return nil
}

// Ports are the driven ports that settlement uses.
type Ports struct {
	Targets  port.Targets
	Sweeps   port.Sweeps
	Requests port.Requests
	Months   port.Months
	Policies port.Policies
	Group    port.ConsumerGroup
	Results  port.Consumer
	Clock    port.Clock
	Log      port.Log
	Metrics  port.Metrics

	Installation port.Installation
	Tracer       *trace.Tracer // nil: no spans
}

// Settler settles targets. Safe for concurrent use.
type Settler struct {
	Ports
	config   Config
	watch    *outage.Watch
	versions *versions
}

// New returns a settler that is not running yet; it does no I/O. ErrConfig.
func New(ports Ports, config Config) (*Settler, error) {
	config = config.WithDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Settler{
		Ports: ports, config: config,
		watch:    outage.New(ports.Clock, ports.Log),
		versions: &versions{policies: ports.Policies},
	}, nil
}

// Down lists the parts that settlement waits for.
func (s *Settler) Down() []string { return s.watch.Down() }

// Run consumes results, sweeps and reaps until the context ends, which is no error. Results that it has not settled by
// then are redelivered.
func (s *Settler) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.consumeResults(ctx) })
	group.Go(func() error { return s.every(ctx, s.config.LeaseEvery, "lease sweep", s.SweepLeases) })
	group.Go(func() error { return s.every(ctx, s.config.SweepEvery, "ledger sweep", s.ledgerSweep()) })
	group.Go(func() error { return s.every(ctx, s.config.SweepEvery, "report sweep", s.reportSweep()) })
	group.Go(func() error { return s.every(ctx, s.config.ReapEvery, "reaper", s.Reap) })
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// every calls do at once and then after each pause, until the context ends. A failure is logged; the next time tries
// again.
func (s *Settler) every(ctx context.Context, pause time.Duration, what string, do func(context.Context) (int, error)) error {
	for {
		n, err := do(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("a sweep failed; the next one tries again", port.Field{Key: "sweep", Value: what}, port.Field{Key: "error", Value: err})
		}
		if n > 0 {
			s.Log.Info("a sweep changed something", port.Field{Key: "sweep", Value: what}, port.Field{Key: "count", Value: n})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Clock.After(pause):
		}
	}
}
