package port

import (
	"sync"
	"time"

	"github.com/balsong/balsong/domain/window"
)

// zones caches the time zones that were read: reading one opens a file. There are only so many.
var zones sync.Map // name → *time.Location

// Zone is window.Zone with a cache, for callers that need the same few zones again and again. Safe for concurrent use.
func Zone(name string) (*time.Location, error) {
	if kept, ok := zones.Load(name); ok {
		return kept.(*time.Location), nil
	}
	read, err := window.Zone(name)
	if err == nil {
		zones.Store(name, read)
	}
	return read, err
}
