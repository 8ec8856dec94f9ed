package permits

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

func TestTheLimitShrinksToWhatIsTakenAndGrowsBack(t *testing.T) {
	t.Parallel()
	r := newConcurrency(100, 10*time.Second, time.Minute)
	at := noon
	for _, shown := range []struct {
		after       time.Duration
		taken, want int
	}{{0, 3, 3}, {0, 10, 10}, {0, 4, 10}, {2 * time.Second, 12, 10}, {2 * time.Second, 8, 8}} {
		at = at.Add(shown.after)
		before := r.limit
		if changed := r.refused(shown.taken, at); r.limit != shown.want || changed != (before != r.limit) {
			t.Fatalf("%+v: the limit is %d", shown, r.limit)
		}
	}
	if r.accepted(at.Add(9 * time.Second)) {
		t.Error("it grows at once")
	}
	var limits []int
	for r.limit < 100 {
		at = at.Add(10 * time.Second)
		if !r.accepted(at) || r.accepted(at) {
			t.Fatalf("at %s the limit is %d", at, r.limit)
		}
		limits = append(limits, r.limit)
	}
	if !slices.Equal(limits, []int{9, 11, 15, 23, 39, 71, 100}) {
		t.Errorf("it grows as %v", limits)
	}
}

// A server that keeps to its limit is asked for one more seldom: each such question costs a bill a detour.
func TestALimitThatStaysIsTestedEverMoreSeldom(t *testing.T) {
	t.Parallel()
	r := newConcurrency(100, 10*time.Second, time.Minute)
	at := noon
	r.refused(3, at)
	var waits []time.Duration
	for range 6 {
		began := at
		for !r.accepted(at) {
			at = at.Add(time.Second)
		}
		waits = append(waits, at.Sub(began))
		if r.limit != 4 {
			t.Fatalf("it grows to %d", r.limit)
		}
		r.refused(3, at)
	}
	if want := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute, time.Minute}; !slices.Equal(waits, want) {
		t.Errorf("the waits are %v", waits)
	}
	if r.refused(0, at.Add(2*time.Second)); r.limit != 1 {
		t.Errorf("no call may run: %d", r.limit)
	}
}

func settings(inFlight int) port.Provider {
	return port.Provider{Name: "test", Channel: channel.Email, CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: inFlight}
}

// A server with a limit of connections refuses some calls at first, and then hardly any, whatever is configured.
func TestCallsAreAsManyAsTheServerTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const taken, calls = 10, 5_000
		var limits []int
		p, err := New(Config{Provider: settings(100), Limited: func(limit int) { limits = append(limits, limit) }})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var open, refused, done atomic.Int32
		var late atomic.Int32
		for range 200 {
			all.Go(func() {
				for done.Add(1) <= calls {
					permit, err := p.Acquire(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if n := open.Add(1); n > taken {
						open.Add(-1)
						refused.Add(1)
						if done.Load() > calls/10 {
							late.Add(1)
						}
						permit.Release(port.Reply{Verdict: port.CallThrottled, Concurrency: taken})
						continue
					}
					time.Sleep(100 * time.Millisecond)
					open.Add(-1)
					permit.Release(port.Reply{Verdict: port.CallAccepted})
				}
			})
		}
		all.Wait()
		if refused.Load() > 100 || late.Load() > 30 {
			t.Errorf("%d calls were refused, %d of them late", refused.Load(), late.Load())
		}
		if limits[0] != taken || slices.Min(limits) != taken {
			t.Errorf("the limits were %v", limits)
		}
	})
}

func TestAllPlacesComeBackOnceTheServerTakesThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Config{Provider: settings(12)})
		if err != nil {
			t.Fatal(err)
		}
		take := func() port.Permit {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			permit, err := p.Acquire(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				return nil
			}
			return permit
		}
		first := take()
		first.Release(port.Reply{Verdict: port.CallAccepted})
		under := []port.Permit{take(), take(), take(), take(), take()}
		under[0].Release(port.Reply{Verdict: port.CallThrottled, Concurrency: 2})
		if take() != nil {
			t.Error("a permit beside four calls that run, of two that are taken")
		}
		under[1].Cancel()
		under[2].Release(port.Reply{Verdict: port.CallNotMade})
		if take() != nil {
			t.Error("a permit beside two calls that run")
		}
		for range 10 {
			under[3].Release(port.Reply{Verdict: port.CallAccepted})
			time.Sleep(10 * time.Second)
			under[3] = take()
			if under[3] == nil {
				t.Fatal("no place came back")
			}
			extra := take()
			if extra != nil {
				extra.Cancel()
			}
		}
		under[3].Release(port.Reply{Verdict: port.CallAccepted})
		under[4].Release(port.Reply{Verdict: port.CallAccepted})
		if len(p.inFlight) != p.withheld || p.concurrency.limit+p.withheld != 12 {
			t.Errorf("%d places taken, %d withheld, limit %d", len(p.inFlight), p.withheld, p.concurrency.limit)
		}
	})
}

// What a call needs from elsewhere is asked for before each permit. While it cannot be had, no call gets one, and everybody
// who looks at the breaker is told why.
func TestNoPermitIsGivenBeforeWhatACallNeedsIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		broken := errors.New("the token endpoint idp.example.com cannot be reached")
		failing, asked := true, 0
		p, err := New(Config{
			Provider: settings(3), Changed: func(c Change) { changes = append(changes, c) },
			Prepare: func(context.Context) error {
				if asked++; failing {
					return broken
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a permit: %v", err)
		}
		if asked != 2 || len(changes) != 2 || !changes[0].Open || changes[0].Words != broken.Error() {
			t.Errorf("asked %d times (want at 0 and 10 s), %+v", asked, changes)
		}
		failing = false
		permit, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		permit.Release(port.Reply{Verdict: port.CallAccepted})
		if last := changes[len(changes)-1]; last.Open || len(p.inFlight) != 0 {
			t.Errorf("%+v, %d places taken", last, len(p.inFlight))
		}
	})
}

func TestAWaitForWhatACallNeedsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Provider: settings(1), Prepare: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := p.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) || len(p.inFlight) != 0 || p.breaker.opened != 0 {
			t.Errorf("%v, %d places taken, the breaker opened %d times", err, len(p.inFlight), p.breaker.opened)
		}
		cancel()
	}
}
