package deliver_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// countedPacks counts the contents that were fetched.
type countedPacks struct {
	port.Packs
	fetched atomic.Int32
}

func (p *countedPacks) Get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	p.fetched.Add(1)
	return p.Packs.Get(ctx, ref, buffer)
}

// The e-mail gateway allows 200 calls at once, and lets none through: some contents stand ready, the other messages wait
// without theirs, more of them than may be prepared at once, and those of another channel go out meanwhile.
func TestNoMoreContentsAreFetchedThanCallsCanUse(t *testing.T) {
	t.Parallel()
	const mails, texts, calls, ready = 1500, 5, 200, 400
	packs := &countedPacks{}
	shut := newTurnstile()
	w := newWorld(t, func(w *world) {
		packs.Packs = w.packsPort
		w.packsPort = packs
		w.email = w.gateway(channel.Email, calls)
		w.gateways[channel.Email] = w.email
		w.permitsOf = map[channel.Kind]port.Permits{channel.Email: shut}
	})
	for user := int64(1); user <= mails+texts; user++ {
		w.bill(t, user, func(s *memory.Seeded) {
			if user > mails {
				s.Destinations = []port.Destination{sealedDestination(t, w.cipher, w.key(user), channel.SMS, "+821012345678")}
				s.State.Reachable = channel.NewSet(channel.SMS)
			}
		})
	}
	w.dispatch(t)
	w.start(t)
	eventually(t, "every mail is in flight, most wait without their content, and the others have it", func() bool {
		return w.service.InFlight() == mails && w.service.WaitingForContent(channel.Email) == mails-ready && packs.fetched.Load() >= ready+texts
	})
	w.expectCalls(t, w.sms, texts)
	if n := packs.fetched.Load(); n != ready+texts {
		t.Errorf("%d contents were fetched, want %d that stand ready and %d that went out", n, ready, texts)
	}
	shut.open()
	w.awaitDrained(t)
	w.expectCalls(t, w.email, mails)
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
}

// crowd counts who is in it at once, and lets nobody out before as many as quorum are.
type crowd struct {
	quorum        int
	complete      chan struct{}
	all           func() // closes complete
	mu            sync.Mutex
	present, peak int
}

func newCrowd(quorum int) *crowd {
	c := &crowd{quorum: quorum, complete: make(chan struct{})}
	c.all = sync.OnceFunc(func() { close(c.complete) })
	return c
}

func (c *crowd) enter() (leave func()) {
	c.mu.Lock()
	c.present++
	c.peak = max(c.peak, c.present)
	if c.present == c.quorum {
		c.all()
	}
	c.mu.Unlock()
	<-c.complete
	for range 100 {
		runtime.Gosched() // so that one more could come
	}
	return func() {
		c.mu.Lock()
		c.present--
		c.mu.Unlock()
	}
}

type crowdedPacks struct {
	port.Packs
	*crowd
}

func (p crowdedPacks) Get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	defer p.enter()()
	return p.Packs.Get(ctx, ref, buffer)
}

type crowdedCipher struct {
	port.Cipher
	*crowd
}

func (c crowdedCipher) Open(sealed []byte, purpose port.Purpose) ([]byte, error) {
	if purpose.Kind == port.KindStatement {
		defer c.enter()()
	}
	return c.Cipher.Open(sealed, purpose)
}

func TestSomeContentsAloneAreFetchedAtOnceAndAFewDecrypted(t *testing.T) {
	t.Parallel()
	const mails, fetches, decryptions = 300, 64, 3
	fetching, decrypting := newCrowd(fetches), newCrowd(decryptions)
	w := newWorld(t, func(w *world) {
		w.config.Limits.Decryptions = decryptions
		w.packsPort, w.cipherPort = crowdedPacks{w.packs, fetching}, crowdedCipher{w.cipher, decrypting}
		w.email = w.gateway(channel.Email, mails)
		w.gateways[channel.Email] = w.email
	})
	for user := int64(1); user <= mails; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, mails)
	if fetching.peak != fetches || decrypting.peak != decryptions {
		t.Errorf("%d contents were fetched at once and %d decrypted, want %d and %d at most", fetching.peak, decrypting.peak, fetches, decryptions)
	}
}

func TestAsManyContentsStandReadyAsCallsUseWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for want, provider := range map[int]port.Provider{
		64:  {InFlight: 200, Rate: 0.5},
		400: {InFlight: 200},
		100: {InFlight: 200, Rate: 50},
		402: {InFlight: 201, Rate: 1000},
	} {
		provider.Name, provider.Channel, provider.CallDeadline, provider.Lease, provider.Margin = "test", channel.Email, callDeadline, lease, margin
		ports := w.ports()
		ports.Lanes = map[channel.Kind]deliver.Lane{channel.Email: {{Gateway: memory.NewGateway(provider, w.clock), Permits: w.permits}}}
		s, err := deliver.New(ports, w.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.ContentsAhead(channel.Email); got != want {
			t.Errorf("%+v: %d contents may wait for a permit, want %d", provider, got, want)
		}
	}
}

func TestAsManyMessagesAreInFlightAsTheGatewaysCanUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		w.config.Limits.InFlight = 10_000
		w.permits = newTurnstile()
	})
	for permits, want := range map[int]int{1: 1000, 100: 1000, 250: 2500, 5000: 10_000} {
		lanes := map[channel.Kind]deliver.Lane{channel.Email: {{
			Gateway: memory.NewGateway(port.Provider{
				Name: "test", Channel: channel.Email, CallDeadline: callDeadline, Lease: lease, Margin: margin, InFlight: permits,
			}, w.clock), Permits: w.permits,
		}}}
		ports := w.ports()
		ports.Lanes = lanes
		s, err := deliver.New(ports, w.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.MaxInFlight(); got != want {
			t.Errorf("%d permits: %d messages may be in flight, want %d", permits, got, want)
		}
	}
}

func TestTheCallsUnderWayAreMeasuredBesideHowManyMayBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		w.email = w.gateway(channel.Email, 50)
		w.gateways[channel.Email] = w.email
	})
	w.email.Script(memory.GatewayAnswer{Block: true}, memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.bill(t, 2)
	w.dispatch(t)
	w.start(t)
	measured := func() []float64 {
		w.service.Measure()
		provider := w.email.Provider().Account()
		return append(w.metrics.Recorded(metric.CallsInFlight.Metric, provider), w.metrics.Recorded(metric.CallsInFlightLimit.Metric, provider)...)
	}
	eventually(t, "two of fifty calls are under way", func() bool { return slices.Equal(measured(), []float64{2, 50}) })
	w.email.Release()
	w.awaitDrained(t)
	if got := measured(); !slices.Equal(got, []float64{0, 50}) {
		t.Errorf("after the last answer: %v", got)
	}
}
