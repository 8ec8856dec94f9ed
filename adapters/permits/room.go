package permits

import "time"

// room is how many calls may run at once: a state machine without a clock and without a lock. It shrinks to what the provider
// takes when the provider refuses one more for that reason, and grows again while it does not.
type room struct {
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

func newRoom(most int, pause, maxPause time.Duration) room {
	return room{most: most, limit: most, step: 1, pause: pause, maxPause: max(maxPause, pause), wait: pause}
}

// refused learns that the provider takes no more calls at once than some. It reports whether the limit has changed.
func (r *room) refused(taken int, now time.Time) bool {
	before := r.limit
	if now.Sub(r.began) < together {
		r.limit = max(r.limit, min(taken, r.most))
	} else {
		r.limit, r.began = max(1, min(taken, r.limit)), now
	}
	switch {
	case r.grown:
		r.wait = min(2*r.wait, r.maxPause)
	case before == r.most:
		r.wait = r.pause
	}
	r.grown, r.step, r.next = false, 1, now.Add(r.wait)
	return r.limit != before
}

// accepted learns that a call was taken while no place was free. It reports whether the limit has grown.
func (r *room) accepted(now time.Time) bool {
	if r.limit == r.most || now.Before(r.next) {
		return false
	}
	r.limit = min(r.most, r.limit+r.step)
	r.step, r.grown, r.next = 2*r.step, true, now.Add(r.pause)
	return true
}
