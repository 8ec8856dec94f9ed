package permits

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// How calls are reserved.
const (
	between     = 20 * time.Millisecond // two statements of this process at least
	reservation = 5 * time.Second       // how long a statement may take
	firstPause  = 100 * time.Millisecond
	lastPause   = 2 * time.Second
)

// budget gives the calls of this process their instants, out of the one budget of all processes. Who waits gets an instant in the
// order of coming. Without the store of the budgets there is none: no claim could be made either.
type budget struct {
	provider string
	limit    float64
	store    port.Budgets
	slowed   func(rate float64)
	failed   func(error)

	mu        sync.Mutex
	pace      *pace
	waiting   []*waiter   // in the order of coming
	timer     *time.Timer // looks again
	reserving bool
	next      time.Time     // when a statement may be sent at the earliest
	pause     time.Duration // after the last failure; 0: there was none
	slowing   bool
	losses    losses
}

// waiter is a call that waits for its instant.
type waiter struct {
	got      chan *turn // one; nil: none comes before the deadline
	deadline time.Time  // zero: none
}

func newBudget(c Config) *budget {
	b := &budget{
		provider: c.Budget, limit: c.Provider.Rate, store: c.Budgets, slowed: c.Slowed, failed: c.Failed,
		pace: &pace{limit: c.Provider.Rate}, losses: losses{report: c.Unused},
	}
	b.timer = time.AfterFunc(time.Hour, func() { b.locked(func(time.Time) {}) })
	b.timer.Stop()
	return b
}

// locked changes something, and then looks who may go.
func (b *budget) locked(change func(now time.Time)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	change(now)
	b.look(now)
	b.losses.add(b.pace, now)
}

// wait returns a call's permit, a little before its instant.
func (b *budget) wait(ctx context.Context) (*turn, error) {
	w := &waiter{got: make(chan *turn, 1)}
	w.deadline, _ = ctx.Deadline()
	b.locked(func(time.Time) { b.waiting = append(b.waiting, w) })
	select {
	case t := <-w.got:
		if t == nil {
			return nil, fmt.Errorf("the rate of %s leaves no permit before the deadline: %w", b.provider, context.DeadlineExceeded)
		}
		return t, nil
	case <-ctx.Done():
	}
	b.locked(func(now time.Time) {
		b.waiting = slices.DeleteFunc(b.waiting, func(other *waiter) bool { return other == w }) // nothing, where it was served
		select {
		case t := <-w.got:
			if t != nil {
				b.pace.cancel(t, now)
			}
		default:
		}
	})
	return nil, ctx.Err()
}

// look gives permits to those whose time has come, reserves calls for those who wait, and comes again when there is more to do. The
// caller holds mu.
func (b *budget) look(now time.Time) {
	b.giveUp()
	again := time.Duration(0)
	for len(b.waiting) > 0 {
		t, wait := b.pace.give(now)
		if t == nil {
			again = wait
			break
		}
		b.waiting[0].got <- t
		b.waiting = slices.Delete(b.waiting, 0, 1)
	}
	if n := b.pace.need(now, len(b.waiting)); n > 0 && !b.reserving {
		if wait := b.next.Sub(now); wait <= 0 {
			b.reserving = true
			go b.reserve(n, b.pace.after())
		} else if again == 0 || wait < again {
			again = wait
		}
	}
	if again > 0 {
		b.timer.Reset(again)
	}
}

// giveUp ends the waits of those whose instant comes after their deadline.
func (b *budget) giveUp() {
	instants := b.pace.ready
	b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter) bool {
		if len(instants) == 0 {
			return false
		}
		if !w.deadline.IsZero() && instants[0].Add(-b.pace.lead).After(w.deadline) {
			w.got <- nil
			return true
		}
		instants = instants[1:]
		return false
	})
}

// reserve reserves calls. It ends by itself, so nothing waits for it.
func (b *budget) reserve(calls int, after time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), reservation)
	defer cancel()
	began := time.Now()
	reserved, err := b.store.Reserve(ctx, b.provider, b.limit, calls, after)
	if err != nil {
		b.failed(err)
	}
	b.locked(func(now time.Time) {
		b.reserving = false
		if err != nil {
			b.pause = min(max(firstPause, 2*b.pause), lastPause)
			b.next = now.Add(b.pause)
			return
		}
		b.pause, b.next = 0, began.Add(between)
		b.pace.add(reserved, now.Sub(began))
	})
}

// begin notes that the call of a permit begins.
func (b *budget) begin(t *turn) { b.locked(func(now time.Time) { b.pace.begin(t, now) }) }

// cancel takes a permit back without a call; after begin it does nothing.
func (b *budget) cancel(t *turn) { b.locked(func(now time.Time) { b.pace.cancel(t, now) }) }

// learn lowers the rate of all processes where the provider throttles them all, but not where it takes no more calls at the same time.
func (b *budget) learn(reply port.Reply) {
	if reply.Verdict != port.CallThrottled || reply.Concurrency > 0 || !reply.Doubtful && reply.Hold == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.slowing {
		return
	}
	b.slowing = true
	go b.slow()
}

// slow lowers the rate. It ends by itself, so nothing waits for it.
func (b *budget) slow() {
	ctx, cancel := context.WithTimeout(context.Background(), reservation)
	defer cancel()
	rate, slowed, err := b.store.Slow(ctx, b.provider)
	switch {
	case err != nil:
		b.failed(err)
	case slowed:
		b.slowed(rate)
	}
	time.AfterFunc(port.BudgetReaction/2, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.slowing = false
	})
}
