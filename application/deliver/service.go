// Package deliver is the Consumer: it prepares each requested statement, claims its delivery key, calls the gateway
// once, and writes the outcome into the ledger before it tells anybody (R2 to R5).
package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// ErrConfig is wrapped by New when Delivery cannot work as configured.
var ErrConfig = errors.New("delivery cannot work as configured")

// Config tunes Delivery.
type Config struct {
	InFlight      int           // messages in hand at once, from consumption to outcome; default 10,000
	Batch         int           // rows of a bulk statement, 1 to 1,000; default 500
	Linger        time.Duration // how long a bulk statement waits for more rows under load, claims of a lane with few permits less; default 0: not at all
	Desks         int           // contents decrypted at once: best one for each processor; default 4
	HaltPoll      time.Duration // how often the halt is read; default 2 s
	DrainFor      time.Duration // how long a shutdown waits for calls under way: at least the longest call deadline; default 1 min
	ContentLimit  int           // contents refused in a row at which Delivery halts itself; default 5
	NoGatewayWait time.Duration // how long until a statement is tried again for which there is no gateway here; default 10 min
	Source        string        // names the process in events; default "balsong/delivery"
}

// WithDefaults returns the config with every zero field set to its default.
func (c Config) WithDefaults() Config {
	if c.InFlight == 0 {
		c.InFlight = 10_000
	}
	if c.Batch == 0 {
		c.Batch = 500
	}
	if c.Desks == 0 {
		c.Desks = 4
	}
	if c.HaltPoll == 0 {
		c.HaltPoll = 2 * time.Second
	}
	if c.DrainFor == 0 {
		c.DrainFor = time.Minute
	}
	if c.ContentLimit == 0 {
		c.ContentLimit = 5
	}
	if c.NoGatewayWait == 0 {
		c.NoGatewayWait = 10 * time.Minute
	}
	if c.Source == "" {
		c.Source = "balsong/delivery"
	}
	return c
}

// reads is how many contents are fetched at once.
const reads = 64

// preparing is how many of the messages in hand are prepared at once. More would not make it faster: contents would
// pile up in memory, and neighbours of a pack would be fetched at times far apart.
const preparing = 1024

// Lane is the gateway of one channel with the permits that bound the calls to it.
type Lane struct {
	Gateway port.Gateway
	Permits port.Permits
}

// Ports are the driven ports that Delivery uses.
type Ports struct {
	Requests     port.Consumer
	Publisher    port.Publisher
	Ledger       port.Ledger
	Suppressions port.Suppressions
	Control      port.Control
	Packs        port.Packs
	Cipher       port.Cipher
	Lanes        map[channel.Kind]Lane
	Clock        port.Clock
	Log          port.Log
	Metrics      port.Metrics
	NewToken     func() attempt.Token // fresh and unguessable
}

// Service delivers requested statements. Make it with New and run it once.
type Service struct {
	Ports
	config   Config
	watch    *outage.Watch
	halt     *gate
	bulk     *bulk
	hints    *hints
	slots    chan struct{} // holds an element for each message in hand
	berths   *berths       // bounds the messages that are being prepared
	next     chan departure
	reads    chan struct{} // holds an element for each content that is being fetched
	desks    chan struct{} // holds an element for each content that is being decrypted
	flights  sync.WaitGroup
	troubles troubles
	refused  atomic.Int32       // contents refused in a row
	life     context.Context    //nolint:containedctx // of the gateway calls under way: longer than Run's context, ended when drained
	end      context.CancelFunc // ends life
}

// New returns a service that is not running yet; it does no I/O. The error wraps ErrConfig: a setting is out of range,
// or a provider's lease is shorter than its call deadline and margin.
func New(ports Ports, config Config) (*Service, error) {
	config = config.WithDefaults()
	if config.InFlight < 1 || config.Batch < 1 || config.Batch > 1000 || config.Linger < 0 || config.Desks < 1 {
		return nil, fmt.Errorf("%w: in flight %d, batch %d, linger %s, desks %d (want at least 1, a batch of 1 to 1,000, a linger of at least 0)", ErrConfig, config.InFlight, config.Batch, config.Linger, config.Desks)
	}
	for kind, lane := range ports.Lanes {
		p := lane.Gateway.Provider()
		if p.CallDeadline <= 0 || p.Lease < p.CallDeadline+p.Margin {
			return nil, fmt.Errorf("%w: %s provider %s: the lease of %s is shorter than the call deadline of %s and the margin of %s",
				ErrConfig, kind, p.Name, p.Lease, p.CallDeadline, p.Margin)
		}
	}
	s := &Service{
		Ports: ports, config: config,
		watch:  outage.New(ports.Clock, ports.Log),
		halt:   newGate(),
		slots:  make(chan struct{}, config.InFlight),
		berths: newBerths(preparing),
		next:   make(chan departure),
		reads:  make(chan struct{}, reads),
		desks:  make(chan struct{}, config.Desks),
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.bulk = newBulk(s)
	s.hints = newHints(s)
	return s, nil
}

// await calls do until it succeeds, refuses the data itself (port.ErrInvalid, port.ErrContent) or the context ends.
// Everything else (a missing right, a missing table) is waited for and logged as an outage of the part: a message must
// not be dropped because somebody has to mend something.
func (s *Service) await(ctx context.Context, part string, do func(ctx context.Context) error) error {
	return s.watch.Retry(ctx, part, func(ctx context.Context) error {
		err := do(ctx)
		switch {
		case err == nil, errors.Is(err, port.ErrInvalid), errors.Is(err, port.ErrContent), errors.Is(err, port.ErrConflict), ctx.Err() != nil:
			return err
		default:
			return errors.Join(port.ErrUnavailable, err)
		}
	})
}

// Down lists the parts that Delivery waits for ("database", "statements", …); none while all are up.
func (s *Service) Down() []string { return s.watch.Down() }

// InHand is how many messages are in hand.
func (s *Service) InHand() int { return len(s.slots) }

// Run consumes requests until the context ends. Then it takes nothing new, gives up what it has not claimed, lets calls
// under way end (for Config.DrainFor at most) and stores their outcomes. What it does not finish is redelivered, or
// becomes UNKNOWN when its lease ends. The end of the context is no error.
func (s *Service) Run(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var halting sync.WaitGroup
	halting.Go(func() { s.watchHalt(watching) })
	err := s.Requests.Run(ctx, s.take)
	close(s.next)
	stop()
	halting.Wait()
	s.drain()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// departure is a message that holds its places, on its way to the goroutine that delivers it.
type departure struct {
	ctx     context.Context //nolint:containedctx // the partition's, of this message alone
	message port.Received
}

// take starts the delivery of one message. It blocks the message's partition while too many are in hand, or being
// prepared.
func (s *Service) take(ctx context.Context, m port.Received) {
	if !s.berths.enter(ctx, m.Time) {
		return
	}
	if !enter(ctx, s.slots) {
		s.berths.leave()
		return
	}
	d := departure{ctx, m}
	select {
	case s.next <- d: // to a goroutine that has finished a message: its stack has grown already
	default:
		s.flights.Go(func() { s.fly(d) })
	}
}

// fly delivers one message after another, and gives back the places that each holds.
func (s *Service) fly(d departure) {
	for more := true; more; d, more = <-s.next {
		prepared := sync.OnceFunc(s.berths.leave)
		s.deliver(d.ctx, d.message, prepared)
		prepared()
		<-s.slots
	}
}

// enter takes a place; it reports false if the context ended first.
func enter(ctx context.Context, places chan<- struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// drain waits for the messages in hand, for Config.DrainFor at most, then cancels what is left of them and waits until
// it has returned.
func (s *Service) drain() {
	landed := make(chan struct{})
	go func() {
		s.flights.Wait()
		close(landed)
	}()
	select {
	case <-landed:
	case <-s.Clock.After(s.config.DrainFor):
		s.Log.Warn("calls are still under way; their outcomes become UNKNOWN when their leases end",
			port.Field{Key: "in_hand", Value: s.InHand()})
	}
	s.end()
	s.bulk.close()
	<-landed
	s.hints.close()
}
