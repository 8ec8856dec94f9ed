// Package permits bounds the calls to a provider from one process: how many at once, how many a second, and none while
// the provider does not answer (a circuit breaker).
package permits

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/balsong/balsong/application/port"
)

// Config says how calls to a provider are bounded. Rate, burst and the calls at once are the provider's own.
type Config struct {
	Provider port.Provider
	// Failures in a row (not made, or without an answer) that open the breaker; default 20, negative: no breaker.
	Failures int
	Pause    time.Duration // how long an open breaker lets nothing through; default 10 s
}

// Permits is a port.Permits for one process. A refusal is an answer too: only calls without an answer open the breaker.
// Safe for concurrent use.
type Permits struct {
	name     string
	inFlight chan struct{}
	limiter  *rate.Limiter
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: none
	pause    time.Duration

	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, when the breaker may let a waiting call through
}

var _ port.Permits = (*Permits)(nil)

var (
	errSilent = errors.New("the provider did not answer") // counts against it
	errNoCall = errors.New("no call was made")            // counts for nothing
)

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
	limit := rate.Inf
	if c.Provider.Rate > 0 {
		limit = rate.Limit(c.Provider.Rate)
	}
	p := &Permits{
		name:     c.Provider.Name,
		inFlight: make(chan struct{}, c.Provider.InFlight),
		limiter:  rate.NewLimiter(limit, max(c.Provider.Burst, 1)),
		pause:    c.Pause,
		changed:  make(chan struct{}),
	}
	if c.Failures > 0 {
		p.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name:          c.Provider.Name,
			MaxRequests:   1, // call at once tests a provider after the pause
			Timeout:       c.Pause,
			ReadyToTrip:   func(n gobreaker.Counts) bool { return int(n.ConsecutiveFailures) >= c.Failures },
			IsExcluded:    func(err error) bool { return errors.Is(err, errNoCall) },
			OnStateChange: func(string, gobreaker.State, gobreaker.State) { p.wake() },
		})
	}
	return p, nil
}

// Acquire implements port.Permits. The order matters: first a place in flight, then the breaker, then the rate. So no
// call holds a token of the rate while it waits for the breaker, and none slips past a breaker that has opened.
func (p *Permits) Acquire(ctx context.Context) (func(verdict port.Verdict, made bool), error) {
	select {
	case p.inFlight <- struct{}{}:
	case <-ctx.Done():
		return nil, p.ended(ctx.Err())
	}
	if err := ctx.Err(); err != nil { // both were ready
		<-p.inFlight
		return nil, p.ended(err)
	}
	done, err := p.pass(ctx)
	if err != nil {
		<-p.inFlight
		return nil, p.ended(err)
	}
	var once sync.Once
	return func(verdict port.Verdict, made bool) {
		once.Do(func() {
			done(judge(verdict, made))
			<-p.inFlight
		})
	}, nil
}

// Open reports whether the breaker is open: no call is let through now.
func (p *Permits) Open() bool {
	return p.breaker != nil && p.breaker.State() == gobreaker.StateOpen
}

// pass waits for the breaker and the rate.
func (p *Permits) pass(ctx context.Context) (done func(error), err error) {
	if p.breaker == nil {
		return func(error) {}, p.token(ctx)
	}
	for {
		changed := p.watch() // before the look, so that no change is missed
		switch p.breaker.State() {
		case gobreaker.StateClosed:
			if err := p.token(ctx); err != nil {
				return nil, err
			}
			if done, err := p.breaker.Allow(); err == nil {
				return p.report(done), nil
			}
		case gobreaker.StateHalfOpen:
			if done, err := p.breaker.Allow(); err == nil {
				done = p.report(done)
				if err := p.token(ctx); err != nil {
					done(errNoCall)
					return nil, err
				}
				return done, nil
			}
			if err := wait(ctx, changed, p.pause/4+time.Millisecond); err != nil {
				return nil, err
			}
		default:
			if err := wait(ctx, changed, p.pause/4+time.Millisecond); err != nil {
				return nil, err
			}
		}
	}
}

// report wraps the breaker's own report of a call's end: it also wakes the calls that wait for a probe to end, because
// the breaker itself announces nothing when a probe made no call.
func (p *Permits) report(done func(error)) func(error) {
	return func(err error) {
		done(err)
		if err != nil || p.breaker.State() != gobreaker.StateClosed {
			p.wake()
		}
	}
}

// token waits for the rate limit.
func (p *Permits) token(ctx context.Context) error {
	err := p.limiter.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the rate of %s leaves no permit before the deadline: %w", p.name, context.DeadlineExceeded)
	}
	return err
}

// watch returns a channel that is closed at the next wake.
func (p *Permits) watch() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// wake lets waiting calls look at the breaker again.
func (p *Permits) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Permits) ended(err error) error {
	return fmt.Errorf("no permit for a call to %s: %w", p.name, err)
}

// judge returns what a call's end means for the breaker: nil for an answer, errSilent, or errNoCall.
func judge(verdict port.Verdict, made bool) error {
	switch {
	case !made:
		return errNoCall
	case verdict == port.CallNotMade || verdict == port.CallUnknown:
		return errSilent
	default:
		return nil
	}
}

// wait returns at a change, or after a while: gobreaker goes from open to half-open only when it is asked.
func wait(ctx context.Context, changed <-chan struct{}, while time.Duration) error {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
		return nil
	case <-timer.C:
		return nil
	}
}
