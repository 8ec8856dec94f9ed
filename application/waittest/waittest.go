// Package waittest waits, in a test, for what other goroutines or processes bring about.
package waittest

import (
	"testing"
	"time"
)

// Wait is for how long is waited, and how often is looked.
type Wait struct {
	Limit   time.Duration // 0: a minute
	Every   time.Duration // 0: 20 ms
	Explain func() string // what is said beside the failure; nil: nothing
}

// Until waits until something holds, a minute at most, and fails the test where it does not.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	Wait{}.Until(t, what, holds)
}

// Until waits until something holds, and fails the test where it does not in time.
func (w Wait) Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if w.Limit == 0 {
		w.Limit = time.Minute
	}
	if w.Every == 0 {
		w.Every = 20 * time.Millisecond
	}
	deadline, ticker := time.NewTimer(w.Limit), time.NewTicker(w.Every)
	defer deadline.Stop()
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			why := ""
			if w.Explain != nil {
				why = "\n" + w.Explain()
			}
			t.Fatalf("not within %s: %s%s", w.Limit, what, why)
		}
	}
}
