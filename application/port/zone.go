package port

import (
	"sync"
	"time"

	"github.com/balsong/balsong/domain/window"
)

// Zones keeps the time zones that were read, because reading one opens a file. There are only so many. The zero value
// knows none yet. Safe for concurrent use.
type Zones struct{ known sync.Map } // name → *time.Location

// Find is window.Zone.
func (z *Zones) Find(name string) (*time.Location, error) {
	if known, ok := z.known.Load(name); ok {
		return known.(*time.Location), nil
	}
	read, err := window.Zone(name)
	if err == nil {
		z.known.Store(name, read)
	}
	return read, err
}
