package deliver

import (
	"context"
	"errors"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
)

// deliver takes one message through R2, in its order. A message is done, for its offset, as soon as its key has a ledger
// row: that is before the call. Until the claim, the end of ctx abandons the message, which is then redelivered; from the
// claim on it is brought to its outcome, whatever happens to the partition. prepared is called as soon as the message needs
// no slot of the preparation any more, possibly more than once.
//
// Thousands of calls wait at the same time, each with this function on its stack: what takes much space on the stack is
// done in the steps that have returned before the call.
func (s *Service) deliver(ctx, shutdownCtx context.Context, m port.Received, prepared func()) {
	d := s.decode(ctx, m)
	for d != nil && s.check(ctx, d) && s.fetchAndOpen(ctx, d, prepared) {
		permit, permitted := s.permit(ctx, d)
		if !permitted {
			return
		}
		if d.lifts != s.halt.liftsOf(d.request.Channel) { // a halt may have lasted for days: who complained meanwhile gets nothing
			permit.Cancel()
			continue
		}
		switch s.claim(ctx, d) {
		case claimed:
		case claimAgain:
			permit.Cancel()
			continue
		case claimOver:
			permit.Cancel()
			return
		}
		outcome := s.callOrNot(shutdownCtx, d, permit)
		for s.another(shutdownCtx, d, outcome, &permit) {
			outcome = s.callBegun(shutdownCtx, d, permit)
		}
		s.report(d, s.store(d, outcome))
		if d.haltsChannel {
			s.halt.channels.Halt(shutdownCtx, d.request.Channel)
		}
		return
	}
}

// decode reads a message and finds its lane; it returns nil if nothing is left to be done for it.
func (s *Service) decode(ctx context.Context, m port.Received) *delivery {
	request, known, err := event.DecodeRequested(m.Message)
	d := &delivery{message: m, known: known, request: request}
	s.trace(d)
	if err == nil {
		d.quiet, err = request.Quiet(s.zones)
	}
	if err != nil {
		s.refuseContent(ctx, d, err)
		return nil
	}
	lane, ok := s.lanes[request.Channel]
	if !ok {
		s.closeKey(ctx, d, attempt.Closing{State: attempt.NotSent, Reason: attempt.ReasonNoGateway, NotBefore: s.clock.Now().Add(s.config.Patience.NoGateway)})
		return nil
	}
	d.lane = lane
	return d
}

// fetchAndOpen gets the content, as soon as a call may be made with it before long. It reports false if nothing is left
// to be done for the message.
func (s *Service) fetchAndOpen(ctx context.Context, d *delivery, prepared func()) bool {
	if d.content.Destination != "" {
		return true // fetched before, for a claim that came to nothing, or before a halt
	}
	s.step(d, trace.Prepare)
	if !d.lane.ahead.tryEnter() {
		prepared() // the wait may be long: other lanes' messages need the slot
		if !d.lane.ahead.enter(ctx, d.message.Time) {
			return false
		}
	}
	d.ahead = true
	err := s.contents.fetch(ctx, d)
	prepared()
	if err == nil {
		s.halt.contentOpened()
		return true
	}
	d.leaveAhead()
	if errors.Is(err, port.ErrContent) || errors.Is(err, port.ErrInvalid) {
		s.refuseContent(ctx, d, err)
		s.halt.contentRefused(ctx)
	}
	return false // refused, or given up: ctx has ended
}

// permit waits until a call may be made, and checks customer and time again, because the wait may have been long. The caller
// must give a permit back.
func (s *Service) permit(ctx context.Context, d *delivery) (permit port.Permit, permitted bool) {
	s.step(d, trace.Permit)
	via, permit, err := s.acquire(ctx, d)
	d.via = via
	d.leaveAhead()
	if err != nil {
		return nil, false
	}
	if !s.lookAgain(ctx, d) || !s.checkTime(ctx, d) {
		permit.Cancel()
		return nil, false
	}
	return permit, true
}

// acquire waits until the channel is not halted and one of its providers gives a permit.
func (s *Service) acquire(ctx context.Context, d *delivery) (*provider, port.Permit, error) {
	for {
		if err := s.halt.channels.Wait(ctx, d.request.Channel); err != nil {
			return nil, nil, err
		}
		via, permit, err := d.lane.acquire(ctx)
		if err != nil || !s.halt.channels.Halted(d.request.Channel) {
			return via, permit, err
		}
		permit.Cancel()
	}
}

// claimResult is what came of a claim.
type claimResult int

const (
	claimed    claimResult = iota // the call is to be made now
	claimAgain                    // not ours, although the key has no ledger row: prepare the message again
	claimOver                     // nothing is left to be done for the message
)

// claim claims the key. The message is done once its key has a ledger row. ctx matters only where the ledger refuses the
// key: the claim itself is waited for, whatever happens to the partition.
func (s *Service) claim(ctx context.Context, d *delivery) claimResult {
	s.step(d, trace.Claim)
	d.token = s.newToken()
	d.claimed = s.clock.Now()
	held, err := s.ledger.claim(d.claim())
	switch {
	case errors.Is(err, port.ErrInvalid): // the ledger cannot hold this key: the request is not one of ours
		if s.deadLetters.publish(ctx, d, err, s.failureFields(d)) {
			s.report(d, nil)
			d.done()
		}
		return claimOver
	case err != nil:
		return claimOver // shut down while the database is down: the message is redelivered, or the lease ends
	case !held:
		return s.claimLost(d)
	}
	d.done()
	return claimed
}

// claimLost handles a key that the claim did not get: whoever inserted its ledger row owns it.
func (s *Service) claimLost(d *delivery) claimResult {
	row, err := s.ledger.find(d.request.Delivery())
	switch {
	case err != nil:
		return claimOver
	case row.State == "":
		return claimAgain
	case row.State == attempt.Claimed && row.Owner == d.token: // our own claim, whose lease ended while the database was down
		d.done()
		s.report(d, s.store(d, s.notCalled(d, attempt.ReasonSendBy)))
	default:
		d.done()
		metric.ClaimsLost.Add(s.metrics, 1)
		s.report(d, d.resultOf(row))
	}
	return claimOver
}
