package observe

import (
	"time"

	"github.com/balsong/balsong/application/port"
)

// Clock is the machine's clock put ahead by Shift, so that the demo has an hour of the day of its own. The zero value shows
// the machine's time.
type Clock struct{ Shift time.Duration }

var _ port.Clock = Clock{}

// Now implements port.Clock. It is in UTC, as everything is that programs read.
func (c Clock) Now() time.Time { return time.Now().UTC().Add(c.Shift) }

// After implements port.Clock.
func (c Clock) After(d time.Duration) <-chan time.Time { return time.After(d) }
