package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Gateway sends one message by one provider of one channel.
type Gateway interface {
	// Send makes at most one call that the provider may accept, within the call deadline, and says what came of it.
	// It never repeats a call: no retries, no reconnecting after the first byte of the message. The context's end
	// cuts the call short: the answer is then CallUnknown, unless the first byte was surely not sent.
	// Many calls may run at once.
	Send(ctx context.Context, delivery Delivery) Reply
	// Provider describes the provider.
	Provider() Provider
}

// Delivery is what is to be sent, in clear: it is never logged.
type Delivery struct {
	Key         key.Delivery // given to the provider as the idempotency key
	Channel     channel.Kind
	Destination string
	Content     Variant
}

// Verdict is what a call came to.
type Verdict string

// The verdicts.
const (
	CallAccepted  Verdict = "accepted"   // the provider took the message
	CallRefused   Verdict = "refused"    // definitively not taken: Class tells why; only what an allow-list names
	CallThrottled Verdict = "throttled"  // "not now": surely not taken
	CallNotMade   Verdict = "not_called" // surely no call: no connection, or no byte of the message was sent
	CallUnknown   Verdict = "unknown"    // a call may have been taken, and no answer will come
)

// Reply is the provider's answer.
type Reply struct {
	Verdict   Verdict
	Class     attempt.FailureClass // of CallRefused: permanent, temporary or content
	MessageID string               // the provider's, of CallAccepted
	NotBefore time.Duration        // of CallThrottled: Retry-After; 0: not said
	Detail    string               // for people: the provider's words, with no destination in them
}

// Provider is a provider's settings that the caller must respect. Lease ≥ CallDeadline + Margin.
type Provider struct {
	Name         string
	Channel      channel.Kind
	CallDeadline time.Duration // the longest a call may take
	Lease        time.Duration // how long a claim lasts, from the database's clock
	Margin       time.Duration // for what lies between the claim and the call
	Rate         float64       // calls a second; 0: unbounded
	Burst        int           // calls at once after a pause; at least 1 where Rate > 0
	InFlight     int           // calls at the same time, at least 1
}
