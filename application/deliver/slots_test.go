package deliver

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// queued waits until n messages wait for a place.
func (b *slots) queued(n int) {
	for {
		b.mu.Lock()
		waiting := len(b.waiting)
		b.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

func TestTheOldestMessageGetsTheNextPlace(t *testing.T) {
	t.Parallel()
	const waiters = 50
	noon := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	b := newSlots(1)
	if !b.enter(t.Context(), noon) {
		t.Fatal("a free place was refused")
	}
	given := make(chan int)
	for i, seconds := range rand.Perm(waiters) { // they come in any order
		go func() {
			if b.enter(t.Context(), noon.Add(time.Duration(seconds)*time.Second)) {
				given <- seconds
			}
		}()
		b.queued(i + 1)
	}
	for want := range waiters {
		b.leave()
		if got := <-given; got != want {
			t.Fatalf("place %d went to the message of second %d", want, got)
		}
	}
}

func TestPlacesAreNeitherLostNorMadeWhenWaitersGiveUp(t *testing.T) {
	t.Parallel()
	const places = 3
	b := newSlots(places)
	var all sync.WaitGroup
	for n := range 2000 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			if n%2 == 0 {
				go cancel()
			}
			defer cancel()
			if b.enter(ctx, time.Unix(int64(n%7), 0)) {
				b.leave()
			}
		})
	}
	all.Wait()
	if b.free != places || len(b.waiting) != 0 {
		t.Errorf("%d places are free of %d, %d wait", b.free, places, len(b.waiting))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if b.enter(ended, time.Time{}) {
		t.Error("a place was given to somebody who has gone")
	}
}
