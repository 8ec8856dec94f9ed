package permits

import (
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
)

// How calls are paced.
const (
	block    = 50 * time.Millisecond  // of the provider's limit, and what a statement takes, are reserved by one at most
	horizon  = 100 * time.Millisecond // the next calls are reserved so long before the reserved ones are used up
	late     = 40 * time.Millisecond  // a call may begin so long after its instant: see port.BudgetUsed
	maxLead  = 250 * time.Millisecond // of a permit before its call's instant
	stuck    = 500 * time.Millisecond // of a permit without a call: none is given meanwhile
	learning = 32                     // calls of which the shortest time from the permit counts
)

// pace is the calls of one process that are reserved: a state machine without a clock and without a lock.
//
// A call begins at its instant or a little later. What comes between the permit and the call (the claim) takes time, so the permit
// is given earlier by what that takes at least. A call that begins too late is made, since its claim is, and pays for that with a
// later instant, which then nobody uses: so in any second no more calls begin than instants lie in it and in the 40 ms around it.
type pace struct {
	limit float64
	lead  time.Duration   // how long before its instant a permit is given: the least of took
	asked time.Duration   // what a reservation takes, as the last one did
	took  []time.Duration // from the permit to the call, of the last calls
	last  int             // of took, the newest

	ready []time.Time // reserved, without a permit, in their order
	given []*turn     // permits without a call, in their order; those at the front may be over
	owed  int         // calls that began too late and have not paid
}

// turn is the permit of one instant.
type turn struct {
	instant time.Time
	at      time.Time // when it was given
	over    bool      // its call has begun, or never will
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

// forget drops the instants that are owed, and those whose calls would begin too late.
func (p *pace) forget(now time.Time) {
	for len(p.ready) > 0 && p.tooLate(p.ready[0], now) {
		p.ready = p.ready[1:]
	}
	paid := min(p.owed, len(p.ready))
	p.ready, p.owed = p.ready[paid:], p.owed-paid
	for len(p.given) > 0 && p.given[0].over {
		p.given = p.given[1:]
	}
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
	p.learn(min(now.Sub(t.at), maxLead))
	if now.Sub(t.instant) > late {
		p.owed++
	}
	p.forget(now)
}

// learn learns how long a call takes to begin.
func (p *pace) learn(took time.Duration) {
	if len(p.took) < learning {
		p.took = append(p.took, took)
	} else {
		p.last = (p.last + 1) % learning
		p.took[p.last] = took
	}
	p.lead = slices.Min(p.took)
}

// cancel takes a permit back whose call was not made: another call may have its instant.
func (p *pace) cancel(t *turn, now time.Time) {
	if t.over {
		return
	}
	t.over = true
	if !p.tooLate(t.instant, now) {
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
	most := int(max(1, p.limit*(block+min(p.asked, maxLead)).Seconds()))
	n := min(waiting-len(p.ready), most)
	if n < 1 {
		return 0
	}
	return n + min(p.owed, most)
}

// after is how long from now the earliest instant is that a reservation can be of use for: it takes a while itself, and then the
// permit has to be given in time. What is earlier would be lost, again and again where both take long.
func (p *pace) after() time.Duration { return p.lead + min(p.asked, maxLead) }

// add adds what was reserved, and learns how long that took.
func (p *pace) add(r port.Reservation, asked time.Duration) {
	p.asked = asked
	for i := range r.Calls {
		p.ready = append(p.ready, r.First.Add(time.Duration(i)*r.Apart))
	}
}
