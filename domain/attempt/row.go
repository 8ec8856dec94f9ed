package attempt

import (
	"errors"
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

// Token is the owner token of one claim: 16 random bytes, fresh for each claim. The zero token owns nothing.
type Token [16]byte

// IsZero reports whether the token owns nothing.
func (t Token) IsZero() bool { return t == Token{} }

// UnknownPolicy says what happens when the outcome of a call cannot be known.
type UnknownPolicy string

// The unknown policies.
const (
	Hold   UnknownPolicy = "hold"   // no second copy is sent until an operator decides
	Resend UnknownPolicy = "resend" // continue the route; duplicates are possible and counted
)

// Facts are what a dispatch decided and settling needs later. Each ledger row carries them, so that the
// policy of a past attempt is never needed.
type Facts struct {
	Channel       channel.Kind
	Step          int16 // index into the route written out
	PolicyID      int64
	PolicyVersion int32
	RunID         int64
	Unknown       UnknownPolicy
}

// Row is one row of the delivery ledger. Times are UTC; the zero time stands for "not set".
type Row struct {
	Key   key.Delivery
	State State
	Facts
	Owner             Token
	ClaimedAt         time.Time // by the database's clock
	LeaseUntil        time.Time // by the database's clock
	Provider          string
	Earlier           Earlier // providers of the same claim
	ProviderMessageID string
	Charge            cost.Charge  // of what was accepted, and of UNKNOWN if it was; zero: not known
	Class             FailureClass // of FAILED rows, and of NOT_SENT rows by the gateway's answer
	Reason            Reason
	Detail            string    // for people: the gateway's words, with no destination in them
	NotBefore         time.Time // NOT_SENT: the earliest instant of the next round
	FinishedAt        time.Time // by the clock port of whoever wrote the outcome
	ChangedAt         time.Time // by the database's clock, set by every write

	// By the reports about the key, in an effective row (R11); no store keeps them.
	Reported bool // state, class and reason are what reports say
	OurFault bool // a message that was accepted came to nothing because of the sender, whatever else is said of it
}

// RowOf returns the row of a key among a target's rows; nil if the key has none.
func RowOf(rows []Row, k key.Delivery) *Row {
	for i := range rows {
		if rows[i].Key == k {
			return &rows[i]
		}
	}
	return nil
}

// SpendsRound reports whether the row is a put-back that counts towards the policy's MaxRounds: NOT_SENT, unless the
// provider asked for a later try or refuses everything, which a customer's bill neither causes nor can end. A refusal that
// is about us only in doubt counts, so that one message which the provider never takes does not come back for ever; and so
// does a message that was accepted and came to nothing because of us.
func (r Row) SpendsRound() bool {
	if r.OurFault {
		return true
	}
	switch r.Class {
	case Throttled:
		return false
	case Provider:
		return r.State == NotSent && r.Reason == ReasonRefused
	default:
		return r.State == NotSent
	}
}

// Claim asks for the right to call the gateway for one key (rule R3). The owner of a claim that is alive asks again, with the same
// token, before another provider makes its call: the row names who is called, also where the caller dies.
type Claim struct {
	Key key.Delivery
	Facts
	Token    Token
	Provider string
	Earlier  Earlier
	Lease    time.Duration // from the database's clock at the insert
}

// Closing closes a key without a call, before anybody claimed it (rule R5, "before the claim").
type Closing struct {
	Key key.Delivery
	Facts
	State      State // NotSent or Failed
	Class      FailureClass
	Reason     Reason
	NotBefore  time.Time
	FinishedAt time.Time
}

// Outcome is what became of a claim (rule R5), or a verdict about an UNKNOWN row (rules R9 and R12).
type Outcome struct {
	Key               key.Delivery
	Token             Token
	State             State // Succeeded, Failed, NotSent or Unknown
	Class             FailureClass
	Reason            Reason
	Provider          string
	ProviderMessageID string
	Charge            cost.Charge // of Succeeded and Unknown: what the provider charges if it accepted the message; zero: not known
	Detail            string      // for people: the gateway's words, with no destination in them
	NotBefore         time.Time
	FinishedAt        time.Time
	Verdict           bool // about an UNKNOWN row, by an operator or by the provider that was asked: it becomes SUCCEEDED or FAILED, no token asked
}

// Revocation closes a key that nobody has claimed (rule R6).
type Revocation struct {
	Key        key.Delivery
	Reason     Reason
	FinishedAt time.Time
}

// ErrNotClosing is returned for a state in which a closing must not put a row.
var ErrNotClosing = errors.New("not an outcome that this ledger can hold")

// Accepts reports whether the rules let the outcome change the row (R5). Success always wins, whoever reports it.
// Everything else needs the row's token and CLAIMED; a definitive refusal may also change UNKNOWN. The SQL of the
// ledger repeats this guard, and the conformance suite compares the two.
func (r Row) Accepts(o Outcome) bool {
	if o.Verdict {
		return Allowed(r.State, o.State, ByOperator)
	}
	if o.State == Succeeded {
		return Allowed(r.State, o.State, ByAnswer)
	}
	return !o.Token.IsZero() && r.Owner == o.Token && Allowed(r.State, o.State, ByCaller)
}

// Apply returns the row as the outcome leaves it, and whether the outcome was accepted.
func (r Row) Apply(o Outcome) (Row, bool) {
	if !r.Accepts(o) {
		return r, false
	}
	r.State, r.Class, r.Reason = o.State, o.Class, o.Reason
	r.NotBefore, r.FinishedAt = o.NotBefore, o.FinishedAt
	if o.Provider != "" {
		r.Provider = o.Provider
	}
	if o.ProviderMessageID != "" {
		r.ProviderMessageID = o.ProviderMessageID
	}
	if o.Charge.Known() {
		r.Charge = o.Charge
	}
	if o.Detail != "" {
		r.Detail = o.Detail
	}
	return r, true
}
