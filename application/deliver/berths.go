package deliver

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// berths are places for messages that are being prepared. Whose message is the oldest in the log gets the next free one:
// so the partitions stay side by side in the month, whatever each had to wait for, and the blocks of a pack are read
// while its statements are delivered. First come, first served let them drift apart, further than any cache reaches.
type berths struct {
	mu      sync.Mutex
	free    int
	waiting arrivals
}

func newBerths(n int) *berths { return &berths{free: n} }

// enter takes a place for a message that the log took at an instant; false where the context ended first.
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

// leave gives a place back.
func (b *berths) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.free++
		return
	}
	close(heap.Pop(&b.waiting).(*arrival).granted)
}

// withdraw takes back a wish, or the place that was granted meanwhile.
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

// arrival is one message that waits for a place.
type arrival struct {
	at      time.Time
	granted chan struct{}
	index   int // in the heap; -1 once it has left it
}

// arrivals implement heap.Interface, the oldest first.
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
