// Package permits bounds the calls to a provider: how many this process makes at once, as many as the provider takes, how many a
// second all processes make together, and none while the provider refuses everything, asks to wait, or does not answer (a circuit
// breaker).
package permits

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// Config says how calls to a provider are bounded. Rate and the calls at once are the provider's own.
type Config struct {
	Provider port.Provider
	// Failures in a row (not made, or without an answer) that open the breaker; default 20, negative: none do. What the
	// provider says opens it in any case.
	Failures int
	Pause    time.Duration // how long an open breaker lets nothing through; default 10 s, doubled while the provider refuses
	MaxPause time.Duration // the longest pause; default 5 min. A wait that the provider asks for may be longer
	Changed  func(Change)  // called when the breaker opens, and when it closes; it must not call Permits; nil: not called
	Limited  func(int)     // called when the calls that run at once become fewer or more; it must not call Permits; nil: not called
	// Prepare is asked before each permit for what a call needs from elsewhere. While it fails, the breaker is open. nil: nothing
	Prepare func(context.Context) error

	Budgets port.Budgets       // of a provider with a rate
	Budget  string             // the name under which processes share the rate; default the provider's account
	Slowed  func(rate float64) // called when this process has lowered the rate of all; nil: not called
	Unused  func(Unused)       // called at most every 10 s when calls were reserved and lost; it must not call Permits; nil: not called
	Failed  func(error)        // called when the budget could not be used; it is tried again; nil: not called
}

// Change says that the breaker opened, or that it closed.
type Change struct {
	Open  bool
	Until time.Time // of Open: when one call tests the provider
	Words string    // of Open: what the provider said, or why it could not be called
}

// Permits is a port.Permits for one process. Safe for concurrent use.
type Permits struct {
	name     string
	inFlight chan struct{} // holds an element for each call that runs, and for each place that is withheld
	budget   *budget       // nil: the provider has no rate
	prepare  func(context.Context) error

	mu          sync.Mutex
	concurrency concurrency
	withheld    int       // places that no call may take: the provider has shown that it does not take so many
	limited     func(int) // with mu held
	breaker     breaker
	report      func(Change)  // with mu held, so that changes are reported in their order
	changed     chan struct{} // closed, and made anew, when the breaker may let a waiting call through
}

var _ port.Permits = (*Permits)(nil)

// New checks the settings, wrapping port.ErrProvider.
func New(c Config) (*Permits, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	if c.Failures == 0 {
		c.Failures = 20
	}
	if c.Pause <= 0 {
		c.Pause = 10 * time.Second
	}
	if c.MaxPause <= 0 {
		c.MaxPause = 5 * time.Minute
	}
	if c.Budget == "" {
		c.Budget = c.Provider.Account()
	}
	if c.Changed == nil {
		c.Changed = func(Change) {}
	}
	if c.Limited == nil {
		c.Limited = func(int) {}
	}
	if c.Slowed == nil {
		c.Slowed = func(float64) {}
	}
	if c.Unused == nil {
		c.Unused = func(Unused) {}
	}
	if c.Failed == nil {
		c.Failed = func(error) {}
	}
	p := &Permits{
		name:        c.Provider.Account(),
		inFlight:    make(chan struct{}, c.Provider.InFlight),
		prepare:     c.Prepare,
		concurrency: newConcurrency(c.Provider.InFlight, c.Pause, c.MaxPause),
		limited:     c.Limited,
		report:      c.Changed,
		breaker:     breaker{failures: max(c.Failures, 0), pause: c.Pause, maxPause: c.MaxPause},
		changed:     make(chan struct{}),
	}
	if c.Provider.Rate > 0 {
		if c.Budgets == nil {
			return nil, fmt.Errorf("%w: provider %q has a rate, and there are no budgets", port.ErrProvider, c.Provider.Account())
		}
		p.budget = newBudget(c)
	}
	return p, nil
}

// Acquire implements port.Permits. The order matters: first a place in flight, then the breaker, then the rate. So no
// call holds an instant of the budget while it waits for the breaker, and none slips past a breaker that has opened.
func (p *Permits) Acquire(ctx context.Context) (port.Permit, error) {
	select {
	case p.inFlight <- struct{}{}:
	case <-ctx.Done():
		return nil, p.ended(ctx.Err())
	}
	if err := ctx.Err(); err != nil { // both were ready
		p.leave()
		return nil, p.ended(err)
	}
	for {
		generation, err := p.pass(ctx)
		if err != nil {
			p.leave()
			return nil, p.ended(err)
		}
		given := &permit{permits: p, generation: generation}
		if p.prepare != nil {
			if err := p.prepare(ctx); err != nil {
				if ctx.Err() != nil {
					given.Cancel()
					return nil, p.ended(ctx.Err())
				}
				p.learn(generation, port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Detail: err.Error()})
				continue
			}
		}
		if p.budget != nil {
			if given.turn, err = p.budget.wait(ctx); err != nil {
				given.Cancel()
				return nil, p.ended(err)
			}
		}
		if given.valid() {
			return given, nil
		}
		given.cancel()
	}
}

// pass waits for the breaker and returns its generation.
func (p *Permits) pass(ctx context.Context) (generation int, err error) {
	for {
		p.mu.Lock()
		ok, wait := p.breaker.admit(time.Now())
		generation, changed := p.breaker.opened, p.changed
		p.mu.Unlock()
		if ok {
			return generation, nil
		}
		if err := await(ctx, changed, wait); err != nil {
			return 0, err
		}
	}
}

// HeldBack implements port.Permits.
func (p *Permits) HeldBack() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.breaker.holds(time.Now())
}

// learn lets the breaker learn from a call, wakes the calls that wait for it, and reports a change.
func (p *Permits) learn(generation int, reply port.Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &p.breaker
	opened, tested := b.opened, b.tested
	now := time.Now()
	p.fit(reply, now)
	b.report(generation, reply, now)
	if b.opened != opened || !tested {
		p.wake()
	}
	switch {
	case b.opened != opened:
		p.report(Change{Open: true, Until: b.until, Words: b.why})
	case !tested && b.tested && b.opened > 0:
		p.report(Change{})
	}
}

// fit lets as many calls run at once as the provider takes. The caller holds mu.
func (p *Permits) fit(reply port.Reply, now time.Time) {
	changed := false
	if reply.Concurrency > 0 {
		changed = p.concurrency.refused(reply.Concurrency, now)
	} else if reply.Verdict == port.CallAccepted && len(p.inFlight) == cap(p.inFlight) { // calls may wait for a place
		changed = p.concurrency.accepted(now)
	}
	if !changed {
		return
	}
	p.limited(p.concurrency.limit)
	for p.withheld < p.concurrency.most-p.concurrency.limit { // the rest is withheld as calls end: see leave
		select {
		case p.inFlight <- struct{}{}:
			p.withheld++
			continue
		default:
		}
		break
	}
	for ; p.withheld > p.concurrency.most-p.concurrency.limit; p.withheld-- {
		<-p.inFlight
	}
}

// leave gives the place of a call back, or withholds it.
func (p *Permits) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.withheld < p.concurrency.most-p.concurrency.limit {
		p.withheld++
		return
	}
	<-p.inFlight
}

// cancel takes back a call that was not made.
func (p *Permits) cancel(generation int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breaker.cancel(generation)
	if !p.breaker.tested {
		p.wake()
	}
}

// wake lets waiting calls look at the breaker again. The caller holds mu.
func (p *Permits) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Permits) ended(err error) error {
	return fmt.Errorf("no permit for a call to %s: %w", p.name, err)
}

// await returns at a change, or after a while; 0: at a change alone.
func await(ctx context.Context, changed <-chan struct{}, while time.Duration) error {
	var over <-chan time.Time
	if while > 0 {
		timer := time.NewTimer(while)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
		return nil
	case <-over:
		return nil
	}
}
