package permits

import "time"

// lossPeriod is how long losses are added up before they are reported.
const lossPeriod = 10 * time.Second

// Unused says that calls of a provider's rate were lost: this process had reserved them, and could not begin them in time because a
// reservation or a claim took longer than those before, or because nothing waited for them any more. Nobody else makes them.
type Unused struct {
	Calls       int           // that were lost since the last report
	Used        int           // that were made meanwhile
	Reservation time.Duration // how long a reservation takes
	Claim       time.Duration // how long a call takes to begin after its permit, the least of the last ones; at most 250 ms
}

// losses adds up what is lost of a budget.
type losses struct {
	report func(Unused)
	since  time.Time
	now    Unused
}

// add takes over what a pace has counted, and reports it when a period is over in which something was lost.
func (l *losses) add(p *pace, now time.Time) {
	l.now.Calls, l.now.Used = l.now.Calls+p.unused, l.now.Used+p.used
	p.unused, p.used = 0, 0
	if l.since.IsZero() {
		l.since = now
	}
	if now.Sub(l.since) < lossPeriod {
		return
	}
	if l.now.Calls > 0 {
		l.now.Reservation, l.now.Claim = p.statement(), p.lead
		l.report(l.now)
	}
	l.since, l.now = now, Unused{}
}
