package deliver

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Provider is a provider of a channel with the permits that bound the calls to it.
type Provider struct {
	Gateway port.Gateway
	Permits port.Permits
	Weight  int // how many of the channel's messages it gets, compared with the others'; 0: it takes over while all others are held
}

// Lane is the providers of one channel, at least one.
type Lane []Provider

// How long a message waits before it looks at its channel's providers again, where there are several.
const (
	ownTurn   = 250 * time.Millisecond // for the provider whose turn it is
	lookAgain = time.Second            // for whichever has a permit first
)

// lane is a Lane with what Delivery keeps for it.
type lane struct {
	providers []*provider
	lease     time.Duration // of a claim: the longest of the providers', since any of them may make the call
	ahead     *slots        // of the contents that wait for a permit

	mu sync.Mutex // of the turns
}

// provider is a Provider with what Delivery keeps for it.
type provider struct {
	port.Provider
	gateway port.Gateway
	permits port.Permits
	weight  int
	turn    int // grows by the weight with each message; who has most is next
	calls   atomic.Int64
}

func newLane(of Lane) *lane {
	l := &lane{}
	for _, p := range of {
		own := &provider{Provider: p.Gateway.Provider(), gateway: p.Gateway, permits: p.Permits, weight: p.Weight}
		l.providers = append(l.providers, own)
		l.lease = max(l.lease, own.Lease)
	}
	l.ahead = newSlots(contentsAhead(l.providers))
	return l
}

// acquire waits for a permit of one of the providers. Each gets its share by weight of the messages that need not wait; who waits for
// long takes whichever has a permit first. While a provider is held it gets nothing. Its error wraps the context's.
func (l *lane) acquire(ctx context.Context) (*provider, port.Permit, error) {
	if len(l.providers) == 1 {
		only := l.providers[0]
		permit, err := only.permits.Acquire(ctx)
		return only, permit, err
	}
	for {
		free := free(l.providers)
		while := lookAgain
		if len(free) > 0 {
			p := l.next(free)
			permit, err := acquireWithin(ctx, ownTurn, p)
			if err == nil || ctx.Err() != nil {
				return p, permit, err
			}
		} else {
			free, while = l.providers, 0 // all are held: until one is not
		}
		p, permit, err := acquireFirst(ctx, while, free)
		if err == nil || ctx.Err() != nil {
			return p, permit, err
		}
	}
}

// free are the providers that are not held: those with a weight, or else the others.
func free(among []*provider) []*provider {
	free := make([]*provider, 0, len(among))
	for _, p := range among {
		if p.weight > 0 && !p.permits.HeldBack() {
			free = append(free, p)
		}
	}
	if len(free) > 0 {
		return free
	}
	for _, p := range among {
		if p.weight == 0 && !p.permits.HeldBack() {
			free = append(free, p)
		}
	}
	return free
}

// next is whose turn it is: each provider gets as many as its weight says, and they alternate as evenly as they can. One that was held
// does not catch up on what the others got meanwhile.
func (l *lane) next(among []*provider) *provider {
	if len(among) == 1 {
		return among[0]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	total := 0
	for _, p := range among {
		p.turn += max(p.weight, 1) // several without a weight share equally
		total += max(p.weight, 1)
	}
	chosen := slices.MaxFunc(among, func(a, b *provider) int { return a.turn - b.turn })
	chosen.turn -= total
	return chosen
}

// acquireWithin waits for a provider's permit, at most a while.
func acquireWithin(ctx context.Context, while time.Duration, p *provider) (port.Permit, error) {
	ctx, cancel := context.WithTimeout(ctx, while)
	defer cancel()
	return p.permits.Acquire(ctx)
}

// acquireFirst waits for whichever provider has a permit first, at most a while; 0: until the context ends.
func acquireFirst(ctx context.Context, while time.Duration, among []*provider) (*provider, port.Permit, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if while > 0 {
		timer, stop := context.WithTimeout(ctx, while)
		defer stop()
		defer context.AfterFunc(timer, cancel)() // no deadline, which permits that come later would not be waited for until
	}
	type answer struct {
		of     *provider
		permit port.Permit
		err    error
	}
	answers := make(chan answer, len(among))
	for _, p := range among {
		go func() {
			permit, err := p.permits.Acquire(ctx)
			answers <- answer{p, permit, err}
		}()
	}
	first := answer{}
	for range among {
		switch a := <-answers; {
		case first.permit != nil && a.permit != nil: // it came second
			a.permit.Cancel()
		case first.permit == nil:
			first = a
		}
		if first.permit != nil {
			cancel()
		}
	}
	return first.of, first.permit, first.err
}
