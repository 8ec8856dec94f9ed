package permits

import (
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
)

// How calls are paced.
const (
	block    = 50 * time.Millisecond  // of the present rate, and what a statement takes, are reserved by one at most
	horizon  = 100 * time.Millisecond // the next calls are reserved so long before the reserved ones are used up
	late     = 40 * time.Millisecond  // a call may begin so long after its instant: see port.BudgetUsed
	maxLead  = 250 * time.Millisecond // of a permit before its call's instant
	maxBlock = time.Second            // of the present rate that a statement reserves because statements take long
	stuck    = 500 * time.Millisecond // of a permit without a call: none is given meanwhile
	learning = 32                     // calls of which the shortest time from the permit counts
	asking   = 8                      // reservations of which the second longest counts: a single one may have met a stall
	bounded  = time.Second            // the calls in any such time are bounded
)

// pace is the calls of one process that are reserved: a state machine without a clock and without a lock.
//
// A call begins at its instant or a little later. What comes between the permit and the call (the claim) takes time, so the permit
// is given earlier by what that takes at least. A call that begins too late is made, since its claim is, and pays for that with a
// later instant, which then nobody uses: so in any second no more calls begin than instants lie in it and in the 40 ms around it.
type pace struct {
	limit float64
	rate  float64       // the present one, as the last reservation showed it; 0: not known yet
	lead  time.Duration // how long before its instant a permit is given: the least of took
	took  lastTimes     // from the permit to the call, of the last calls
	asked lastTimes     // from asking for a reservation to having it, of the last ones

	ready  []time.Time // reserved, without a permit, in their order
	given  []*turn     // permits without a call, in their order; those at the front may be over
	owed   []time.Time // when calls began too late that have not paid, in their order
	used   int         // calls that began
	unused int         // instants that were lost because they came too late, and paid for no call
}

// turn is the permit of one instant.
type turn struct {
	instant time.Time
	at      time.Time // when it was given
	over    bool      // its call has begun, or never will
}

// lastTimes is how long something took the last times.
type lastTimes struct {
	all  []time.Duration
	next int // of all, which is the oldest once there are as many as count
}

// add takes one more, of so many that count.
func (l *lastTimes) add(d time.Duration, count int) {
	if len(l.all) < count {
		l.all = append(l.all, d)
		return
	}
	l.all[l.next] = d
	l.next = (l.next + 1) % count
}

// give returns the permit of the next instant, or how long it has to wait; 0: until something changes.
func (p *pace) give(now time.Time) (t *turn, wait time.Duration) {
	p.forget(now)
	if len(p.ready) == 0 || p.isStuck(now) {
		return nil, 0
	}
	next := p.ready[0]
	if wait := next.Sub(now) - p.lead; wait > 0 {
		return nil, wait
	}
	p.ready = p.ready[1:]
	t = &turn{instant: next, at: now}
	p.given = append(p.given, t)
	return t, 0
}

// forget drops the instants that are owed, and those whose calls would begin too late. What a call owes a second later is of no use to anybody:
// no second contains both.
func (p *pace) forget(now time.Time) {
	for len(p.owed) > 0 && now.Sub(p.owed[0]) > bounded {
		p.owed = p.owed[1:]
	}
	for len(p.ready) > 0 && (p.tooLate(p.ready[0], now) || p.pays(p.ready[0])) {
		p.leave(p.ready[0])
		p.ready = p.ready[1:]
	}
	for len(p.given) > 0 && p.given[0].over {
		p.given = p.given[1:]
	}
}

// pays reports whether an instant pays, once it is left unused, for a call that began too late before it.
func (p *pace) pays(instant time.Time) bool { return len(p.owed) > 0 && !instant.Before(p.owed[0]) }

// leave leaves an instant unused.
func (p *pace) leave(instant time.Time) {
	if p.pays(instant) {
		p.owed = p.owed[1:]
		return
	}
	p.unused++
}

// tooLate reports whether a call of an instant would begin too late if its permit were given now.
func (p *pace) tooLate(instant, now time.Time) bool { return now.Add(p.lead).Sub(instant) > late }

// isStuck reports whether a permit was given long ago, and neither its call has begun nor was the permit given back.
func (p *pace) isStuck(now time.Time) bool {
	return len(p.given) > 0 && !p.given[0].over && now.Sub(p.given[0].at) > stuck
}

// begin notes that a permit's call begins.
func (p *pace) begin(t *turn, now time.Time) {
	if t.over {
		return
	}
	t.over = true
	p.used++
	p.took.add(min(now.Sub(t.at), maxLead), learning)
	p.lead = slices.Min(p.took.all)
	if now.Sub(t.instant) > late {
		p.owed = append(p.owed, now)
	}
	p.forget(now)
}

// cancel takes a permit back whose call was not made: another call may have its instant.
func (p *pace) cancel(t *turn, now time.Time) {
	if t.over {
		return
	}
	t.over = true
	if p.tooLate(t.instant, now) {
		p.leave(t.instant)
	} else {
		at, _ := slices.BinarySearchFunc(p.ready, t.instant, time.Time.Compare)
		p.ready = slices.Insert(p.ready, at, t.instant)
	}
	p.forget(now)
}

// need is how many calls are to be reserved now, where so many wait.
func (p *pace) need(now time.Time, waiting int) int {
	p.forget(now)
	if n := len(p.ready); n > 0 && p.ready[n-1].Sub(now)-p.after() > horizon || p.isStuck(now) {
		return 0
	}
	rate := p.rate
	if rate == 0 {
		rate = p.limit * port.BudgetLeast
	}
	most := int(max(1, rate*min(maxBlock, block+p.statement()).Seconds()))
	n := min(waiting-len(p.ready), most)
	if n < 1 {
		return 0
	}
	return n + min(len(p.owed), most)
}

// after is how long from now the earliest instant is that a reservation can be of use for: it takes a while itself, and then the
// permit has to be given in time. What is earlier would be lost, again and again where both take long.
func (p *pace) after() time.Duration { return p.lead + p.statement() }

// statement is how long a reservation takes, but for a single one that took longer.
func (p *pace) statement() time.Duration {
	sorted := slices.Sorted(slices.Values(p.asked.all))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, len(sorted)-2)]
}

// add adds what was reserved, and learns how long that took, and what the rate is.
func (p *pace) add(r port.Reservation, asked time.Duration) {
	p.asked.add(asked, asking)
	if r.Apart > 0 {
		p.rate = float64(time.Second) / float64(r.Apart)
	}
	for i := range r.Calls {
		p.ready = append(p.ready, r.First.Add(time.Duration(i)*r.Apart))
	}
}
