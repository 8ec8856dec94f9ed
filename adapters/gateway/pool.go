package gateway

import (
	"sync"
	"time"
)

// Pool keeps connections that no call uses, each for idle at most. The one used last is used next, so that surplus ones
// age and are closed. It does not bound how many calls run at once; Permits does. Safe for concurrent use.
type Pool[C any] struct {
	idle time.Duration
	end  func(C) // closes a connection; it may take its time

	mu      sync.Mutex
	unused  []unused[C] // the one used last at the end
	pruning *time.Timer
	closed  bool
}

type unused[C any] struct {
	conn  C
	since time.Time
}

// NewPool returns an empty pool. end closes a connection that the pool gives up.
func NewPool[C any](idle time.Duration, end func(C)) *Pool[C] { return &Pool[C]{idle: idle, end: end} }

// Take returns the connection that was used last; false where there is none, or it has waited too long.
func (p *Pool[C]) Take() (C, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.unused)
	if n == 0 || time.Since(p.unused[n-1].since) >= p.idle {
		var none C
		return none, false // those below are older; prune closes them
	}
	last := p.unused[n-1]
	p.unused[n-1] = unused[C]{}
	p.unused = p.unused[:n-1]
	return last.conn, true
}

// Put keeps a connection for another call.
func (p *Pool[C]) Put(conn C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		go p.end(conn) // nobody waits for that
		return
	}
	p.unused = append(p.unused, unused[C]{conn: conn, since: time.Now()})
	if p.pruning == nil {
		p.pruning = time.AfterFunc(p.idle, p.prune)
	}
}

// prune closes what has waited too long, and comes again while something waits.
func (p *Pool[C]) prune() {
	p.mu.Lock()
	n := 0
	for n < len(p.unused) && time.Since(p.unused[n].since) >= p.idle {
		n++
	}
	old := append([]unused[C](nil), p.unused[:n]...)
	rest := copy(p.unused, p.unused[n:])
	clear(p.unused[rest:])
	p.unused, p.pruning = p.unused[:rest], nil
	if rest > 0 {
		p.pruning = time.AfterFunc(p.idle-time.Since(p.unused[0].since), p.prune)
	}
	p.mu.Unlock()
	for _, c := range old {
		p.end(c.conn)
	}
}

// Close closes the unused connections; those in use are closed when they are put back.
func (p *Pool[C]) Close() {
	p.mu.Lock()
	left := p.unused
	p.unused, p.closed = nil, true
	if p.pruning != nil {
		p.pruning.Stop()
	}
	p.mu.Unlock()
	for _, c := range left {
		p.end(c.conn)
	}
}
