// Package batch turns many small calls into few bulk calls without making a lone call wait: a worker takes whatever is
// there, and what comes while it works becomes the next batch. Under load a batch may linger for more items.
package batch

import (
	"context"
	"sync"
	"time"
)

// Config says how batches are formed.
type Config struct {
	Max     int // the most items of a batch, at least 1
	Workers int // batches done at once, at least 1
	Queue   int // the most items of Add that wait at once; where so many wait, Add blocks; 0: as many as Max
	// Linger is how long a batch waits for more items if the one before had more than one. Where items come often, this
	// makes batches fewer and larger; a lone item never waits. 0: batches never wait.
	Linger time.Duration
	After  func(time.Duration) <-chan time.Time // of the clock; needed where Linger is set
}

// Batcher calls do with batches of items that came at about the same time. Safe for concurrent use.
type Batcher[In, Out any] struct {
	config Config
	do     func(ctx context.Context, in []In) ([]Out, error)
	life   context.Context //nolint:containedctx // of the workers and of do; ended by Close
	end    context.CancelFunc
	stop   chan struct{} // closed when no worker shall begin another batch
	done   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	waiting []item[In, Out]
	queue   chan struct{} // holds an element for each item of Add that waits
	some    chan struct{} // signalled when a first item waits
	enough  chan struct{} // signalled when a whole batch waits

	filling sync.Mutex // one worker fills a batch at a time, while others do theirs
	busy    bool       // the batch filled last had more than one item
}

type item[In, Out any] struct {
	in    In
	reply chan reply[Out] // nil: nobody waits
}

// fail ends an item with an error.
func (it item[In, Out]) fail(err error) {
	if it.reply != nil {
		it.reply <- reply[Out]{err: err}
	}
}

type reply[Out any] struct {
	out Out
	err error
}

// New starts workers that call do with 1 to Config.Max items. do returns one Out for each item, in order, or one error
// for all of them; nothing is read of what it returns for items of Add. Close or Drain must be called.
func New[In, Out any](config Config, do func(ctx context.Context, in []In) ([]Out, error)) *Batcher[In, Out] {
	life, end := context.WithCancel(context.Background())
	if config.Queue == 0 {
		config.Queue = config.Max
	}
	b := &Batcher[In, Out]{
		config: config, do: do, life: life, end: end,
		stop: make(chan struct{}), queue: make(chan struct{}, config.Queue),
		some: make(chan struct{}, 1), enough: make(chan struct{}, 1),
	}
	for range config.Workers {
		b.done.Go(b.work)
	}
	return b
}

// Do submits one item and waits for its result. If the context ends first, it returns the context's error, and whether
// the item was done is unknown; the same with context.Canceled if the batcher is closed.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	var none Out
	if err := ctx.Err(); err != nil {
		return none, err
	}
	it := item[In, Out]{in: in, reply: make(chan reply[Out], 1)}
	b.enter(it)
	if ctx.Done() == nil { // as a select, but much cheaper
		r := <-it.reply
		return r.out, r.err
	}
	select {
	case r := <-it.reply:
		return r.out, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// Add submits one item whose result nobody waits for. It blocks while Config.Queue of them wait. The context's error, if
// that ends first; context.Canceled if the batcher is closed. The item is dropped if Close comes before its batch begins.
func (b *Batcher[In, Out]) Add(ctx context.Context, in In) error {
	select {
	case b.queue <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.life.Done():
		return context.Canceled
	}
	if !b.enter(item[In, Out]{in: in}) {
		return context.Canceled
	}
	return nil
}

// Drain does what Add submitted, and then closes the batcher. Nothing may be submitted any more.
func (b *Batcher[In, Out]) Drain() {
	for range cap(b.queue) {
		b.queue <- struct{}{} // none waits any more
	}
	close(b.stop)
	b.done.Wait()
	b.Close()
}

// Close ends the workers and waits for them. Items that still wait, and those that come later, get context.Canceled.
func (b *Batcher[In, Out]) Close() {
	b.end()
	b.done.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, it := range b.waiting {
		it.fail(context.Canceled)
	}
	b.waiting = nil
}

// work fills and does one batch after another until the batcher is closed.
func (b *Batcher[In, Out]) work() {
	items := make([]item[In, Out], 0, b.config.Max)
	for open := true; open; {
		if items, open = b.fill(items[:0]); len(items) > 0 {
			b.run(items)
		}
		clear(items)
	}
}

// enter queues an item, unless the batcher is closed. It wakes workers only for the first item and for a full batch: to
// wake them for each item would cost more, under load, than the item's share of a bulk statement.
func (b *Batcher[In, Out]) enter(it item[In, Out]) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		it.fail(context.Canceled)
		return false
	}
	b.waiting = append(b.waiting, it)
	n := len(b.waiting)
	b.mu.Unlock()
	if n == 1 {
		signal(b.some)
	}
	if n == b.config.Max {
		signal(b.enough)
	}
	return true
}

// fill waits for a first item and takes those that came with it. open is false once the batcher is closed.
func (b *Batcher[In, Out]) fill(items []item[In, Out]) (filled []item[In, Out], open bool) {
	b.filling.Lock()
	defer b.filling.Unlock()
	select {
	case <-b.some:
	case <-b.stop:
		return items, false
	case <-b.life.Done():
		return items, false
	}
	if b.busy && b.config.Linger > 0 {
		b.linger()
	}
	items = b.take(items)
	b.busy = len(items) > 1
	return items, true
}

// linger waits until a whole batch waits, for Config.Linger at most.
func (b *Batcher[In, Out]) linger() {
	select {
	case <-b.enough: // it may be left over from a batch that was taken long ago
	default:
	}
	b.mu.Lock()
	full := len(b.waiting) >= b.config.Max
	b.mu.Unlock()
	if full {
		return
	}
	select {
	case <-b.enough:
	case <-b.config.After(b.config.Linger):
	case <-b.life.Done():
	}
}

// take moves waiting items to items, a batch at most. If more wait, it signals the next worker.
func (b *Batcher[In, Out]) take(items []item[In, Out]) []item[In, Out] {
	b.mu.Lock()
	n := min(len(b.waiting), b.config.Max)
	for _, it := range b.waiting[:n] {
		if items = append(items, it); it.reply == nil {
			<-b.queue
		}
	}
	rest := copy(b.waiting, b.waiting[n:])
	clear(b.waiting[rest:])
	b.waiting = b.waiting[:rest]
	b.mu.Unlock()
	if rest > 0 {
		signal(b.some)
	}
	if rest >= b.config.Max {
		signal(b.enough)
	}
	return items
}

// signal signals c, unless a signal waits there already.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run does one batch and hands out the results.
func (b *Batcher[In, Out]) run(items []item[In, Out]) {
	in := make([]In, len(items))
	for i, it := range items {
		in[i] = it.in
	}
	out, err := b.do(b.life, in)
	for i, it := range items {
		switch {
		case it.reply == nil:
		case err != nil:
			it.fail(err)
		default:
			it.reply <- reply[Out]{out: out[i]}
		}
	}
}
