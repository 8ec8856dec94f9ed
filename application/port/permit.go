package port

import "context"

// Permits bounds the calls to one provider: its rate, its breaker and how many run at the same time.
type Permits interface {
	// Acquire waits until a call may be made. The context's end ends the waiting: no permit is held then, and the error
	// is the context's, wrapped; at once where the wait would surely outlast the context's deadline. release must be
	// called, with the call's verdict, or with CallNotMade and made false where no call was tried: the breaker then
	// learns nothing. Called again it does nothing.
	Acquire(ctx context.Context) (release func(verdict Verdict, made bool), err error)
}
