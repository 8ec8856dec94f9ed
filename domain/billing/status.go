// Package billing holds the billing target (발송 대상): one customer's bill of one month on its way to the customer.
// Every change of a target is a method here; storage keeps what these methods decided.
package billing

import (
	"errors"
	"fmt"
)

// BatchStatus is the status that only the statement batch writes.
type BatchStatus string

// The batch statuses.
const (
	Imported     BatchStatus = "IMPORTED"
	Rendered     BatchStatus = "RENDERED"
	RenderFailed BatchStatus = "RENDER_FAILED"
)

// Status is the dispatch status. Dispatch, settlement and operators write it; the batch never does.
type Status string

// The dispatch statuses. Candidates are READY and FAILED targets that are RENDERED.
const (
	Ready      Status = "READY"
	Requested  Status = "REQUESTED"
	Failed     Status = "FAILED" // the next attempt waits for its time
	Paused     Status = "PAUSED"
	Unknown    Status = "UNKNOWN"   // held: whether the gateway accepted cannot be known
	Succeeded  Status = "SUCCEEDED" // accepted by the gateway
	Exhausted  Status = "EXHAUSTED" // no step of the route is left
	Expired    Status = "EXPIRED"   // the deadline passed
	Cancelled  Status = "CANCELLED"
	WrittenOff Status = "WRITTEN_OFF" // an operator closed an UNKNOWN; the outcome stays unknown
)

// Statuses lists every dispatch status.
var Statuses = []Status{Ready, Requested, Failed, Paused, Unknown, Succeeded, Exhausted, Expired, Cancelled, WrittenOff}

// Final reports whether dispatch is over for the target. Only a late success still changes such a status, and what a report takes
// back (R11).
func (s Status) Final() bool {
	switch s {
	case Succeeded, Exhausted, Expired, Cancelled, WrittenOff:
		return true
	default:
		return false
	}
}

// Event names what happens to a target.
type Event string

// The events of Transitions.
const (
	EventDispatch   Event = "dispatch"
	EventPause      Event = "pause"
	EventResume     Event = "resume"
	EventRequeue    Event = "requeue"
	EventSucceed    Event = "succeed"
	EventNextTry    Event = "next attempt"
	EventPutBack    Event = "put back"
	EventRounds     Event = "too many rounds"
	EventContent    Event = "content refused"
	EventDoubt      Event = "outcome unknown"
	EventExhaust    Event = "exhaust"
	EventExpire     Event = "expire"
	EventCancel     Event = "cancel"
	EventUncancel   Event = "un-cancel"
	EventSendAnyway Event = "send anyway"
	EventWriteOff   Event = "write off"
	EventCorrect    Event = "correct"
	EventTakeBack   Event = "acceptance taken back"
	EventRestore    Event = "database restored"
)

// Transition is one allowed change of the dispatch status.
type Transition struct {
	From  Status
	Event Event
	To    Status
}

// Transitions is the target's state machine (rules R1, R6 to R11). Code and documentation share it.
var Transitions = transitions()

func transitions() []Transition {
	var table []Transition
	add := func(event Event, to Status, from ...Status) {
		for _, f := range from {
			table = append(table, Transition{From: f, Event: event, To: to})
		}
	}
	open := []Status{Ready, Failed, Requested, Unknown}
	waiting := []Status{Ready, Failed, Requested, Unknown, Paused}
	add(EventDispatch, Requested, Ready, Failed)
	add(EventPause, Paused, Ready, Failed, Requested)
	add(EventResume, Ready, Paused)
	add(EventRequeue, Ready, Requested)
	add(EventSucceed, Succeeded, Ready, Requested, Failed, Paused, Unknown, Exhausted, Expired, Cancelled, WrittenOff)
	add(EventNextTry, Failed, open...)
	add(EventNextTry, Paused, Paused)
	add(EventPutBack, Ready, open...)
	add(EventPutBack, Paused, Paused)
	add(EventRounds, Paused, waiting...)
	add(EventContent, Paused, waiting...)
	add(EventDoubt, Unknown, Ready, Failed, Requested, Paused)
	add(EventExhaust, Exhausted, waiting...)
	add(EventExpire, Expired, waiting...)
	add(EventCancel, Cancelled, waiting...)
	add(EventUncancel, Ready, Cancelled)
	add(EventUncancel, Failed, Cancelled)
	add(EventUncancel, Paused, Cancelled)
	add(EventSendAnyway, Ready, Unknown)
	add(EventWriteOff, WrittenOff, Unknown)
	add(EventCorrect, Ready, Ready, Failed, Requested)
	add(EventCorrect, Paused, Paused)
	for _, to := range []Status{Ready, Failed, Paused, Unknown, Exhausted, Expired, Cancelled, WrittenOff} {
		add(EventTakeBack, to, Succeeded)
	}
	add(EventRestore, Requested, Ready, Failed, Requested, Unknown, Cancelled, Succeeded)
	add(EventRestore, Paused, Ready, Failed, Requested, Unknown, Cancelled, Succeeded, Paused)
	return table
}

// ErrTransition is wrapped where a target's status does not allow what is asked of it.
var ErrTransition = errors.New("the target's status does not allow this")

// Can reports whether the event may take a target from one status to another.
func Can(from Status, event Event, to Status) bool {
	for _, t := range Transitions {
		if t == (Transition{From: from, Event: event, To: to}) {
			return true
		}
	}
	return false
}

// move changes the dispatch status as an event allows. Leaving PAUSED clears the pause reason, an end clears a pending one.
// SUCCEEDED does not, and keeps the end that it replaces as the pending one, because a report may take the acceptance back.
// ErrTransition.
func (t *Target) move(event Event, to Status) error {
	if !Can(t.s.Dispatch, event, to) {
		return fmt.Errorf("%w: %s: %s is not possible while %s", ErrTransition, t.s.Key, event, t.s.Dispatch)
	}
	from := t.s.Dispatch
	t.s.Dispatch = to
	if to != Paused {
		t.s.Pause = ""
	}
	switch {
	case to == Succeeded && from.Final():
		t.s.PendingEnd = from
	case to != Succeeded && to.Final():
		t.s.PendingEnd = ""
	}
	return nil
}
