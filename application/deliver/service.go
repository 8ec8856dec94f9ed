// Package deliver is the Consumer: it prepares each requested statement, claims its delivery key, calls the gateway
// once, and writes the outcome into the ledger before it publishes any result (R2 to R5). Begin reading at
// Service.deliver.
package deliver

import (
	"context"
	"errors"
	"sync"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// Ports are the driven ports that Delivery uses.
type Ports struct {
	Requests     port.Consumer
	Publisher    port.Publisher
	Ledger       port.Ledger
	Suppressions port.Suppressions
	Control      port.Control
	ChannelHalts port.ChannelHalts
	Packs        port.Packs
	Cipher       port.Cipher
	Lanes        map[channel.Kind]Lane
	Clock        port.Clock
	Log          port.Log
	Metrics      port.Metrics
	Tracer       *trace.Tracer        // nil: no spans
	NewToken     func() attempt.Token // fresh and unguessable
}

// Service delivers requested statements. Make it with New and run it once.
type Service struct {
	config   Config
	requests port.Consumer
	newToken func() attempt.Token
	clock    port.Clock
	log      port.Log
	metrics  port.Metrics
	tracer   *trace.Tracer
	zones    *port.Zones

	watch        *outage.Watch
	callFailures outage.Failures // by provider
	halt         *halt
	lanes        map[channel.Kind]*lane
	contents     *contents
	ledger       *ledger
	deadLetters  *deadLetters
	results      *resultPublisher

	inFlight chan struct{} // holds an element for each message from consumption to outcome
	prepare  *slots        // of the messages that are being prepared
	jobs     chan job      // to workers that have finished a message
	workers  sync.WaitGroup
}

// New returns a service that is not running yet; it does no I/O. The error wraps ErrConfig: a setting is out of range,
// or a provider's lease is shorter than its call deadline and margin.
func New(ports Ports, config Config) (*Service, error) {
	config = config.WithDefaults()
	if err := config.validate(ports.Lanes); err != nil {
		return nil, err
	}
	lanes := map[channel.Kind]*lane{}
	for kind, l := range ports.Lanes {
		lanes[kind] = newLane(l)
	}
	config.Limits.InFlight = inFlight(config.Limits.InFlight, lanes)
	watch := outage.New(ports.Clock, ports.Log)
	return &Service{
		config: config, requests: ports.Requests, newToken: ports.NewToken,
		clock: ports.Clock, log: ports.Log, metrics: ports.Metrics, tracer: ports.Tracer, zones: &port.Zones{},
		watch:       watch,
		halt:        newHalt(ports.Control, ports.ChannelHalts, watch, ports.Clock, ports.Log, config),
		lanes:       lanes,
		contents:    newContents(ports.Packs, ports.Cipher, watch, ports.Metrics, config.Limits.Decryptions),
		ledger:      newLedger(ports.Ledger, ports.Suppressions, watch, ports.Clock, lanes, config),
		deadLetters: &deadLetters{publisher: ports.Publisher, watch: watch, log: ports.Log, metrics: ports.Metrics},
		results:     newResultPublisher(ports, config),
		inFlight:    make(chan struct{}, config.Limits.InFlight),
		prepare:     newSlots(prepareSlots),
		jobs:        make(chan job),
	}, nil
}

// Down lists the components that Delivery waits for ("database", "statements", …); none while all are up.
func (s *Service) Down() []string { return s.watch.Down() }

// InFlight is how many messages are between consumption and outcome.
func (s *Service) InFlight() int { return len(s.inFlight) }

// Measure sets the gauges of the calls under way and of how many may be.
func (s *Service) Measure() {
	for _, l := range s.lanes {
		for _, p := range l.providers {
			metric.CallsInFlight.Set(s.metrics, float64(p.calls.Load()), p.Account())
			metric.CallsInFlightLimit.Set(s.metrics, float64(min(p.InFlight, s.config.Limits.InFlight)), p.Account())
		}
	}
}

// Run consumes requests until the context ends. Then it takes nothing new, gives up what it has not claimed, lets calls
// under way end (for Patience.Drain at most) and stores their outcomes. What it does not finish is redelivered, or
// becomes UNKNOWN when its lease ends. The end of the context is no error.
func (s *Service) Run(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var halting sync.WaitGroup
	halting.Go(func() { s.halt.watch(watching) })
	shutdownCtx, endCalls := context.WithCancel(context.WithoutCancel(ctx))
	err := s.requests.Run(ctx, func(ctx context.Context, m port.Received) { s.take(ctx, shutdownCtx, m) })
	close(s.jobs)
	stop()
	halting.Wait()
	s.drain(endCalls)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// job is a message that holds its slots, on its way to the worker that delivers it.
type job struct {
	ctx     context.Context //nolint:containedctx // the partition's, of this message alone
	message port.Received
}

// take starts the delivery of one message. It blocks the message's partition while too many are in flight, or being
// prepared. shutdownCtx ends when a shutdown has waited long enough for the calls under way.
func (s *Service) take(ctx, shutdownCtx context.Context, m port.Received) {
	if !s.prepare.enter(ctx, m.Time) {
		return
	}
	if !enter(ctx, s.inFlight) {
		s.prepare.leave()
		return
	}
	select {
	case s.jobs <- job{ctx, m}: // to a worker that has finished a message: its stack has grown already
	default:
		s.workers.Go(func() { s.work(shutdownCtx, job{ctx, m}) })
	}
}

// work delivers one message after another, and gives back the slots that each holds.
func (s *Service) work(shutdownCtx context.Context, j job) {
	for more := true; more; j, more = <-s.jobs {
		prepared := sync.OnceFunc(s.prepare.leave)
		s.deliver(j.ctx, shutdownCtx, j.message, prepared)
		prepared()
		<-s.inFlight
	}
}

// drain waits for the messages in flight, for Patience.Drain at most, then ends the calls that are left and waits until
// their workers have returned.
func (s *Service) drain(endCalls context.CancelFunc) {
	drained := make(chan struct{})
	go func() {
		s.workers.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-s.clock.After(s.config.Patience.Drain):
		s.log.Warn("calls are still under way; their outcomes become UNKNOWN when their leases end",
			port.Field{Key: "in_flight", Value: s.InFlight()})
	}
	endCalls()
	s.ledger.shutdown()
	<-drained
	s.results.shutdown()
}
