package deliver

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// A claim holds a permit while it waits for others. Over SMTP, with 100 connections and a relay that answers after some
// milliseconds, a wait of 50 ms had left most of the connections idle.
func TestClaimsOfALaneWithFewPermitsHardlyWait(t *testing.T) {
	t.Parallel()
	c := Config{Limits: Limits{InFlight: 10_000}, Bulk: Bulk{Linger: 50 * time.Millisecond}}
	for p, want := range map[port.Provider]time.Duration{
		{InFlight: 100}: 500 * time.Microsecond, {InFlight: 2000}: 10 * time.Millisecond, {InFlight: 10_000}: 50 * time.Millisecond, {InFlight: 1 << 20}: 50 * time.Millisecond,
		{InFlight: 100, Rate: 14}: 500 * time.Microsecond, {InFlight: 10_000, Rate: 100}: 10 * time.Millisecond,
	} {
		if got := claimLinger(c, []*provider{{Provider: p}}); got != want {
			t.Errorf("%+v: claims wait for %s, want %s", p, got, want)
		}
	}
}
