package outage

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrPanic is wrapped by the errors of Guarded that say that this program has an error.
var ErrPanic = errors.New("this program has an error: report it, with what follows")

// Guarded calls do. Where that panics its error wraps ErrPanic, with the type of the panic and the stack, and without its text, which may
// have personal data: the process would end, and again once whoever sent what it stumbled over sends it again.
func Guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %T: %s", ErrPanic, p, debug.Stack())
		}
	}()
	return do()
}
