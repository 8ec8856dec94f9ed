package port

import (
	"sync"
	"time"

	"github.com/balsong/balsong/domain/window"
)

// zones keeps the time zones that were read, as many as there are: each costs a file.
var zones sync.Map // name → *time.Location

// Zone is window.Zone for those who ask for the same few zones row after row. It may be called from any goroutine.
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
