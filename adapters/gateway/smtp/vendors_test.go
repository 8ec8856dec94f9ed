package smtp

import "testing"

func TestEachVendorsRepliesMeanWhatTheVendorSays(t *testing.T) {
	t.Parallel()
	replies := 0
	for _, v := range vendors {
		if v.vendor == "" || v.source == "" {
			t.Errorf("no vendor or source: %+v", v)
		}
		for _, r := range v.replies {
			replies++
			at, code, text := spoken(r.said)
			if found := smtpMeaning(at, code, text); found.means != r.means {
				t.Errorf("%s: %s: %s (%s), want %s", v.vendor, r.said, found.means, found.why, r.means)
			}
		}
	}
	if replies < 120 {
		t.Errorf("%d replies", replies)
	}
}

// Words that speak of connections shrink the pool only where it is our connections that are too many.
func TestWordsOfConnectionsAreNotThoseOfRates(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]bool{
		"421 4.7.0 mx.example.com error: too many connections from 192.0.2.1": true, "421 too many concurrent smtp connections": true, "421 4.4.5 crcp 192.0.2.1: connection refused. server is busy": true,
		"421 4.3.2 too many open connections.": true, "452 too many sessions opened": true, "421 too many simultaneous connections": true, "421 4.3.2 connection limit exceeded": true,
		"432 4.3.2 storedrv.clientsubmit; sender thread limit exceeded": true, "432 4.3.2 storedrv.deliver; recipient thread limit exceeded": false,
		"421 4.3.2 connection rate limit exceeded.": false, "450 too frequent connects": false, "421 max message per connection reached, closing transmission channel": false,
		"452 4.5.3 too many recipients": false, "421 4.7.0 too many errors": false, "421 4.4.5 ccrt 192.0.2.1: connection refused. server is busy(rt)": false,
	} {
		if got := tooManyConnections().MatchString(said); got != want {
			t.Errorf("%s: %t", said, got)
		}
	}
}
