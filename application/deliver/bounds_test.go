package deliver_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/memory"
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

// The e-mail gateway allows ten calls at once, and lets none through: some contents stand ready, the other messages wait
// without theirs, and those of another channel go out meanwhile.
func TestNoMoreContentsAreFetchedThanCallsCanUse(t *testing.T) {
	t.Parallel()
	const mails, texts, ready = 300, 5, 64
	packs := &countedPacks{}
	shut := newTurnstile()
	w := newWorld(t, func(w *world) {
		packs.Packs = w.packsPort
		w.packsPort = packs
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
	eventually(t, "every mail is in flight, and most wait without their content", func() bool {
		return w.service.InFlight() == mails && w.service.WaitingForContent(channel.Email) == mails-ready
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

func TestAsManyMessagesAreInFlightAsTheGatewaysCanUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		w.config.Limits.InFlight = 10_000
		w.permits = newTurnstile()
	})
	for permits, want := range map[int]int{1: 1000, 100: 1000, 250: 2500, 5000: 10_000} {
		lanes := map[channel.Kind]deliver.Lane{channel.Email: {
			Gateway: memory.NewGateway(port.Provider{
				Name: "test", Channel: channel.Email, CallDeadline: callDeadline, Lease: lease, Margin: margin, InFlight: permits,
			}, w.clock), Permits: w.permits,
		}}
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
