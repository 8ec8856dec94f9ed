package deliver

import (
	"testing"
	"time"
)

// A claim holds a permit while it waits for others. Over SMTP, with 100 connections and a relay that answers after some
// milliseconds, a wait of 50 ms had left most of the connections idle.
func TestClaimsOfALaneWithFewPermitsHardlyWait(t *testing.T) {
	t.Parallel()
	c := Config{Limits: Limits{InFlight: 10_000}, Bulk: Bulk{Linger: 50 * time.Millisecond}}
	for permits, want := range map[int]time.Duration{
		100: 500 * time.Microsecond, 2000: 10 * time.Millisecond, 10_000: 50 * time.Millisecond, 1 << 20: 50 * time.Millisecond,
	} {
		if got := claimLinger(c, permits); got != want {
			t.Errorf("%d permits: claims wait for %s, want %s", permits, got, want)
		}
	}
}
