package port

import "context"

// Permits bounds the calls to one provider: how often all processes together make one, how many this process makes at once, and none
// while its circuit breaker is open.
type Permits interface {
	// Acquire waits until a call may be made. Its error wraps the context's; it comes before the context's end if the
	// wait would certainly outlast the deadline. No permit is held then.
	Acquire(ctx context.Context) (Permit, error)
	// HeldBack reports whether calls are held back because the circuit breaker is open, or the one call that tests the provider is under
	// way: Acquire would wait for that.
	HeldBack() bool
}

// Permit lets one call be made. It is given back by Release, or by Cancel if no call was tried; a second time does nothing.
type Permit interface {
	// Begin reports whether the call may begin, which it then does at once: not where the circuit breaker has opened since the permit
	// was given. From then on the call counts for the rate.
	Begin() bool
	// Release gives the permit back with what came of the call, from which the circuit breaker learns.
	Release(reply Reply)
	// Cancel gives the permit back; the circuit breaker learns nothing.
	Cancel()
}
