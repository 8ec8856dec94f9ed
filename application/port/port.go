// Package port holds the driven ports of Balsong, the interfaces by which the use cases reach the outside world: one
// small interface each. Every port has a conformance suite in porttest, an in-memory implementation in memory, and
// adapters that pass the same suite against the real thing.
//
// Unless a port says otherwise: all methods are safe for concurrent use; the end of a context stops the call, which
// returns the context's error; slices that are passed in are neither kept nor changed.
package port

import (
	"errors"
	"time"
)

// Errors that several ports return. Adapters translate their own errors into these; callers test with errors.Is.
var (
	// ErrUnavailable: the other side cannot be reached or answers "not now". Nothing is known to have been done, unless
	// the method says otherwise. Wait and try again; that costs no attempt.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrConflict: the database rolled the transaction back in favour of another one. Nothing was done; run it again.
	ErrConflict = errors.New("lost to a concurrent transaction")
	// ErrCommitUnknown: the answer to COMMIT was lost; the transaction may or may not have been committed.
	ErrCommitUnknown = errors.New("whether the transaction was committed is unknown")
	// ErrNotFound: the thing named does not exist.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the other side refuses the data itself; trying again does not help.
	ErrInvalid = errors.New("refused as invalid")
)

// Clock is the clock for quiet hours, deadlines and a pass's now. Leases go by the database's clock instead.
type Clock interface {
	// Now returns the current instant. It carries a monotonic reading where the clock is the machine's own.
	Now() time.Time
	// After returns a channel that delivers once the duration has passed.
	After(d time.Duration) <-chan time.Time
}

// Field is one typed value of a log line: its name in snake_case, its value without personal data.
type Field struct {
	Key   string
	Value any // string, bool, int, int64, float64, time.Duration, time.Time, error or []string
}

// Log is the log of the use cases. Messages are constant; whatever varies is a field.
type Log interface {
	Info(message string, fields ...Field)
	Warn(message string, fields ...Field)
	Error(message string, fields ...Field)
}
