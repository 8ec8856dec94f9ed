package permits

import (
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

var (
	noon      = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	suspended = port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Detail: "554 5.7.1 Sending suspended"}
)

// say makes one call at an instant, and returns until when the breaker is open then.
func say(t *testing.T, b *breaker, at time.Time, reply port.Reply) time.Time {
	t.Helper()
	if ok, wait := b.admit(at); !ok {
		t.Fatalf("at %s it lets no call through, for %s", at, wait)
	}
	b.report(b.opened, reply, at)
	return b.until
}

func TestEachRefusedTestDoublesThePauseUntilTheProviderTakesAMessage(t *testing.T) {
	t.Parallel()
	b := &breaker{pause: 10 * time.Second, maxPause: time.Minute}
	at := noon
	for range 2 {
		for _, pause := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
			until := say(t, b, at, suspended)
			if got := until.Sub(at); got != pause || b.why != suspended.Detail {
				t.Fatalf("it opens for %s (%s), want %s", got, b.why, pause)
			}
			if ok, wait := b.admit(at); ok || wait != pause {
				t.Fatalf("while it is open: %t, %s", ok, wait)
			}
			at = until
		}
		say(t, b, at, port.Reply{Verdict: port.CallAccepted})
	}
}

func TestAWaitThatTheProviderAsksForIsBelievedForAnHour(t *testing.T) {
	t.Parallel()
	b := &breaker{pause: 10 * time.Second, maxPause: time.Minute}
	for asked, want := range map[time.Duration]time.Duration{20 * time.Second: 20 * time.Second, 24 * time.Hour: time.Hour} {
		at := noon
		if b.state == open {
			at = b.until
		}
		if got := say(t, b, at, port.Reply{Verdict: port.CallThrottled, Hold: asked}).Sub(at); got != want {
			t.Errorf("asked for %s, it opens for %s", asked, got)
		}
	}
}

// A customer's refusal says that the provider works, however often it comes.
func TestRefusalsOfCustomersNeverOpenTheBreaker(t *testing.T) {
	t.Parallel()
	b := &breaker{failures: 20, pause: time.Second, maxPause: time.Minute}
	for range 1000 {
		say(t, b, noon, port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent})
		say(t, b, noon, port.Reply{Verdict: port.CallThrottled}) // of one recipient, such as a grey list
	}
	if b.opened > 0 {
		t.Errorf("it opened: %s", b.why)
	}
}

// A provider that refuses everything again while its return is being reported is reported as open at the end.
func TestChangesAreReportedInTheirOrder(t *testing.T) {
	t.Parallel()
	var changes []bool
	var bounds *Permits
	again := make(chan struct{})
	call := func(reply port.Reply) {
		permit, err := bounds.Acquire(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		permit.Release(reply)
	}
	bounds, err := New(Config{
		Provider: port.Provider{Name: "test", Channel: channel.SMS, CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 10},
		Pause:    time.Millisecond,
		Changed: func(c Change) {
			if !c.Open {
				go func() {
					defer close(again)
					call(suspended)
				}()
				select {
				case <-again: // reported before this one
				case <-time.After(50 * time.Millisecond):
				}
			}
			changes = append(changes, c.Open)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	call(suspended)
	call(port.Reply{Verdict: port.CallAccepted})
	<-again
	if !slices.Equal(changes, []bool{true, false, true}) {
		t.Errorf("open: %t", changes)
	}
}
