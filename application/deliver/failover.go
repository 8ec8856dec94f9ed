package deliver

import (
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// another finds another provider of the channel that may make the call of the same claim, after one that certainly did not take the
// message, for a reason that is not the customer's. It names it in the ledger, so that the row says who was called also where this
// process dies, and begins its permit. It reports false, and the delivery is as before, where none may be called: after any other
// outcome, a time-out above all, past the send-by or the customer's hours, while everything is halted, or where none has a permit.
func (s *Service) another(shutdownCtx context.Context, d *delivery, outcome attempt.Outcome, permit *port.Permit) bool {
	if len(d.lane.providers) == 1 || !passesOn(outcome) || shutdownCtx.Err() != nil {
		return false
	}
	before, earlier := d.via, d.earlier
	d.earlier = earlier.And(before.Name, outcome.Reason)
	tried := d.earlier.Each()
	rest := slices.DeleteFunc(slices.Clone(d.lane.providers), func(p *provider) bool {
		return slices.ContainsFunc(tried, func(e attempt.EarlierProvider) bool { return e.Provider == p.Name })
	})
	for rest = free(rest); len(rest) > 0; rest = free(rest) {
		d.via = d.lane.next(rest)
		if given, ok := s.takeOver(shutdownCtx, d); ok {
			*permit = given
			return true
		}
		rest = slices.DeleteFunc(rest, func(p *provider) bool { return p == d.via })
	}
	d.via, d.earlier = before, earlier
	return false
}

// passesOn reports whether another provider may be called after an outcome: it was about us, whoever the customer is, or no byte of
// the message was sent.
func passesOn(o attempt.Outcome) bool {
	return o.State == attempt.NotSent && (o.Class == attempt.Provider || o.Reason == attempt.ReasonNotCalled)
}

// takeOver reports whether d.via may make the call of the claim: it gives a permit that has begun.
func (s *Service) takeOver(shutdownCtx context.Context, d *delivery) (port.Permit, bool) {
	if !s.mayStillGo(d) {
		return nil, false
	}
	permit, err := acquireWithin(shutdownCtx, ownTurn, d.via)
	if err != nil {
		return nil, false
	}
	held, err := s.ledger.claim(d.claim())
	if err != nil || !held || !s.mayStillGo(d) || !permit.Begin() {
		permit.Cancel()
		return nil, false
	}
	return permit, true
}

// mayStillGo reports whether a call may begin now: within the lease, the deadline and the customer's hours, and neither everything nor the
// channel is halted.
func (s *Service) mayStillGo(d *delivery) bool {
	now := s.clock.Now()
	deadline := d.request.Deadline
	return !now.After(d.sendBy()) && (deadline == nil || now.Before(*deadline)) && !d.quiet.NextOpening(now).After(now) &&
		!s.halt.halted() && !s.halt.channels.Halted(d.request.Channel)
}
