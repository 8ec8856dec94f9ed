package permits

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// How the breaker judges what answers share, and how long it believes a provider.
const (
	window   = 20        // answers that are looked at together
	tooMany  = 15        // of them that fit every customer as well as one: the provider refuses everything
	untested = 16        // calls at once before the provider has taken or refused a message for its own sake
	longest  = time.Hour // of a wait that a provider asks for: then one call tests it
)

// breaker is a circuit breaker: a state machine without a clock and without a lock.
//
// It opens at the first clear word that the provider refuses everything (an account that is suspended, a login that is
// refused), for as long as the provider asks (Retry-After), when most of the last answers fit every customer, and after
// calls in a row without an answer. Once the time is over, one call tests the provider.
type breaker struct {
	failures int           // in a row without an answer that open it; 0: none
	pause    time.Duration // how long it stays open; doubles with each refusal in a row
	maxPause time.Duration

	state   state
	opened  int       // how often it has opened: permits of before are not valid
	until   time.Time // open: when a call may test the provider
	why     string    // open: the provider's words
	tested  bool      // the provider has given a good answer since the start or the last opening
	running int       // calls under way, of those that were let through since the last opening
	silent  int       // calls in a row without an answer
	refused int       // openings in a row because of what the provider said
	last    [window]bool
	at      int
}

type state int

const (
	closed state = iota
	open
	halfOpen // one call is under way or may begin
)

// admit reports whether a call may begin, and if not, how long it has to wait at least; 0: until something changes.
func (b *breaker) admit(now time.Time) (ok bool, wait time.Duration) {
	if b.state == open {
		if wait := b.until.Sub(now); wait > 0 {
			return false, wait
		}
		b.state = halfOpen
	}
	if b.state == halfOpen && b.running > 0 || b.state == closed && !b.tested && b.running >= untested {
		return false, 0
	}
	b.running++
	return true, 0
}

// holds reports whether no call may begin because of what the provider said, or did not say.
func (b *breaker) holds(now time.Time) bool {
	return b.state == open && b.until.After(now) || b.state == halfOpen && b.running > 0
}

// cancel takes an admitted call back that was not made.
func (b *breaker) cancel(generation int) {
	if generation == b.opened {
		b.running--
	}
}

// report learns from a call that was made. One that was admitted before the breaker last opened says nothing about the time
// since; but a wait that the provider asks for counts whenever it comes.
func (b *breaker) report(generation int, reply port.Reply, now time.Time) {
	if generation != b.opened {
		if b.state == open && reply.Hold > 0 {
			b.until = later(b.until, now.Add(min(reply.Hold, longest)))
		}
		return
	}
	b.running--
	switch {
	case reply.Hold > 0:
		b.trip(now, min(reply.Hold, longest), reply.Detail)
	case reply.Class == attempt.Provider && !reply.Doubtful:
		b.tripRefused(now, reply.Detail)
	case reply.Verdict == port.CallNotMade, reply.Verdict == port.CallUnknown:
		b.silent++
		if b.state == halfOpen || b.failures > 0 && b.silent >= b.failures {
			b.trip(now, b.pause, reply.Detail)
		}
	default:
		b.answered(reply, now)
	}
}

// answered learns from an answer that is no clear word about everybody.
func (b *breaker) answered(reply port.Reply, now time.Time) {
	b.silent = 0
	b.last[b.at] = reply.Doubtful
	b.at = (b.at + 1) % window
	if !reply.Doubtful {
		b.state, b.tested, b.refused, b.why = closed, true, 0, ""
		return
	}
	doubtful := 0
	for _, d := range b.last {
		if d {
			doubtful++
		}
	}
	if b.state == halfOpen || doubtful >= tooMany {
		b.tripRefused(now, reply.Detail)
	}
}

// tripRefused opens the breaker because of what the provider said: for longer each time, until it gives a good answer.
func (b *breaker) tripRefused(now time.Time, why string) {
	pause := b.pause
	for range b.refused {
		pause = min(2*pause, max(b.maxPause, b.pause))
	}
	b.refused++
	b.trip(now, pause, why)
}

func (b *breaker) trip(now time.Time, pause time.Duration, why string) {
	b.state, b.until, b.why = open, now.Add(pause), why
	b.opened++
	b.running, b.silent, b.tested = 0, 0, false
	b.last = [window]bool{}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
