package httpclient

import "errors"

// What became of a call that has no answer. Every error of this package wraps one of the two.
var (
	ErrNotMade = errors.New("the call was not made")              // certainly: no byte of the request was sent
	ErrUnknown = errors.New("the outcome of the call is unknown") // the server may have taken the request
)

// callError says why a call has no answer, in words for people.
type callError struct {
	outcome error // ErrNotMade or ErrUnknown
	words   string
	cause   error
}

// Error implements error.
func (e *callError) Error() string {
	if e.cause == nil {
		return e.words
	}
	return e.words + ": " + e.cause.Error()
}

// Unwrap lets errors.Is and errors.As see the outcome and the cause.
func (e *callError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.outcome}
	}
	return []error{e.outcome, e.cause}
}

func notMade(cause error) error { return &callError{ErrNotMade, "no byte was sent", cause} }

func unknown(words string, cause error) error { return &callError{ErrUnknown, words, cause} }
