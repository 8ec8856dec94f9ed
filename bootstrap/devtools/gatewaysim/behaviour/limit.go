package behaviour

import (
	"sync"
	"time"
)

// bucket is a token bucket whose rate may change with every call, as it does
// during a slow start. It holds one second's worth of calls, and begins full.
type bucket struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// take takes a token at the rate of so many a second, 0 being no limit, or
// tells how long it takes until there is one.
func (b *bucket) take(now time.Time, rate float64) (wait time.Duration, ok bool) {
	if rate == 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	size := max(1, rate)
	if b.last.IsZero() {
		b.tokens, b.last = size, now
	}
	if passed := now.Sub(b.last); passed > 0 {
		b.tokens += passed.Seconds() * rate
		b.last = now
	}
	b.tokens = min(b.tokens, size)
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / rate * float64(time.Second)), false
	}
	b.tokens--
	return 0, true
}
