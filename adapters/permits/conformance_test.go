package permits_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/permits"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(kind channel.Kind, deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// clock is the machine's.
type clock struct{}

// Now implements port.Clock.
func (clock) Now() time.Time { return time.Now() }

// After implements port.Clock.
func (clock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func TestPermitsKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Permits(t, func(t testing.TB, inFlight, failures int, rate float64) porttest.PermitsRig {
		p := provider(channel.SMS, time.Second)
		p.InFlight, p.Rate = inFlight, rate
		bounds, err := permits.New(permits.Config{Provider: p, Failures: failures, Pause: 5 * time.Millisecond, Budgets: memory.NewStore(clock{}).Budgets()})
		if err != nil {
			t.Fatal(err)
		}
		if failures == 0 {
			failures = 20
		}
		return porttest.PermitsRig{Permits: bounds, InFlight: inFlight, Failures: failures, Rate: rate}
	})
}
