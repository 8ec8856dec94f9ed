package deliver

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// berths is a semaphore that bounds how many messages are prepared at once. A place that becomes free goes to the
// message that is oldest in the log, over all partitions, and not to the one that has waited longest. This keeps the
// partitions at about the same point of the month, whatever each had to wait for, so that the blocks of a pack are read
// while its statements are delivered. In first-come, first-served order the partitions drifted apart, further than any
// cache reaches. Safe for concurrent use.
type berths struct {
	mu      sync.Mutex
	free    int
	waiting arrivals
}

func newBerths(n int) *berths { return &berths{free: n} }

// enter takes a place for a message that was appended to the log at the given time, and waits while none is free. It
// reports false if the context ended first.
func (b *berths) enter(ctx context.Context, at time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	b.mu.Lock()
	if b.free > 0 {
		b.free--
		b.mu.Unlock()
		return true
	}
	a := &arrival{at: at, granted: make(chan struct{})}
	heap.Push(&b.waiting, a)
	b.mu.Unlock()
	select {
	case <-a.granted:
		return true
	case <-ctx.Done():
		b.withdraw(a)
		return false
	}
}

// leave gives a place back, or hands it to the oldest message that waits.
func (b *berths) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.free++
		return
	}
	close(heap.Pop(&b.waiting).(*arrival).granted)
}

// withdraw removes a message whose context has ended from those that wait; a place that was granted meanwhile is given
// back.
func (b *berths) withdraw(a *arrival) {
	b.mu.Lock()
	still := a.index >= 0
	if still {
		heap.Remove(&b.waiting, a.index)
	}
	b.mu.Unlock()
	if !still {
		b.leave()
	}
}

// arrival is a message that waits for a place.
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
