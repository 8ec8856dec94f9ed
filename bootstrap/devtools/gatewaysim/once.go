package gatewaysim

import (
	"sync"
	"time"
)

// once remembers, for a while, what has come before. The oldest are forgotten.
type once struct {
	mu    sync.Mutex
	at    map[string]time.Time
	order []string
}

// first reports whether a name comes for the first time within a while.
func (o *once) first(name string, now time.Time, within time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, known := o.at[name]
	if known && now.Sub(before) < within {
		return false
	}
	if o.at == nil {
		o.at = map[string]time.Time{}
	}
	o.at[name] = now
	if !known {
		o.order = append(o.order, name)
	}
	for len(o.order) > maxSent {
		delete(o.at, o.order[0])
		o.order = o.order[1:]
	}
	return true
}
