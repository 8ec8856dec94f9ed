package deliver

import (
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/window"
)

// delivery is one request on its way from the topic to an outcome.
type delivery struct {
	message port.Received
	known   bool // the request's identity could be read
	request event.Requested
	quiet   window.Union
	lane    *lane
	via     *provider // whose permit it has, and who is called
	ahead   bool      // it holds one of lane.ahead
	lifts   int       // halts lifted before its customer was looked up
	looked  time.Time // just before that
	content port.Delivery
	token   attempt.Token   // of the claim
	claimed time.Time       // just before the claim
	earlier attempt.Earlier // who was to make the call before
	parent  string          // the request's traceparent; "": it has none
	tracing *tracing

	haltsChannel bool // its outcome is one refusal too many: the channel is to be halted for all processes
}

// leaveAhead lets the next message of the lane fetch its content.
func (d *delivery) leaveAhead() {
	if d.ahead {
		d.ahead = false
		d.lane.ahead.leave()
	}
}

// done marks the message as done and lets go of what it brought, because thousands of deliveries wait after that at the
// same time: for their gateway's answer, and for bulk statements.
func (d *delivery) done() {
	d.message.Done()
	d.message = port.Received{}
	d.request.Destination, d.request.Statement = nil, nil
}

// callDeadline is the shorter of the provider's call deadline and the request's own.
func (d *delivery) callDeadline() time.Duration {
	deadline := d.via.CallDeadline
	if own := time.Duration(d.request.CallDeadlineMS) * time.Millisecond; own > 0 {
		deadline = min(deadline, own)
	}
	return deadline
}

// sendBy is the latest instant at which its call may begin (R4).
func (d *delivery) sendBy() time.Time {
	return d.claimed.Add(d.lane.lease - d.callDeadline() - d.via.Margin)
}

// outcomeOf translates a gateway's reply into what the ledger records (R5).
func (d *delivery) outcomeOf(reply port.Reply, now time.Time) attempt.Outcome {
	o := d.outcome(attempt.Unknown, attempt.ReasonNoAnswer, now)
	o.Detail = reply.Detail
	if reply.NotBefore > 0 {
		o.NotBefore = now.Add(reply.NotBefore)
	}
	switch reply.Verdict {
	case port.CallAccepted:
		o.State, o.Reason, o.ProviderMessageID = attempt.Succeeded, "", reply.MessageID
		o.Charge = d.charge(reply)
	case port.CallRefused:
		o.State, o.Class, o.Reason = attempt.Failed, reply.Class, attempt.ReasonRefused
		if reply.Class == attempt.Provider {
			o.State = attempt.NotSent
			if !reply.Doubtful {
				o.Reason = attempt.ReasonProvider
			}
		}
	case port.CallThrottled:
		o.State, o.Class, o.Reason = attempt.NotSent, attempt.Throttled, attempt.ReasonThrottled
	case port.CallNotMade:
		o.State, o.Reason = attempt.NotSent, attempt.ReasonNotCalled
	default: // nobody knows
		o.Charge = d.charge(reply)
		if reply.Answered {
			o.Reason = attempt.ReasonUnclear
		}
	}
	return o
}

// charge is what the provider charges if it has accepted the message, at the prices of now.
func (d *delivery) charge(reply port.Reply) cost.Charge {
	units := reply.Units
	if units == (cost.Units{}) {
		units = cost.Units{Unit: cost.Message, Count: 1}
	}
	return d.via.Prices.Charge(units)
}

// notCalled is the outcome of a claim without a call. After a send-by that passed, the next round may follow at once; what
// the provider would have refused waits as after a refusal.
func (d *delivery) notCalled(reason attempt.Reason, now time.Time) attempt.Outcome {
	o := d.outcome(attempt.NotSent, reason, now)
	if reason == attempt.ReasonHeld {
		o.Class = attempt.Provider
	} else {
		o.NotBefore = now
	}
	return o
}

// claim asks for its key, for the provider whose permit it has.
func (d *delivery) claim() attempt.Claim {
	return attempt.Claim{
		Key: d.request.Delivery(), Facts: d.request.Facts(), Token: d.token, Provider: d.via.Name, Earlier: d.earlier, Lease: d.lane.lease,
	}
}

// outcome is an outcome of the claim, at the instant now.
func (d *delivery) outcome(state attempt.State, reason attempt.Reason, now time.Time) attempt.Outcome {
	return attempt.Outcome{
		Key: d.request.Delivery(), Token: d.token, Provider: d.via.Name, State: state, Reason: reason, FinishedAt: now,
	}
}

// resultOf is the result of a ledger row; nil while the row is not final.
func (d *delivery) resultOf(row attempt.Row) *event.Result {
	if !row.State.Closed() {
		return nil
	}
	return &event.Result{
		Identity: d.request.Identity, Outcome: row.State, Class: row.Class, Reason: row.Reason,
		Provider: row.Provider, ProviderMessageID: row.ProviderMessageID, FinishedAt: row.FinishedAt,
	}
}

// until is when the customer is not to get the message any more: its deadline, or the next quiet hours. Zero: never.
func (d *delivery) until(now time.Time) time.Time {
	closing := d.quiet.NextClosing(now)
	if deadline := d.request.Deadline; deadline != nil && (closing.IsZero() || deadline.Before(closing)) {
		return *deadline
	}
	return closing
}
