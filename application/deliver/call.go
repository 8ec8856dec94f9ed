package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/application/event"
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
	provider := f.lane.Gateway.Provider()
	claim := attempt.Claim{
		Key: f.request.Delivery(), Facts: f.request.Facts(),
		Token: f.NewToken(), Provider: provider.Name, Lease: provider.Lease,
	}
	sendBy := f.Clock.Now().Add(provider.Lease - f.callDeadline() - provider.Margin)
	owned, err := ask(untilClosed, f.bulk.claims[f.request.Channel], claim)
	if errors.Is(err, port.ErrInvalid) {
		f.refuseContent(ctx, err, false) // the ledger cannot hold this key: the request is not one of ours
		return true
	}
	if err != nil {
		return true // shut down while the database is down: the message is redelivered, or the lease ends
	}
	if !owned {
		return f.notOwned(claim)
	}
	f.finish()
	if f.Clock.Now().After(sendBy) {
		return f.giveUp(claim)
	}
	began := f.Clock.Now()
	reply := f.call()
	called = true
	release(reply.Verdict, true) // before the outcome is stored, which needs no permit
	f.Metrics.Observe("gateway_call_seconds", f.Clock.Now().Sub(began), "provider", provider.Name)
	f.store(outcome(claim, reply, f.Clock.Now()))
	return true
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
func (f *flight) notOwned(claim attempt.Claim) (over bool) {
	row, err := f.bulk.finds.Do(untilClosed, claim.Key)
	switch {
	case err != nil:
		return true
	case row.State == "":
		return false
	case row.State == attempt.Claimed && row.Owner == claim.Token:
		f.finish()
		return f.giveUp(claim) // our own claim, whose lease ended while the database was down
	default:
		f.finish()
		f.Metrics.Count("claims_lost_total", 1)
		f.repeatResult()
		return true
	}
}

// giveUp closes a claim as NOT_SENT: no call was made, and the next round may follow at once. It always reports true.
func (f *flight) giveUp(claim attempt.Claim) (over bool) {
	f.store(attempt.Outcome{
		Key: claim.Key, Token: claim.Token, State: attempt.NotSent, Reason: attempt.ReasonSendBy,
		Provider: claim.Provider, NotBefore: f.Clock.Now(), FinishedAt: f.Clock.Now(),
	})
	return true
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
	f.Metrics.Count("deliveries_total", 1, "outcome", string(o.State), "reason", string(o.Reason))
	if !held {
		f.repeatResult()
		return
	}
	f.hint(event.Result{
		Identity: f.request.Identity, Outcome: o.State, Class: o.Class, Reason: o.Reason,
		Provider: o.Provider, ProviderMessageID: o.ProviderMessageID, FinishedAt: o.FinishedAt,
	})
}

// outcome translates a gateway's reply into what the ledger records (R5).
func outcome(claim attempt.Claim, reply port.Reply, now time.Time) attempt.Outcome {
	o := attempt.Outcome{Key: claim.Key, Token: claim.Token, Provider: claim.Provider, Detail: reply.Detail, FinishedAt: now}
	switch reply.Verdict {
	case port.CallAccepted:
		o.State, o.ProviderMessageID, o.Detail = attempt.Succeeded, reply.MessageID, ""
	case port.CallRefused:
		o.State, o.Class, o.Reason = attempt.Failed, reply.Class, attempt.ReasonRefused
	case port.CallThrottled:
		o.State, o.Class, o.Reason = attempt.NotSent, attempt.Throttled, attempt.ReasonThrottled
		if reply.NotBefore > 0 {
			o.NotBefore = now.Add(reply.NotBefore)
		}
	case port.CallNotMade:
		o.State, o.Reason = attempt.NotSent, attempt.ReasonNotCalled
	default:
		o.State, o.Reason = attempt.Unknown, attempt.ReasonNoAnswer
	}
	return o
}
