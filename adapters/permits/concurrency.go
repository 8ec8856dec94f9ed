package permits

import "time"

// concurrency is how many calls may run at once: a state machine without a clock and without a lock. It shrinks to what the provider
// takes when the provider refuses one more for that reason, and grows again while it does not.
type concurrency struct {
	most     int           // as configured
	limit    int           // now
	step     int           // by which it grows next; doubles with each growth
	pause    time.Duration // between two growths, as at first
	maxPause time.Duration
	wait     time.Duration // between a refusal and the next growth; doubles while growth is refused
	grown    bool          // since the last refusal
	next     time.Time     // when it may grow
	began    time.Time     // the refusals that count together
}

// together is how long refusals belong to one cause: calls that began at the same time. Each shows how many connections there
// were when it came, and some of them were still being opened; the most that was shown counts.
const together = time.Second

func newConcurrency(most int, pause, maxPause time.Duration) concurrency {
	return concurrency{most: most, limit: most, step: 1, pause: pause, maxPause: max(maxPause, pause), wait: pause}
}

// refused learns that the provider takes no more calls at once than some. It reports whether the limit has changed.
func (c *concurrency) refused(taken int, now time.Time) bool {
	before := c.limit
	if now.Sub(c.began) < together {
		c.limit = max(c.limit, min(taken, c.most))
	} else {
		c.limit, c.began = max(1, min(taken, c.limit)), now
	}
	switch {
	case c.grown:
		c.wait = min(2*c.wait, c.maxPause)
	case before == c.most:
		c.wait = c.pause
	}
	c.grown, c.step, c.next = false, 1, now.Add(c.wait)
	return c.limit != before
}

// accepted learns that a call was taken while no place was free. It reports whether the limit has grown.
func (c *concurrency) accepted(now time.Time) bool {
	if c.limit == c.most || now.Before(c.next) {
		return false
	}
	c.limit = min(c.most, c.limit+c.step)
	c.step, c.grown, c.next = 2*c.step, true, now.Add(c.pause)
	return true
}
