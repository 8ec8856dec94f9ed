// Package inquire asks providers what became of calls whose outcome is UNKNOWN (R12), each within its own rate, and records what they
// say. What is to be asked lies in the database, so nothing is lost with a process and memory is bounded.
package inquire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("invalid configuration of inquiries")

// Receive stores reports (R11).
type Receive func(ctx context.Context, reports []report.Report) error

// Asked is a provider that can be asked.
type Asked struct {
	Inquirer port.Inquirer
	Provider port.Provider // its call deadline bounds a question
	// Permits bound the questions: how many a second all processes ask together, how many this one asks at once, and how often while
	// none is answered. They are not those of calls.
	Permits port.Permits
}

func (a Asked) lane() port.Lane {
	return port.Lane{Channel: a.Provider.Channel, Provider: a.Provider.Name}
}

// hold is how long taken inquiries belong to this process: longer than it goes on asking about them.
func (a Asked) hold() time.Duration { return asking + 2*a.Provider.CallDeadline + storeLimit }

// asking is how long a batch is asked about; what is left of it then is taken again.
const asking = 10 * time.Minute

// Ports are the driven ports that inquiries use.
type Ports struct {
	Months    port.Months
	Sweeps    port.Sweeps
	Inquiries port.Inquiries
	Ledger    port.Ledger
	Receive   Receive
	Clock     port.Clock
	Log       port.Log
	Metrics   port.Metrics
}

// Config tunes inquiries.
type Config struct {
	Every time.Duration // pause between two looks for what is due; default 30 s
	Batch int           // inquiries that are taken and stored at once; default 500
}

// batchesAtOnce is how many batches of a provider are under way, so that none waits for the last answer of the one before.
const batchesAtOnce = 2

// Service asks providers. Safe for concurrent use.
type Service struct {
	Ports
	config   Config
	asked    []Asked
	watch    *outage.Watch
	failures outage.Failures
}

// New returns a service that is not running yet; it does no I/O. ErrConfig.
func New(ports Ports, config Config, asked ...Asked) (*Service, error) {
	if config.Every <= 0 {
		config.Every = 30 * time.Second
	}
	if config.Batch <= 0 {
		config.Batch = 500
	}
	for _, a := range asked {
		if terms := a.Inquirer.InquiryTerms(); terms.Window <= 0 || terms.Complete && terms.Source == "" {
			return nil, fmt.Errorf("%w: %s: its terms have no window, or no source for a list that is complete", ErrConfig, a.Provider.Name)
		}
	}
	return &Service{Ports: ports, config: config, asked: slices.Clone(asked), watch: outage.New(ports.Clock, ports.Log)}, nil
}

// Down lists the components that inquiries wait for.
func (s *Service) Down() []string { return s.watch.Down() }

// Run asks until the context ends, which is no error; also where nobody can be asked.
func (s *Service) Run(ctx context.Context) error {
	if len(s.asked) == 0 {
		<-ctx.Done()
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, a := range s.asked { // what comes to be asked is added also while a provider takes long to answer
		enqueue := s.enqueuer(a)
		group.Go(func() error { return s.every(ctx, a, enqueue) })
		for range batchesAtOnce {
			group.Go(func() error {
				return s.every(ctx, a, func(ctx context.Context) error {
					_, err := s.AskDue(ctx, a)
					return err
				})
			})
		}
	}
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (s *Service) every(ctx context.Context, a Asked, do func(context.Context) error) error {
	for {
		if err := outage.Guarded(func() error { return do(ctx) }); err != nil && ctx.Err() == nil {
			s.Log.Error("inquiries failed; the next look tries again", port.Field{Key: "provider", Value: a.Provider.Account()}, port.Field{Key: "error", Value: err})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Clock.After(s.config.Every):
		}
	}
}

// enqueuer returns a sweep that adds the UNKNOWN rows of a provider that changed since it was last called; the first call reads all.
func (s *Service) enqueuer(a Asked) func(context.Context) error {
	var since time.Time
	return func(ctx context.Context) error {
		var until time.Time
		err := s.database(ctx, func(ctx context.Context) (err error) {
			until, err = s.Sweeps.Horizon(ctx)
			return err
		})
		if err == nil {
			err = s.Enqueue(ctx, a, port.Span{Since: since, Until: until})
		}
		if err == nil {
			since = until
		}
		return err
	}
}

// months lists the open ones.
func (s *Service) months(ctx context.Context) (months []key.Month, err error) {
	err = s.database(ctx, func(ctx context.Context) (err error) {
		months, err = s.Months.List(ctx)
		return err
	})
	return months, err
}

// enqueuePage is how many rows are added at once: each page of a span reads the whole of it.
const enqueuePage = 20_000

// Enqueue adds the UNKNOWN rows of the open months that changed in a span and were called by a provider.
func (s *Service) Enqueue(ctx context.Context, a Asked, when port.Span) error {
	months, err := s.months(ctx)
	wait := a.Provider.CallDeadline + a.Inquirer.InquiryTerms().Settling
	for _, month := range months {
		for after, more := (key.Delivery{}), true; more && err == nil; {
			looked := 0
			err = s.database(ctx, func(ctx context.Context) (err error) {
				looked, after, err = s.Inquiries.Enqueue(ctx, month, a.lane(), wait, when, after, enqueuePage)
				return err
			})
			more = looked == enqueuePage
		}
	}
	return err
}

// database does what needs the database, again after each outage.
func (s *Service) database(ctx context.Context, do func(context.Context) error) error {
	return s.watch.Retry(ctx, port.ComponentDatabase, do)
}
