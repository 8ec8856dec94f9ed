package batch_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/memory"
)

func TestALoneItemIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	b := batch.New(batch.Config{Max: 100, Workers: 1}, func(_ context.Context, in []int) ([]int, error) { return in, nil })
	defer b.Close()
	if out, err := b.Do(t.Context(), 7); err != nil || out != 7 {
		t.Fatalf("%d: %v", out, err)
	}
}

// held is a batcher whose first call waits until it is let go; sizes are those of its batches.
func held(most int) (b *batch.Batcher[int, int], begun <-chan struct{}, release func(), sizes func() []int) {
	var mu sync.Mutex
	var seen []int
	started, gate := make(chan struct{}, 1000), make(chan struct{})
	b = batch.New(batch.Config{Max: most, Workers: 1}, func(_ context.Context, in []int) ([]int, error) {
		mu.Lock()
		seen = append(seen, len(in))
		first := len(seen) == 1
		mu.Unlock()
		started <- struct{}{}
		if first {
			<-gate
		}
		out := make([]int, len(in))
		for i, n := range in {
			out[i] = n * n
		}
		return out, nil
	})
	return b, started, func() { close(gate) }, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

func TestWhatComesMeanwhileIsTheNextBatchAndEachGetsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	const most, items = 50, 130
	b, begun, release, sizes := held(most)
	defer b.Close()
	var waiting sync.WaitGroup
	ask := func(n int) {
		waiting.Go(func() {
			if out, err := b.Do(t.Context(), n); err != nil || out != n*n {
				t.Errorf("%d came to %d: %v", n, out, err)
			}
		})
	}
	ask(0)
	<-begun
	for n := 1; n <= items; n++ {
		ask(n)
	}
	for b.Queued() < most { // the queue holds a batch
		runtime.Gosched()
	}
	release()
	waiting.Wait()
	total := 0
	for _, size := range sizes() {
		total += size
		if size > most {
			t.Errorf("a batch of %d, want %d at most", size, most)
		}
	}
	if total != items+1 || slices.Max(sizes()) != most {
		t.Fatalf("the batches are %v", sizes())
	}
}

func TestAnErrorIsEveryonesInTheBatchAndNobodyElses(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong")
	var calls atomic.Int32
	b := batch.New(batch.Config{Max: 10, Workers: 1}, func(_ context.Context, in []int) ([]int, error) {
		if calls.Add(1) == 1 {
			return nil, wrong
		}
		return in, nil
	})
	defer b.Close()
	if _, err := b.Do(t.Context(), 1); !errors.Is(err, wrong) {
		t.Fatalf("the first came to %v", err)
	}
	if out, err := b.Do(t.Context(), 2); err != nil || out != 2 {
		t.Fatalf("the next came to %d, %v", out, err)
	}
}

func TestTheCallersEndEndsItsWaitingAlone(t *testing.T) {
	t.Parallel()
	b, begun, release, _ := held(10)
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	gone, stays := make(chan error, 1), make(chan error, 1)
	go func() { _, err := b.Do(ctx, 1); gone <- err }()
	<-begun
	go func() { _, err := b.Do(t.Context(), 2); stays <- err }()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller that left got %v", err)
	}
	release()
	if err := <-stays; err != nil {
		t.Fatalf("the one that stayed got %v", err)
	}
}

func TestClosingEndsWhatWaitsAndTellsTheWorkToStop(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 10)
	b := batch.New(batch.Config{Max: 1, Workers: 2}, func(ctx context.Context, in []int) ([]int, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	answers := make(chan error, 3)
	for n := range 3 {
		go func() { _, err := b.Do(context.Background(), n); answers <- err }()
	}
	<-begun
	<-begun
	b.Close()
	for range 3 {
		if err := <-answers; !errors.Is(err, context.Canceled) {
			t.Fatalf("a waiting caller got %v", err)
		}
	}
	if _, err := b.Do(t.Context(), 9); !errors.Is(err, context.Canceled) {
		t.Fatalf("after closing: %v", err)
	}
	b.Close() // twice is fine
}

func TestWorkersRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	both := make(chan struct{})
	var running atomic.Int32
	b := batch.New(batch.Config{Max: 1, Workers: 2}, func(_ context.Context, in []int) ([]int, error) {
		if running.Add(1) == 2 {
			close(both)
		}
		<-both
		return in, nil
	})
	defer b.Close()
	var waiting sync.WaitGroup
	for n := range 2 {
		waiting.Go(func() {
			if _, err := b.Do(t.Context(), n); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
}

func TestUnderLoadABatchLingersForMoreAndALoneItemNever(t *testing.T) {
	t.Parallel()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	begun, gate := make(chan int), make(chan struct{})
	b := batch.New(batch.Config{Max: 2, Workers: 1, Linger: time.Second, After: clock.After}, func(_ context.Context, in []int) ([]int, error) {
		begun <- len(in)
		<-gate
		return in, nil
	})
	defer b.Close()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	ask := func() {
		waiting.Go(func() {
			if _, err := b.Do(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 { // the clock stands still: nobody lingers
		ask()
		if n := <-begun; n != 1 {
			t.Fatalf("a lone item came in a batch of %d", n)
		}
		gate <- struct{}{}
	}
	for busy := false; !busy; { // until two items come in one batch
		ask()
		<-begun
		ask()
		ask()
		gate <- struct{}{}
		n := <-begun
		gate <- struct{}{}
		if busy = n == 2; !busy {
			<-begun
			gate <- struct{}{}
		}
	}
	ask()
	if err := clock.AwaitTimers(t.Context(), 1); err != nil { // now it lingers
		t.Fatal(err)
	}
	ask()
	if n := <-begun; n != 2 {
		t.Fatalf("the batch that lingered has %d items", n)
	}
	gate <- struct{}{}
	ask()
	if err := clock.AwaitTimers(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	if n := <-begun; n != 1 {
		t.Fatalf("a batch of %d after the pause", n)
	}
	gate <- struct{}{}
}

func TestAddBlocksWhereTheQueueIsFullAndDrainDoesWhatWaits(t *testing.T) {
	t.Parallel()
	const queue = 100
	begun, gate := make(chan struct{}, 1+queue), make(chan struct{})
	var done []int
	b := batch.New(batch.Config{Max: 1, Workers: 1, Queue: queue}, func(ctx context.Context, in []int) ([]struct{}, error) {
		begun <- struct{}{}
		<-gate
		for range 100 {
			runtime.Gosched() // so that Drain could close what is being done
		}
		if ctx.Err() == nil {
			done = append(done, in...)
		}
		return nil, nil
	})
	var want []int
	for n := range 1 + queue { // the first one is done at once, the others wait
		if err := b.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			<-begun
		}
		want = append(want, n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // where there is a place, either may come of it
		if err := b.Add(ended, -1); !errors.Is(err, context.Canceled) || b.Queued() != queue {
			t.Fatalf("one more than the queue holds came to %v, %d wait", err, b.Queued())
		}
	}
	close(gate)
	b.Drain()
	if !slices.Equal(done, want) {
		t.Fatalf("done: %v", done)
	}
	if err := b.Add(t.Context(), -1); !errors.Is(err, context.Canceled) {
		t.Fatalf("after the end: %v", err)
	}
}

func TestNothingIsAddedToABatcherThatIsClosed(t *testing.T) {
	t.Parallel()
	b := batch.New(batch.Config{Max: 100, Workers: 1}, func(_ context.Context, in []int) ([]int, error) { return in, nil })
	b.Close()
	for n := range 100 {
		if err := b.Add(t.Context(), n); !errors.Is(err, context.Canceled) {
			t.Fatalf("after closing: %v", err)
		}
	}
}
