package permits_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/permits"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(kind channel.Kind, deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

func TestPermitsKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Permits(t, func(t testing.TB, inFlight, failures int, rate float64) porttest.PermitsRig {
		p := provider(channel.SMS, time.Second)
		p.InFlight, p.Rate, p.Burst = inFlight, rate, 1
		bounds, err := permits.New(permits.Config{Provider: p, Failures: failures, Pause: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if failures == 0 {
			failures = 20
		}
		return porttest.PermitsRig{Permits: bounds, InFlight: inFlight, Failures: failures, Rate: rate}
	})
}
