// Package batch turns many small calls into few bulk calls without making a lone call wait: a worker takes whatever
// is there, and what comes meanwhile is the next batch.
package batch

import (
	"context"
	"sync"
)

// Batcher runs do over batches of items that came at about the same time.
type Batcher[In, Out any] struct {
	queue chan item[In, Out]
	max   int
	do    func(ctx context.Context, in []In) ([]Out, error)
	life  context.Context //nolint:containedctx // the workers' life, ended by Close
	end   context.CancelFunc
	done  sync.WaitGroup
}

type item[In, Out any] struct {
	in    In
	reply chan reply[Out]
}

type reply[Out any] struct {
	out Out
	err error
}

// New starts workers that call do with 1 to max items; do answers one Out an item, in order, or an error for all.
// Close must be called.
func New[In, Out any](max, workers int, do func(ctx context.Context, in []In) ([]Out, error)) *Batcher[In, Out] {
	life, end := context.WithCancel(context.Background())
	b := &Batcher[In, Out]{queue: make(chan item[In, Out], max), max: max, do: do, life: life, end: end}
	for range workers {
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
	items := make([]item[In, Out], 0, b.max)
	for {
		items = items[:0]
		select {
		case it := <-b.queue:
			items = append(items, it)
		case <-b.life.Done():
			return
		}
		items = b.drain(items)
		b.run(items)
	}
}

func (b *Batcher[In, Out]) drain(items []item[In, Out]) []item[In, Out] {
	for len(items) < b.max {
		select {
		case it := <-b.queue:
			items = append(items, it)
		default:
			return items
		}
	}
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
