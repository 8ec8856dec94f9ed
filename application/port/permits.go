package port

import "context"

// Permits bounds the calls to one provider: how often, how many at once, and none while its circuit breaker is open.
type Permits interface {
	// Acquire waits until a call may be made. Its error wraps the context's; it comes before the context's end if the
	// wait would certainly outlast the deadline. No permit is held then.
	Acquire(ctx context.Context) (Permit, error)
}

// Permit lets one call be made. It is given back by Release, or by Cancel if no call was tried; a second time does nothing.
type Permit interface {
	// Valid reports whether the call may still begin: not once the circuit breaker has opened since the permit was given.
	Valid() bool
	// Release gives the permit back with what came of the call, from which the circuit breaker learns.
	Release(reply Reply)
	// Cancel gives the permit back; the circuit breaker learns nothing.
	Cancel()
}
