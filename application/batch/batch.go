// Package batch turns many small calls into few bulk calls without making a lone call wait: a worker takes whatever
// is there, and what comes meanwhile is the next batch. Under load a batch may linger for more.
package batch

import (
	"context"
	"sync"
	"time"
)

// Config says how batches come about.
type Config struct {
	Max     int // items of a batch at most, at least 1
	Workers int // batches at the same time, at least 1
	// Linger is how long a batch waits for more items once the one before had more than one: where items come often
	// it makes batches fewer and larger, and a lone item never waits. 0: never.
	Linger time.Duration
	After  func(time.Duration) <-chan time.Time // of the clock; needed where Linger is set
}

// Batcher runs do over batches of items that came at about the same time.
type Batcher[In, Out any] struct {
	config Config
	queue  chan item[In, Out]
	do     func(ctx context.Context, in []In) ([]Out, error)
	life   context.Context //nolint:containedctx // the workers' life, ended by Close
	end    context.CancelFunc
	done   sync.WaitGroup

	filling sync.Mutex // one batch fills at a time, while others are being done
	busy    bool       // the batch filled last had more than one item
}

type item[In, Out any] struct {
	in    In
	reply chan reply[Out]
}

type reply[Out any] struct {
	out Out
	err error
}

// New starts workers that call do with 1 to Config.Max items; do answers one Out an item, in order, or an error for all.
// Close must be called.
func New[In, Out any](config Config, do func(ctx context.Context, in []In) ([]Out, error)) *Batcher[In, Out] {
	life, end := context.WithCancel(context.Background())
	b := &Batcher[In, Out]{config: config, queue: make(chan item[In, Out], config.Max), do: do, life: life, end: end}
	for range config.Workers {
		b.done.Go(b.work)
	}
	return b
}

// Do hands one item in and waits for its answer. When the context ends first, its error is returned, and whether the
// item was done is unknown.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	var none Out
	it := item[In, Out]{in: in, reply: make(chan reply[Out], 1)}
	select {
	case b.queue <- it:
	case <-ctx.Done():
		return none, ctx.Err()
	case <-b.life.Done():
		return none, context.Canceled
	}
	select {
	case r := <-it.reply:
		return r.out, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-b.life.Done():
		return none, context.Canceled
	}
}

// Close ends the workers; what is still waiting gets an error.
func (b *Batcher[In, Out]) Close() {
	b.end()
	b.done.Wait()
}

func (b *Batcher[In, Out]) work() {
	items := make([]item[In, Out], 0, b.config.Max)
	for {
		if items = b.fill(items[:0]); len(items) == 0 {
			return
		}
		b.run(items)
		clear(items)
	}
}

// fill waits for a first item and takes what comes with it; none where the batcher was closed.
func (b *Batcher[In, Out]) fill(items []item[In, Out]) []item[In, Out] {
	b.filling.Lock()
	defer b.filling.Unlock()
	select {
	case it := <-b.queue:
		items = append(items, it)
	case <-b.life.Done():
		return nil
	}
	var over <-chan time.Time
	if b.busy && b.config.Linger > 0 {
		over = b.config.After(b.config.Linger)
	}
	items = Gather(items, b.config.Max, b.queue, over, b.life.Done())
	b.busy = len(items) > 1
	return items
}

func (b *Batcher[In, Out]) run(items []item[In, Out]) {
	in := make([]In, len(items))
	for i, it := range items {
		in[i] = it.in
	}
	out, err := b.do(b.life, in)
	for i, it := range items {
		if err != nil {
			it.reply <- reply[Out]{err: err}
			continue
		}
		it.reply <- reply[Out]{out: out[i]}
	}
}
