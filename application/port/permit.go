package port

import "context"

// NoCall is the verdict of a permit that led to no call at all: the claim was lost, or came too late. It tells the
// breaker nothing, unlike CallNotMade, where a call was tried and the provider could not be reached.
const NoCall Verdict = ""

// Permits bounds the calls to one provider: their rate, how many run at once, and whether any may be tried while the
// provider does not answer (a breaker). A permit is taken before the claim, so that nothing waits behind one.
type Permits interface {
	// Acquire waits until a call may be made. The end of the context ends the waiting: its error is returned, wrapped,
	// and no permit is held; so it is, at once, where the wait would surely outlast the context's deadline.
	// release must be called once the call is over, with its verdict, or with NoCall; calling it again does nothing.
	Acquire(ctx context.Context) (release func(Verdict), err error)
}
