package deliver

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// slots is a semaphore for messages. A slot that becomes free goes to the message that is oldest in the log, over all
// partitions, and not to the one that has waited longest. This keeps the partitions at about the same point of the
// month, whatever each had to wait for, so that the blocks of a pack are read while its statements are delivered. In
// first-come, first-served order the partitions drifted apart, further than any cache reaches. Safe for concurrent use.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting arrivals
}

func newSlots(n int) *slots { return &slots{free: n} }

// enter takes a slot for a message that was appended to the log at the given time, and waits while none is free. It
// reports false if the context ended first.
func (s *slots) enter(ctx context.Context, at time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return true
	}
	a := &arrival{at: at, granted: make(chan struct{})}
	heap.Push(&s.waiting, a)
	s.mu.Unlock()
	select {
	case <-a.granted:
		return true
	case <-ctx.Done():
		s.withdraw(a)
		return false
	}
}

// tryEnter takes a slot if one is free.
func (s *slots) tryEnter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

// leave gives a slot back, or hands it to the oldest message that waits.
func (s *slots) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.free++
		return
	}
	close(heap.Pop(&s.waiting).(*arrival).granted)
}

// withdraw removes a message whose context has ended from those that wait; a slot that was granted meanwhile is given
// back.
func (s *slots) withdraw(a *arrival) {
	s.mu.Lock()
	still := a.index >= 0
	if still {
		heap.Remove(&s.waiting, a.index)
	}
	s.mu.Unlock()
	if !still {
		s.leave()
	}
}

// arrival is a message that waits for a slot.
type arrival struct {
	at      time.Time
	granted chan struct{}
	index   int // in the heap; -1 once it has left it
}

// arrivals implements heap.Interface with the oldest message on top.
type arrivals []*arrival

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].at.Before(a[j].at) }

func (a arrivals) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *arrivals) Push(x any) {
	added := x.(*arrival)
	added.index = len(*a)
	*a = append(*a, added)
}

func (a *arrivals) Pop() any {
	last := len(*a) - 1
	gone := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	gone.index = -1
	return gone
}

// enter takes a place; it reports false if the context ended first.
func enter(ctx context.Context, places chan<- struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
