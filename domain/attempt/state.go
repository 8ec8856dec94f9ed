// Package attempt describes the delivery ledger: what is known of each try to reach a target, and who may change a
// ledger row in which way. Whoever inserts a delivery key into the ledger owns its fate.
package attempt

// State is the state of a ledger row.
type State string

// The ledger's states.
const (
	Claimed   State = "CLAIMED"   // its owner may call the gateway until the lease ends
	Unknown   State = "UNKNOWN"   // a call may have been made and its answer will not come
	Succeeded State = "SUCCEEDED" // accepted by the gateway
	Failed    State = "FAILED"    // refused for good, or content that must not go out
	NotSent   State = "NOT_SENT"  // no call was made, or the gateway asked for a later try
	Revoked   State = "REVOKED"   // closed before anybody called
)

// States lists every state.
var States = []State{Claimed, Unknown, Succeeded, Failed, NotSent, Revoked}

// Closed reports whether the row's key will never lead to a call again. UNKNOWN counts: what is unknown is not repeated.
func (s State) Closed() bool { return s != "" && s != Claimed }

// Actor says who changes a ledger row.
type Actor string

// The actors of Transitions.
const (
	ByCaller   Actor = "delivery, with its token"
	ByAnswer   Actor = "delivery, any token"
	ByDelivery Actor = "delivery, before a claim"
	BySweeper  Actor = "sweeper, lease expired"
	ByRevoke   Actor = "whoever holds the target"
	ByOperator Actor = "operator, or the answer to an inquiry"
	ByRestore  Actor = "restore check, by the event log"
)

// Transition is one allowed change of a ledger row. From is empty for the insert.
type Transition struct {
	From, To State
	By       Actor
}

// Transitions is the ledger's state machine: rules R3, R5, R6, R10 and the sweeper. Code and documentation share it.
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
	{"", Succeeded, ByRestore},
	{"", Failed, ByRestore},
	{"", NotSent, ByRestore},
	{"", Unknown, ByRestore},
	{Claimed, Succeeded, ByRestore},
	{Claimed, Failed, ByRestore},
	{Claimed, NotSent, ByRestore},
	{Claimed, Unknown, ByRestore},
	{Unknown, Succeeded, ByRestore},
	{Unknown, Failed, ByRestore},
	{Failed, Succeeded, ByRestore},
	{NotSent, Succeeded, ByRestore},
	{Revoked, Succeeded, ByRestore},
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
