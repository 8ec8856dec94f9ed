package port

import "context"

// Permits bounds the calls to one provider: its rate, its breaker and how many run at the same time.
type Permits interface {
	// Acquire waits until a call may be made; its error is the context's. release must be called once, with the call's
	// verdict, or with CallNotMade and made false where no call was tried: the breaker then learns nothing.
	Acquire(ctx context.Context) (release func(verdict Verdict, made bool), err error)
}
