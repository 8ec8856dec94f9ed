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
	do     func(ctx context.Context, in []In) ([]Out, error)
	life   context.Context //nolint:containedctx // the workers' life, ended by Close
	end    context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	waiting []item[In, Out]
	some    chan struct{} // told when the first item waits
	enough  chan struct{} // told when a whole batch waits

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
	b := &Batcher[In, Out]{
		config: config, do: do, life: life, end: end,
		some: make(chan struct{}, 1), enough: make(chan struct{}, 1),
	}
	for range config.Workers {
		b.done.Go(b.work)
	}
	return b
}

// Do hands one item in and waits for its answer. When the context ends first, its error is returned, and whether the
// item was done is unknown.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	var none Out
	if err := ctx.Err(); err != nil {
		return none, err
	}
	it := item[In, Out]{in: in, reply: make(chan reply[Out], 1)}
	b.enter(it)
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
	for open := true; open; {
		if items, open = b.fill(items[:0]); len(items) > 0 {
			b.run(items)
		}
		clear(items)
	}
}

// enter queues an item. The workers are woken for the first and for a full batch only, not for each: under load that
// would cost more than the item's share of a bulk statement.
func (b *Batcher[In, Out]) enter(it item[In, Out]) {
	b.mu.Lock()
	b.waiting = append(b.waiting, it)
	n := len(b.waiting)
	b.mu.Unlock()
	if n == 1 {
		tell(b.some)
	}
	if n == b.config.Max {
		tell(b.enough)
	}
}

// fill waits for a first item and takes what comes with it; open is false once the batcher is closed.
func (b *Batcher[In, Out]) fill(items []item[In, Out]) (filled []item[In, Out], open bool) {
	b.filling.Lock()
	defer b.filling.Unlock()
	select {
	case <-b.some:
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

// linger waits until a whole batch is there, but no longer than Linger.
func (b *Batcher[In, Out]) linger() {
	select {
	case <-b.enough: // perhaps of a batch that was taken long ago
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

// take moves a batch of those who wait to items. Where more wait the next worker is told.
func (b *Batcher[In, Out]) take(items []item[In, Out]) []item[In, Out] {
	b.mu.Lock()
	n := min(len(b.waiting), b.config.Max)
	items = append(items, b.waiting[:n]...)
	rest := copy(b.waiting, b.waiting[n:])
	clear(b.waiting[rest:])
	b.waiting = b.waiting[:rest]
	b.mu.Unlock()
	if rest > 0 {
		tell(b.some)
	}
	if rest >= b.config.Max {
		tell(b.enough)
	}
	return items
}

// tell leaves word once, however often it is called before somebody listens.
func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
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
