// Package attempt describes the delivery ledger: what is known of each try to reach a target, and who may change a
// ledger row in which way. Whoever inserts a delivery key into the ledger owns its fate.
package attempt

// State is the state of a ledger row.
type State string

// The ledger's states.
const (
	Claimed   State = "CLAIMED"   // somebody is about to call the gateway, until the lease ends
	Unknown   State = "UNKNOWN"   // a call may have been made and its answer will not come
	Succeeded State = "SUCCEEDED" // accepted by the gateway
	Failed    State = "FAILED"    // refused for good, or content that must not go out
	NotSent   State = "NOT_SENT"  // no call was made, or the gateway said "not now"
	Revoked   State = "REVOKED"   // closed before anybody called
)

// States lists every state.
var States = []State{Claimed, Unknown, Succeeded, Failed, NotSent, Revoked}

// Closed reports whether the row's key will never lead to a call again. UNKNOWN counts: what is unknown is not repeated.
func (s State) Closed() bool { return s != "" && s != Claimed }

// FailureClass says what a refusal means for the next try.
type FailureClass string

// The failure classes.
const (
	Permanent  FailureClass = "permanent"  // this address on this channel, now and later: go to another channel
	Temporary  FailureClass = "temporary"  // surely not accepted; another try may succeed
	Throttled  FailureClass = "throttled"  // "not now": spends nothing
	Content    FailureClass = "content"    // must not go out on any channel before it is corrected
	Suppressed FailureClass = "suppressed" // the customer must not be reached on this channel
)

// FailureClasses lists every class.
var FailureClasses = []FailureClass{Permanent, Temporary, Throttled, Content, Suppressed}

// Hard reports whether the class rules out the channel for this bill, so that the route goes on with another one.
func (c FailureClass) Hard() bool { return c == Permanent || c == Suppressed }

// Reason says why a row has its state, in a word that programs may rely on.
type Reason string

// Reasons of NOT_SENT, UNKNOWN, FAILED and REVOKED rows.
const (
	ReasonWindow    Reason = "window_closed"  // quiet hours began before the claim
	ReasonExpired   Reason = "expired"        // the deadline passed before the claim
	ReasonThrottled Reason = "throttled"      // the gateway said "not now"
	ReasonSendBy    Reason = "send_by_passed" // claimed, but too late to call within the lease
	ReasonNotCalled Reason = "not_called"     // claimed, and the connection could not be made: surely no call
	ReasonNoGateway Reason = "no_gateway"     // this deployment has no gateway for the channel
	ReasonNoAnswer  Reason = "no_answer"      // called, and no answer will come
	ReasonLease     Reason = "lease_expired"  // claimed by a caller that went silent
	ReasonRefused   Reason = "refused"        // the gateway refused for good
	ReasonContent   Reason = "content"        // wrong hash, owner or cipher, or refused content
	ReasonSuppress  Reason = "suppressed"     // on the suppression list
	ReasonManual    Reason = "manual"         // an operator's word
	ReasonCancel    Reason = "cancelled"      // revoked by a cancellation
	ReasonDeadline  Reason = "deadline"       // revoked because the deadline passed
	ReasonExhaust   Reason = "exhausted"      // revoked because no step is left
	ReasonCorrect   Reason = "corrected"      // revoked by a correction
	ReasonLate      Reason = "late_success"   // revoked because an older try turned out to be accepted
)

// Reasons lists every reason.
var Reasons = []Reason{
	ReasonWindow, ReasonExpired, ReasonThrottled, ReasonSendBy, ReasonNotCalled, ReasonNoGateway, ReasonNoAnswer, ReasonLease, ReasonRefused,
	ReasonContent, ReasonSuppress, ReasonManual, ReasonCancel, ReasonDeadline, ReasonExhaust, ReasonCorrect, ReasonLate,
}

// Actor says who changes a ledger row.
type Actor string

// The actors of Transitions.
const (
	ByCaller   Actor = "delivery, with its token"
	ByAnswer   Actor = "delivery, any token"
	ByDelivery Actor = "delivery, before a claim"
	BySweeper  Actor = "sweeper, lease expired"
	ByRevoke   Actor = "whoever holds the target"
	ByOperator Actor = "operator"
)

// Transition is one allowed change of a ledger row. From is empty for the insert.
type Transition struct {
	From, To State
	By       Actor
}

// Transitions is the ledger's state machine: rules R3, R5, R6 and the sweeper. Code and documentation share it.
var Transitions = []Transition{
	{"", Claimed, ByCaller},
	{"", NotSent, ByDelivery},
	{"", Failed, ByDelivery},
	{"", Revoked, ByRevoke},
	{Claimed, Succeeded, ByAnswer},
	{Unknown, Succeeded, ByAnswer},
	{Failed, Succeeded, ByAnswer},
	{NotSent, Succeeded, ByAnswer},
	{Revoked, Succeeded, ByAnswer},
	{Claimed, Failed, ByCaller},
	{Unknown, Failed, ByCaller},
	{Claimed, NotSent, ByCaller},
	{Claimed, Unknown, ByCaller},
	{Claimed, Unknown, BySweeper},
	{Unknown, Succeeded, ByOperator},
	{Unknown, Failed, ByOperator},
}

// Allowed reports whether an actor may take a row from one state to another.
func Allowed(from, to State, by Actor) bool {
	for _, t := range Transitions {
		if t.From == from && t.To == to && t.By == by {
			return true
		}
	}
	return false
}
