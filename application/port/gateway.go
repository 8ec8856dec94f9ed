package port

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

// Gateway sends messages by one provider of one channel.
type Gateway interface {
	// Send makes at most one call that the provider may accept, within the call deadline, and returns what came of it.
	// It never repeats a call: no retries, no reconnecting after the first byte of the message. The end of the context
	// cuts the call short; the verdict is then CallUnknown, unless certainly no byte of the message was sent. Many
	// calls may run at once.
	Send(ctx context.Context, delivery Delivery) Reply
	// Provider describes the provider.
	Provider() Provider
}

// Preparer is a Gateway that needs something from elsewhere before a call, such as a token to log in with.
type Preparer interface {
	// Prepare makes sure that it is there. It may wait for whoever gives it, so it comes before the claim, never between claim
	// and call.
	Prepare(ctx context.Context) error
}

// Delivery is what is to be sent, unencrypted: it is never logged.
type Delivery struct {
	Key         key.Delivery // given to the provider as the idempotency key
	Channel     channel.Kind
	Destination string
	Content     Variant
	// Until is when the provider is not to give it to the customer any more: the deadline, or quiet hours. Zero: at any time. Who
	// has no means to tell the provider ignores it.
	Until time.Time
}

// Verdict is the result of a call.
type Verdict string

// The verdicts.
const (
	CallAccepted  Verdict = "accepted"   // the provider took the message
	CallRefused   Verdict = "refused"    // certainly not taken; Class says why
	CallThrottled Verdict = "throttled"  // "not now": certainly not taken
	CallNotMade   Verdict = "not_called" // certainly no call: no connection, or no byte of the message was sent
	CallUnknown   Verdict = "unknown"    // a call may have been taken, and nothing will ever say
)

// Reply is what came of a call.
type Reply struct {
	Verdict     Verdict
	Class       attempt.FailureClass // of CallRefused: permanent, temporary, content or provider
	Doubtful    bool                 // of CallRefused and CallThrottled: what was said fits every customer as well as this one
	Answered    bool                 // of CallUnknown: there was an answer, which does not say whether the message was taken
	MessageID   string               // the provider's, of CallAccepted; "": it named none that can be kept
	NotBefore   time.Duration        // of what may be tried again: when, as the provider said; 0: not said
	Units       cost.Units           // of CallAccepted and CallUnknown: what the provider charges for, as it said, or as follows from the message; zero: one message
	Concurrency int                  // of CallThrottled: calls at the same time that the provider takes, as it showed by refusing one more; 0: not known
	Hold        time.Duration        // how long the provider wants no call at all (Retry-After); 0: not said
	Detail      string               // for people: the provider's words, with no destination in them
}

// Provider is what a caller must know of a provider. Lease must be longer than CallDeadline + Margin: a call may begin in what
// is left over.
type Provider struct {
	Name         string // the vendor's: "smtp", "http", "twilio"
	Channel      channel.Kind
	CallDeadline time.Duration // the longest a call may take
	Lease        time.Duration // how long a claim lasts, from the database's clock
	Margin       time.Duration // for what lies between the claim and the call
	Rate         float64       // calls a second of all processes together; 0: unbounded
	InFlight     int           // calls of this process at the same time, at least 1
	Prices       cost.Prices   // of the contract with it; zero: not known
}

// Account names the provider among those of all channels, as in "sms/twilio": a vendor has limits, refusals and a budget of calls
// for each channel. Rows of the ledger name the channel and the vendor.
func (p Provider) Account() string { return strings.ToLower(string(p.Channel)) + "/" + p.Name }

// What a rate may be.
const (
	leastRate = 0.001 // a call in 1,000 seconds
	mostRate  = 1e6
)

// ErrProvider is wrapped by Provider.Validate.
var ErrProvider = errors.New("invalid provider configuration")

// Validate refuses, wrapping ErrProvider, a provider whose lease could end before its calls do, and bounds that let no
// call through.
func (p Provider) Validate() error {
	wrong := func(field, why string, args ...any) error {
		return fmt.Errorf("%w: provider %q: %s: %s", ErrProvider, p.Name, field, fmt.Sprintf(why, args...))
	}
	switch {
	case p.Name == "":
		return wrong("name", "is empty")
	case !p.Channel.Valid():
		return wrong("channel", "%q is none", p.Channel)
	case p.CallDeadline <= 0:
		return wrong("call deadline", "%s is not positive", p.CallDeadline)
	case p.Margin < 0:
		return wrong("margin", "%s is negative", p.Margin)
	case p.Lease <= p.CallDeadline+p.Margin:
		return wrong("lease", "%s is not longer than call deadline + margin, %s: a call could outlive its claim, or none may begin",
			p.Lease, p.CallDeadline+p.Margin)
	case p.InFlight < 1:
		return wrong("in flight", "%d lets no call through", p.InFlight)
	case p.Rate != 0 && !(p.Rate >= leastRate && p.Rate <= mostRate): // NaN too
		return wrong("rate", "%v is not between %v and %v, or 0 for none", p.Rate, leastRate, mostRate)
	}
	return nil
}
