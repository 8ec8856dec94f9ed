package port

import "context"

// Permits bounds the calls to one provider: how often, how many at once, and none while its circuit breaker is open.
type Permits interface {
	// Acquire waits until a call may be made. Its error wraps the context's; it comes before the context's end if the
	// wait would certainly outlast the deadline. No permit is held then. Otherwise the caller must call release with
	// the call's verdict, or, if it tried no call, with CallNotMade and made false, from which the breaker learns
	// nothing. A second call of release does nothing.
	Acquire(ctx context.Context) (release func(verdict Verdict, made bool), err error)
}
