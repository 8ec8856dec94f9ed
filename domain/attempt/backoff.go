package attempt

import (
	"errors"
	"fmt"
	"time"
)

// ErrBackoff is wrapped by Backoff.Validate.
var ErrBackoff = errors.New("backoff that cannot work")

// MaxPause is the largest Max that a backoff may have: far below what a time.Duration, or a float of nanoseconds, can
// hold.
const MaxPause = 90 * 24 * time.Hour

// Backoff is a growing pause between tries: Base after the first one, Factor times longer after each further one, at
// most Max. It only computes: billing.Target.Settle decides when a target is retried, and after which pause.
type Backoff struct {
	Base   time.Duration
	Factor float64
	Max    time.Duration
}

// Validate refuses, wrapping ErrBackoff, a negative base, a max below the base or above MaxPause, and a factor that is
// not between 1 and 100.
func (b Backoff) Validate() error {
	switch {
	case b.Base < 0 || b.Max < b.Base:
		return fmt.Errorf("%w: base %s, max %s (want 0 ≤ base ≤ max)", ErrBackoff, b.Base, b.Max)
	case b.Max > MaxPause:
		return fmt.Errorf("%w: max %s (want at most %s)", ErrBackoff, b.Max, MaxPause)
	case !(b.Factor >= 1 && b.Factor <= 100):
		return fmt.Errorf("%w: factor %v (want 1 to 100)", ErrBackoff, b.Factor)
	}
	return nil
}

// String writes "10m0s ×3, at most 6h0m0s".
func (b Backoff) String() string {
	return fmt.Sprintf("%s ×%v, at most %s", b.Base, b.Factor, b.Max)
}

// After returns the pause after the n-th try in a row, counted from 0.
func (b Backoff) After(n int) time.Duration {
	pause := float64(b.Base)
	for range min(n, 64) {
		if pause >= float64(b.Max) {
			return b.Max
		}
		pause *= b.Factor
	}
	return time.Duration(min(pause, float64(b.Max)))
}

// Spread returns After(n), lengthened by up to a fifth depending on the user id, so that many that failed together do
// not come back together. It is always the same for the same user.
func (b Backoff) Spread(n int, userID int64) time.Duration {
	pause := b.After(n)
	hash := uint64(userID) * 0x9E3779B97F4A7C15 >> 32 // Knuth's multiplicative hash, the upper half
	return pause + time.Duration(float64(pause)/5*float64(hash%1024)/1024)
}
