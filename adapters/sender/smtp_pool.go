package sender

import (
	"sync"
	"time"
)

// pool keeps connections that wait for the next message, the youngest on top, at most limit, each at most idle long.
// It bounds nothing else: how many calls run at once is the Permits' business.
type pool struct {
	idle  time.Duration
	limit int

	mu     sync.Mutex
	stack  []*session
	closed bool
}

func newPool(idle time.Duration, limit int) *pool { return &pool{idle: idle, limit: limit} }

// take returns the connection that was used last; nil where there is none.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.stack)
	if n == 0 {
		return nil
	}
	s := p.stack[n-1]
	p.stack = p.stack[:n-1]
	s.retire.Stop()
	return s
}

func (p *pool) put(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.stack) >= p.limit {
		go s.close() // it says QUIT; nobody waits for that
		return
	}
	s.kept = true
	s.retire = time.AfterFunc(p.idle, func() { p.drop(s) })
	p.stack = append(p.stack, s)
}

// drop closes a connection that nobody has taken for too long.
func (p *pool) drop(s *session) {
	p.mu.Lock()
	for i := range p.stack {
		if p.stack[i] == s {
			p.stack = append(p.stack[:i], p.stack[i+1:]...)
			p.mu.Unlock()
			s.close()
			return
		}
	}
	p.mu.Unlock()
}

func (p *pool) close() {
	p.mu.Lock()
	left := p.stack
	p.stack, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range left {
		s.retire.Stop()
		s.close()
	}
}
