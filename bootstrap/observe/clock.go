package observe

import (
	"time"

	"github.com/balsong/balsong/application/port"
)

// Clock is the machine's clock, shifted: a demo lives at an hour of its own. The zero value is the machine's time.
type Clock struct{ Shift time.Duration }

var _ port.Clock = Clock{}

// Now implements port.Clock.
func (c Clock) Now() time.Time { return time.Now().Add(c.Shift) }

// After implements port.Clock.
func (c Clock) After(d time.Duration) <-chan time.Time { return time.After(d) }
