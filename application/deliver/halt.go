package deliver

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/balsong/balsong/application/channelhalt"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// halt holds messages back while everything that goes out, or their channel, is halted, and until that has been read for the first
// time. Safe for concurrent use.
type halt struct {
	control  port.Control
	channels *channelhalt.Guard
	outages  *outage.Watch
	clock    port.Clock
	log      port.Log
	rules    HaltRules
	source   string
	refused  atomic.Int32 // contents refused in a row

	mu     sync.Mutex
	lifted chan struct{} // closed while nothing is halted
	on     bool
	known  bool // the halt has been read at least once
	lifts  int  // halts of everything that have been lifted
}

func newHalt(control port.Control, channels port.ChannelHalts, outages *outage.Watch, clock port.Clock, log port.Log, config Config) *halt {
	return &halt{
		control: control, channels: channelhalt.New(channels, outages, clock, log, config.Source, "answers refuse the customer for good"), outages: outages, clock: clock, log: log, rules: config.Halt, source: config.Source,
		lifted: make(chan struct{}), on: true,
	}
}

// wait waits until nothing is halted; its error is the context's.
func (h *halt) wait(ctx context.Context) error {
	h.mu.Lock()
	lifted := h.lifted
	h.mu.Unlock()
	select {
	case <-lifted:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// halted reports whether everything is halted, as far as it is known.
func (h *halt) halted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.on
}

// liftsOf returns how many halts of everything and of a channel have been lifted: it differs from what it was where a message may have
// waited for one.
func (h *halt) liftsOf(kind channel.Kind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lifts + h.channels.Lifts(kind)
}

// watch reads the halt every HaltRules.Poll until the context ends. Nothing goes out before the first reading; while
// the halt cannot be read again, the last reading holds.
func (h *halt) watch(ctx context.Context) {
	for {
		var read port.Halt
		err := h.outages.Await(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
			if err = h.channels.Read(ctx); err != nil {
				return err
			}
			read, err = h.control.Halted(ctx)
			return err
		})
		if err == nil {
			h.set(read)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.clock.After(h.rules.Poll):
		}
	}
}

// set sets or lifts the halt here. It logs a change, and a halt at the first reading.
func (h *halt) set(read port.Halt) {
	h.mu.Lock()
	first, changed := !h.known, h.on != read.On
	h.known, h.on = true, read.On
	switch {
	case changed && read.On:
		h.lifted = make(chan struct{})
	case changed:
		h.lifts++
		close(h.lifted)
	}
	h.mu.Unlock()
	switch {
	case read.On && changed != first:
		h.log.Warn("halted: nothing more goes out until it is lifted",
			port.Field{Key: "actor", Value: read.Actor}, port.Field{Key: "reason", Value: read.Reason})
	case !read.On && changed && !first:
		h.log.Info("the halt is lifted")
	}
}

// contentOpened ends a series of refused contents.
func (h *halt) contentOpened() { h.refused.Store(0) }

// contentRefused counts contents refused in a row. Several of them mean that something is wrong with the keys or the
// storage, not with one bill: at HaltRules.Contents, Delivery sets the halt itself rather than pausing the month bill by
// bill.
func (h *halt) contentRefused(ctx context.Context) {
	if ctx.Err() != nil || int(h.refused.Add(1)) < h.rules.Contents {
		return
	}
	by := port.Act{Actor: h.source, Reason: "several contents in a row could not be authenticated", At: h.clock.Now()}
	if h.outages.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return h.control.SetHalt(ctx, true, by) }) == nil {
		h.set(port.Halt{On: true, Actor: by.Actor, Reason: by.Reason, Since: by.At})
	}
	h.refused.Store(0)
}

// count counts what a call came to for the share of refusals at which its channel is halted: that the provider took the message or
// refused it. Not what is about us, could not be known, is suppressed there, or was refused for its content, which has a bound of its
// own. It reports whether the caller is to halt the channel for all processes, once the outcome is stored; here it is at once.
func (h *halt) count(d *delivery, o attempt.Outcome) bool {
	if o.State != attempt.Succeeded && (o.State != attempt.Failed || o.Class == attempt.Content || o.Class == attempt.Suppressed) {
		return false
	}
	return h.channels.Count(d.request.Channel, channelhalt.Answer{
		Provider: o.Provider, Refused: o.State == attempt.Failed && o.Class == attempt.Permanent, Words: o.Detail,
	})
}
