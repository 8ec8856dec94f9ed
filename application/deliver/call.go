package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// claimAndCall takes a permit, claims the key, calls once and stores the outcome. It is false where no claim came about
// and the message is to be prepared again.
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
	owned, err := ask(f.life, f.bulk.claims, claim)
	if errors.Is(err, port.ErrInvalid) {
		f.refuseContent(ctx, err, false) // the ledger has no room for this key: not one of ours
		return true
	}
	if err != nil {
		return true // shut down while the database is away: the message comes again, or the lease ends
	}
	if !owned {
		return f.notOwned(claim)
	}
	f.message.Done()
	if f.Clock.Now().After(sendBy) {
		return f.giveUp(claim)
	}
	began := f.Clock.Now()
	reply := f.call()
	called = true
	release(reply.Verdict, true) // at once: the outcome needs no permit
	f.Metrics.Observe("gateway_call_seconds", f.Clock.Now().Sub(began), "provider", provider.Name)
	f.store(outcome(claim, reply, f.Clock.Now()))
	return true
}

// call hands the content over, once, and holds it no longer: thousands of calls wait at the same time. The gateway keeps
// its provider's call deadline itself.
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

// notOwned looks at a key that the claim did not get. Whoever inserted its row owns its fate.
func (f *flight) notOwned(claim attempt.Claim) (over bool) {
	row, err := f.bulk.finds.Do(f.life, claim.Key)
	switch {
	case err != nil:
		return true
	case row.State == "":
		return false
	case row.State == attempt.Claimed && row.Owner == claim.Token:
		f.message.Done()
		return f.giveUp(claim) // ours, but the lease has ended while the database was away
	default:
		f.message.Done()
		f.Metrics.Count("claims_lost_total", 1)
		f.repeatResult()
		return true
	}
}

// giveUp closes a claim that surely led to no call.
func (f *flight) giveUp(claim attempt.Claim) (over bool) {
	f.store(attempt.Outcome{
		Key: claim.Key, Token: claim.Token, State: attempt.NotSent, Reason: attempt.ReasonSendBy,
		Provider: claim.Provider, NotBefore: f.Clock.Now(), FinishedAt: f.Clock.Now(),
	})
	return true
}

// store writes the outcome into the ledger, waiting for a database that is down, and then tells settlement.
func (f *flight) store(o attempt.Outcome) {
	held, err := ask(f.life, f.bulk.outcomes, o)
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

// outcome is what a reply means for the ledger (R5).
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
