// Package port holds the driven ports of Balsong: what the use cases need of the world, one small interface a file.
// Every port has a conformance suite in porttest, an in-memory implementation in memory, and adapters that pass the
// same suite against the real thing.
//
// Unless a port says otherwise: all methods may be called from many goroutines at once; a context that ends stops the
// call and its error is returned; slices handed in are not kept and not changed.
package port

import (
	"errors"
	"time"
)

// Errors that several ports return. Adapters translate their own errors into these; users of a port test with errors.Is.
var (
	// ErrUnavailable: the part cannot be reached or answers "not now". Nothing is known to have been done, unless the
	// method says otherwise. Wait and try again; spend nothing.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrConflict: the database ended the transaction in favour of another one. Nothing was done; run it again.
	ErrConflict = errors.New("lost against a concurrent transaction")
	// ErrCommitUnknown: the answer to COMMIT was lost; the transaction may or may not have been committed.
	ErrCommitUnknown = errors.New("whether the transaction was committed is unknown")
	// ErrNotFound: the thing named does not exist.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the part refuses the data itself; trying again will not help.
	ErrInvalid = errors.New("refused as invalid")
)

// Clock tells the time for quiet hours, deadlines and a pass's now. Leases are judged by the database's clock.
type Clock interface {
	// Now returns the current instant. It carries a monotonic reading where the clock is the machine's own.
	Now() time.Time
	// After returns a channel that delivers once the duration has passed.
	After(d time.Duration) <-chan time.Time
}

// Field is one typed value of a log line or an event: snake_case name, no personal data.
type Field struct {
	Key   string
	Value any // string, bool, int, int64, float64, time.Duration, time.Time, error or []string
}

// Log is where the use cases tell what happens. Messages are constant; everything dynamic is a field.
type Log interface {
	Info(message string, fields ...Field)
	Warn(message string, fields ...Field)
	Error(message string, fields ...Field)
}

// Metrics counts and measures; names and labels are snake_case and carry no personal data.
type Metrics interface {
	// Count adds to a counter; labels come in pairs: name, value.
	Count(name string, n int, labels ...string)
	// Observe notes one measurement in seconds.
	Observe(name string, d time.Duration, labels ...string)
	// Gauge sets a current value.
	Gauge(name string, value float64, labels ...string)
}
