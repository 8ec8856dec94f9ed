package gatewaysim

import (
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// Stats is the answer to GET /stats, counted since the start of the process.
type Stats struct {
	Started time.Time `json:"started"`
	Counts
	// AcceptedAgain counts messages that were accepted although a message with
	// the same key had been: duplicates. They are in Accepted too.
	AcceptedAgain uint64 `json:"accepted_again"`
	// InFlight is the number of calls being handled now, MaxInFlight the most
	// there ever were at once.
	InFlight    int64                        `json:"in_flight"`
	MaxInFlight int64                        `json:"max_in_flight"`
	Channels    map[behaviour.Channel]Counts `json:"channels"`
	// LogSyncs is the number of fsyncs of the accept log.
	LogSyncs uint64 `json:"log_syncs"`
	// InboxSkipped counts accepted messages that came too fast for the inbox.
	InboxSkipped uint64 `json:"inbox_skipped"`
	// Reports counts what vendors said of accepted messages.
	Reports Reports `json:"reports"`
}

// Counts are calls by what became of them.
type Counts struct {
	// Accepted counts the accepted messages, dropped ones included.
	Accepted uint64 `json:"accepted"`
	// Dropped counts the accepted messages whose connection was then broken.
	Dropped uint64 `json:"dropped"`
	// Refused counts by class: temporary, permanent, throttled, content, everybody, invalid.
	Refused map[string]uint64 `json:"refused"`
}

// counters are the live form of Stats.
type counters struct {
	started               time.Time
	inFlight, maxInFlight atomic.Int64
	again                 atomic.Uint64
	by                    map[behaviour.Channel]*[behaviour.Invalid + 1]atomic.Uint64
}

func newCounters(now time.Time) *counters {
	c := &counters{started: now, by: make(map[behaviour.Channel]*[behaviour.Invalid + 1]atomic.Uint64)}
	for _, channel := range behaviour.Channels() {
		c.by[channel] = new([behaviour.Invalid + 1]atomic.Uint64)
	}
	return c
}

func (c *counters) enter() {
	n := c.inFlight.Add(1)
	for {
		most := c.maxInFlight.Load()
		if n <= most || c.maxInFlight.CompareAndSwap(most, n) {
			return
		}
	}
}

func (c *counters) leave() { c.inFlight.Add(-1) }

func (c *counters) accepted(channel behaviour.Channel, dropped, again bool) {
	outcome := behaviour.Accepted
	if dropped {
		outcome = behaviour.AcceptedThenDropped
	}
	c.by[channel][outcome].Add(1)
	if again {
		c.again.Add(1)
	}
}

func (c *counters) refused(channel behaviour.Channel, outcome behaviour.Outcome) {
	c.by[channel][outcome].Add(1)
}

// Stats returns the present counts.
func (s *Server) Stats() Stats {
	c := s.stats
	stats := Stats{
		Started: c.started, InFlight: c.inFlight.Load(), MaxInFlight: c.maxInFlight.Load(),
		AcceptedAgain: c.again.Load(), LogSyncs: s.log.Syncs(),
		Reports:  s.reporter.counts(),
		Counts:   Counts{Refused: make(map[string]uint64)},
		Channels: make(map[behaviour.Channel]Counts),
	}
	if s.inbox != nil {
		stats.InboxSkipped = s.inbox.Skipped()
	}
	for channel, by := range c.by {
		counts := Counts{Refused: make(map[string]uint64)}
		for _, outcome := range behaviour.Outcomes() {
			n := by[outcome].Load()
			switch outcome {
			case behaviour.Accepted:
				counts.Accepted += n
			case behaviour.AcceptedThenDropped:
				counts.Accepted += n
				counts.Dropped += n
			default:
				counts.Refused[outcome.String()] = n
				stats.Refused[outcome.String()] += n
			}
		}
		stats.Accepted += counts.Accepted
		stats.Dropped += counts.Dropped
		stats.Channels[channel] = counts
	}
	return stats
}
