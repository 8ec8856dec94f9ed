package gateway

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// Meaning is what an answer of a provider means: the class by which the next try goes.
type Meaning struct {
	Class    attempt.FailureClass // permanent, temporary, throttled, content or provider; "": nothing is known
	Doubtful bool                 // it fits every customer as well as this one: many such answers open the circuit breaker
}

// The meanings. Those that are doubtful end in a question mark where they are shown.
var (
	Permanent        = Meaning{Class: attempt.Permanent}
	PermanentDoubted = Meaning{Class: attempt.Permanent, Doubtful: true}
	Temporary        = Meaning{Class: attempt.Temporary}
	TemporaryDoubted = Meaning{Class: attempt.Temporary, Doubtful: true}
	ThrottledOne     = Meaning{Class: attempt.Throttled} // this recipient alone has to wait
	ThrottledAll     = Meaning{Class: attempt.Throttled, Doubtful: true}
	Content          = Meaning{Class: attempt.Content}
	Provider         = Meaning{Class: attempt.Provider} // a clear word: no call before the provider has been tested
	ProviderDoubted  = Meaning{Class: attempt.Provider, Doubtful: true}
	UnknownMeaning   = Meaning{}
)

// String is the class, with a question mark where it is doubtful.
func (m Meaning) String() string {
	switch {
	case m.Class == "":
		return "unknown"
	case m.Doubtful:
		return string(m.Class) + " ?"
	default:
		return string(m.Class)
	}
}

// Reply is the reply of a call that was certainly not accepted. wait is how long the provider asked to wait; 0: not said.
func (m Meaning) Reply(detail string, wait time.Duration) port.Reply {
	reply := port.Reply{Verdict: port.CallRefused, Class: m.Class, Doubtful: m.Doubtful, Detail: detail}
	switch m.Class {
	case attempt.Throttled:
		reply.Verdict, reply.Class, reply.NotBefore = port.CallThrottled, "", wait
		if m.Doubtful {
			reply.Hold = wait
		}
	case attempt.Provider:
		reply.NotBefore, reply.Hold = wait, wait
	default: // the customer's own, which waits as the policy says
	}
	return reply
}

// Answer is an answer of a provider as operators see it in docs/operations/answers.md: what was said, and what it means.
type Answer struct {
	Said    string // with the command that it answers, or the status and the body
	Verdict port.Verdict
	Meaning Meaning // of what was not accepted
	Why     string
	Source  string // the standard, or the provider's documentation
}
