package deliver

import (
	"context"
	"errors"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// claimAndCall takes a permit, claims the key, calls the gateway once and stores the outcome. It reports false if it
// did not get the key although the key has no ledger row: the message must then be prepared again.
func (f *flight) claimAndCall(ctx context.Context) (over bool) {
	release, err := f.lane.Permits.Acquire(ctx)
	if err != nil {
		return true
	}
	called := false
	defer func() {
		if !called {
			release(port.CallNotMade, false)
		}
	}()
	if !f.mayGo(ctx) { // the wait for the permit may have been long
		return true
	}
	if owned, over := f.claim(ctx); !owned {
		return over
	}
	began := f.Clock.Now()
	reply := f.call()
	called = true
	release(reply.Verdict, true) // before the outcome is stored, which needs no permit
	metric.GatewayCallDuration.Observe(f.Metrics, f.Clock.Now().Sub(began), f.lane.Gateway.Provider().Name)
	f.storeReply(reply)
	return true
}

// claim claims the key. If owned, the call is to be made now; else over reports whether nothing is left to be done for the message.
func (f *flight) claim(ctx context.Context) (owned, over bool) {
	provider := f.lane.Gateway.Provider()
	f.token = f.NewToken()
	sendBy := f.Clock.Now().Add(provider.Lease - f.callDeadline() - provider.Margin)
	owned, err := ask(untilClosed, f.bulk.claims[f.request.Channel], attempt.Claim{
		Key: f.request.Delivery(), Facts: f.request.Facts(), Token: f.token, Provider: provider.Name, Lease: provider.Lease,
	})
	switch {
	case errors.Is(err, port.ErrInvalid):
		f.refuseContent(ctx, err, false) // the ledger cannot hold this key: the request is not one of ours
		return false, true
	case err != nil:
		return false, true // shut down while the database is down: the message is redelivered, or the lease ends
	case !owned:
		return false, f.notOwned()
	}
	f.finish()
	if f.Clock.Now().After(sendBy) {
		f.giveUp()
		return false, true
	}
	return true, true
}

// call calls the gateway. It keeps no reference to the content meanwhile, because thousands of calls wait at the same
// time. The gateway itself ends a call at its provider's call deadline; a shorter one of the request is set here.
func (f *flight) call() port.Reply {
	call := f.life
	if own := f.callDeadline(); own < f.lane.Gateway.Provider().CallDeadline {
		var cancel context.CancelFunc
		call, cancel = context.WithTimeout(call, own)
		defer cancel()
	}
	content := f.content
	f.content = port.Delivery{}
	reply := f.lane.Gateway.Send(call, content)
	f.tellTrouble(f.lane.Gateway.Provider().Name, reply)
	return reply
}

// notOwned handles a key that the claim did not get: whoever inserted its ledger row owns it. It reports false if there
// is no row.
func (f *flight) notOwned() (over bool) {
	row, err := f.bulk.finds.Do(untilClosed, f.request.Delivery())
	switch {
	case err != nil:
		return true
	case row.State == "":
		return false
	case row.State == attempt.Claimed && row.Owner == f.token:
		f.finish()
		f.giveUp() // our own claim, whose lease ended while the database was down
		return true
	default:
		f.finish()
		metric.ClaimsLost.Add(f.Metrics, 1)
		f.repeatResult()
		return true
	}
}

// giveUp closes a claim as NOT_SENT: no call was made, and the next round may follow at once.
func (f *flight) giveUp() {
	o := f.outcome(attempt.NotSent, attempt.ReasonSendBy)
	o.NotBefore = f.Clock.Now()
	f.store(o)
}

// storeReply stores what came of the call.
func (f *flight) storeReply(reply port.Reply) { f.store(f.answered(reply)) }

// outcome is an outcome of the claim, now.
func (f *flight) outcome(state attempt.State, reason attempt.Reason) attempt.Outcome {
	return attempt.Outcome{
		Key: f.request.Delivery(), Token: f.token, Provider: f.lane.Gateway.Provider().Name, State: state, Reason: reason, FinishedAt: f.Clock.Now(),
	}
}

// store writes the outcome into the ledger, repeating it while the database is down, and then publishes the result for
// settlement.
func (f *flight) store(o attempt.Outcome) {
	held, err := ask(untilClosed, f.bulk.outcomes, o)
	if err != nil {
		f.Log.Error("an outcome could not be stored before the shutdown; it becomes UNKNOWN when its lease ends",
			port.Field{Key: "delivery", Value: o.Key.String()}, port.Field{Key: "outcome", Value: string(o.State)})
		return
	}
	metric.Deliveries.Add(f.Metrics, 1, o.State, o.Reason)
	if !held {
		f.repeatResult()
		return
	}
	f.hint(event.Result{
		Identity: f.request.Identity, Outcome: o.State, Class: o.Class, Reason: o.Reason,
		Provider: o.Provider, ProviderMessageID: o.ProviderMessageID, FinishedAt: o.FinishedAt,
	})
}

// answered translates a gateway's reply into what the ledger records (R5).
func (f *flight) answered(reply port.Reply) attempt.Outcome {
	o := f.outcome(attempt.Unknown, attempt.ReasonNoAnswer)
	o.Detail = reply.Detail
	switch reply.Verdict {
	case port.CallAccepted:
		o.State, o.Reason, o.ProviderMessageID, o.Detail = attempt.Succeeded, "", reply.MessageID, ""
	case port.CallRefused:
		o.State, o.Class, o.Reason = attempt.Failed, reply.Class, attempt.ReasonRefused
	case port.CallThrottled:
		o.State, o.Class, o.Reason = attempt.NotSent, attempt.Throttled, attempt.ReasonThrottled
		if reply.NotBefore > 0 {
			o.NotBefore = o.FinishedAt.Add(reply.NotBefore)
		}
	case port.CallNotMade:
		o.State, o.Reason = attempt.NotSent, attempt.ReasonNotCalled
	default: // nobody knows
	}
	return o
}
