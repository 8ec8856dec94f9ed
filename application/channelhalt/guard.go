// Package channelhalt halts a channel on which too large a share of customers is refused, before the month moves to the next and dearer
// one. Each process counts what it sees itself, and what one has halted all read; a person lifts it.
package channelhalt

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Guard counts the answers of each channel, and knows which channels are halted. Safe for concurrent use.
type Guard struct {
	halts   port.ChannelHalts
	outages *outage.Watch
	clock   port.Clock
	log     port.Log
	source  string
	what    string

	reading sync.Mutex // a reading that began before a halt of this process must not undo it

	mu       sync.Mutex
	channels map[channel.Kind]*state
}

// state is what a process knows of a channel.
type state struct {
	window
	read    port.ChannelHalt // as it was read last
	on      bool             // halted, as far as this process knows
	halting bool             // by this process, just now
	lifted  chan struct{}    // closed once it is not halted any more
	lifts   int              // how often that has happened
}

// New returns a guard that takes no channel to be halted before Read. source names the process as the one who halts, and what is what
// it counts, as in "answers refuse the customer for good".
func New(halts port.ChannelHalts, outages *outage.Watch, clock port.Clock, log port.Log, source, what string) *Guard {
	return &Guard{halts: halts, outages: outages, clock: clock, log: log, source: source, what: what, channels: map[channel.Kind]*state{}}
}

// of returns what is known of a channel; the caller holds mu.
func (g *Guard) of(kind channel.Kind) *state {
	s := g.channels[kind]
	if s == nil {
		s = &state{read: port.ChannelHalt{Channel: kind, Share: port.HaltShare}}
		g.channels[kind] = s
	}
	return s
}

// Answered counts an answer, and halts the channel where too many of the last ones are refusals.
func (g *Guard) Answered(ctx context.Context, kind channel.Kind, a Answer) {
	if g.Count(kind, a) {
		g.Halt(ctx, kind)
	}
}

// Count counts an answer. It reports whether too many of the last ones are refusals: then the channel is halted here at once, and the
// caller is to Halt it for all processes.
func (g *Guard) Count(kind channel.Kind, a Answer) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.of(kind)
	s.add(a)
	if s.on || !s.over(s.read.Share) {
		return false
	}
	s.halting = true
	s.stop()
	return true
}

// Halt halts a channel for all processes, with what this one has counted. It waits for the database.
func (g *Guard) Halt(ctx context.Context, kind channel.Kind) {
	err := g.outages.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return g.tryHalt(ctx, kind) })
	g.mu.Lock()
	g.of(kind).halting = false // what the next reading says counts
	g.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		g.log.Error("a channel could not be halted", port.Field{Key: "channel", Value: string(kind)}, port.Field{Key: "error", Value: err})
	}
}

// Halted reports whether a channel is halted.
func (g *Guard) Halted(kind channel.Kind) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of(kind).on
}

// Lifts returns how many halts of a channel have been lifted since the start, as far as this process knows.
func (g *Guard) Lifts(kind channel.Kind) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of(kind).lifts
}

// Wait waits until a channel is not halted; its error is the context's.
func (g *Guard) Wait(ctx context.Context, kind channel.Kind) error {
	for {
		g.mu.Lock()
		s := g.of(kind)
		on, lifted := s.on, s.lifted
		g.mu.Unlock()
		if !on {
			return ctx.Err()
		}
		select {
		case <-lifted:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Read reads which channels are halted. Of one whose halt somebody has lifted since the last reading it forgets the answers: they would
// halt it again.
func (g *Guard) Read(ctx context.Context) error {
	g.reading.Lock()
	defer g.reading.Unlock()
	switches, err := g.halts.All(ctx)
	if err == nil {
		g.apply(switches)
	}
	return err
}

// tryHalt halts a channel unless somebody has halted it before, or has lifted a halt that this process never saw: then what it has
// counted is of no use any more.
func (g *Guard) tryHalt(ctx context.Context, kind channel.Kind) error {
	g.reading.Lock()
	defer g.reading.Unlock()
	switches, err := g.halts.All(ctx)
	if err != nil {
		return err
	}
	if by, same := g.evidence(kind, switches); same {
		if err := g.halts.Set(ctx, kind, true, 0, by); err != nil {
			return err
		}
		if switches, err = g.halts.All(ctx); err != nil {
			return err
		}
	}
	g.mu.Lock()
	g.of(kind).halting = false
	g.mu.Unlock()
	g.apply(switches)
	return nil
}

// evidence is the act of halting a channel; false where its switch is not as it was read last.
func (g *Guard) evidence(kind channel.Kind, switches []port.ChannelHalt) (by port.Act, same bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.of(kind)
	since := time.Time{}
	for _, read := range switches {
		if read.Channel == kind {
			since = read.Since
		}
	}
	return port.Act{Actor: g.source, Reason: s.evidence(g.what), At: g.clock.Now()}, since.Equal(s.read.Since)
}

// apply takes over what was read.
func (g *Guard) apply(switches []port.ChannelHalt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for kind := range g.channels {
		if !slices.ContainsFunc(switches, func(h port.ChannelHalt) bool { return h.Channel == kind }) {
			switches = append(switches, port.ChannelHalt{Channel: kind, Share: port.HaltShare}) // never halted
		}
	}
	for _, read := range switches {
		s := g.of(read.Channel)
		before := s.read
		s.read = read
		changed := !read.Since.Equal(before.Since)
		switch {
		case read.On:
			s.stop()
		case !s.halting:
			s.resume()
			if changed {
				s.window = window{}
			}
		}
		fields := []port.Field{{Key: "channel", Value: string(read.Channel)}, {Key: "actor", Value: read.Actor}, {Key: "reason", Value: read.Reason}}
		switch {
		case read.On && changed:
			g.log.Warn("a channel is halted: nothing more goes out by it until that is lifted", fields...)
		case !read.On && before.On:
			g.log.Info("the halt of a channel is lifted", fields...)
		}
	}
}

func (s *state) stop() {
	if !s.on {
		s.on, s.lifted = true, make(chan struct{})
	}
}

func (s *state) resume() {
	if s.on {
		s.on = false
		s.lifts++
		close(s.lifted)
	}
}
