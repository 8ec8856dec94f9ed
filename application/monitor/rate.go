package monitor

import "time"

// rateWindow is over which time the rate is taken: long enough that a rebalance or a slow call does not look like a stop, short
// enough that a gateway which slows down is seen within minutes.
const rateWindow = 5 * time.Minute

// rate is how fast a counter grows. The zero rate is ready to use.
type rate struct{ seen []reading }

type reading struct {
	at    time.Time
	count int64
}

// add notes the counter's value. One that is smaller than before begins anew: the group's offsets were reset.
func (r *rate) add(at time.Time, count int64) {
	if n := len(r.seen); n > 0 && count < r.seen[n-1].count {
		r.seen = nil
	}
	for len(r.seen) > 1 && at.Sub(r.seen[1].at) >= rateWindow { // the first one stays as long as the window is not full without it
		r.seen = r.seen[1:]
	}
	r.seen = append(r.seen, reading{at, count})
}

// perSecond is the growth over the window; not known before the second value.
func (r *rate) perSecond() (rate float64, known bool) {
	if len(r.seen) < 2 {
		return 0, false
	}
	first, last := r.seen[0], r.seen[len(r.seen)-1]
	took := last.at.Sub(first.at).Seconds()
	if took <= 0 {
		return 0, false
	}
	return float64(last.count-first.count) / took, true
}
