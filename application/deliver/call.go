package deliver

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
)

// callOrNot makes the call, unless it may not begin any more, and gives the permit back.
func (s *Service) callOrNot(shutdownCtx context.Context, d *delivery, permit port.Permit) attempt.Outcome {
	if reason := s.mayNotCall(d, permit); reason != "" {
		permit.Cancel()
		return s.notCalled(d, reason)
	}
	return s.callBegun(shutdownCtx, d, permit)
}

// mayNotCall returns why a claimed delivery must make no call after all; "": it may. Either its send-by has passed (R4), or
// the provider has refused another call meanwhile, as it would refuse this one, or the channel is halted.
func (s *Service) mayNotCall(d *delivery, permit port.Permit) attempt.Reason {
	switch {
	case s.clock.Now().After(d.sendBy()):
		return attempt.ReasonSendBy
	case s.halt.channels.Halted(d.request.Channel):
		return attempt.ReasonHeld
	case !permit.Begin():
		return attempt.ReasonHeld
	default:
		return ""
	}
}

// callBegun makes the call of a permit that has begun, and gives the permit back: before the outcome is stored, which needs none.
func (s *Service) callBegun(shutdownCtx context.Context, d *delivery, permit port.Permit) attempt.Outcome {
	reply := s.call(shutdownCtx, d)
	outcome := d.outcomeOf(reply, s.clock.Now())
	d.haltsChannel = s.halt.count(d, outcome) // before the permit lets another call begin
	permit.Release(reply)
	return outcome
}

// call calls the gateway. It keeps no reference to the content meanwhile, because thousands of calls wait at the same
// time; only where another provider may take over is it kept. The gateway itself ends a call at its provider's call deadline; a shorter one of the request is set here.
func (s *Service) call(shutdownCtx context.Context, d *delivery) port.Reply {
	if own := d.callDeadline(); own < d.via.CallDeadline {
		var cancel context.CancelFunc
		shutdownCtx, cancel = context.WithTimeout(shutdownCtx, own)
		defer cancel()
	}
	s.step(d, trace.Call)
	content := d.content
	if len(d.lane.providers) == 1 {
		d.content = port.Delivery{}
	}
	began := s.clock.Now()
	content.Until = d.until(began)
	d.via.calls.Add(1)
	reply := d.via.gateway.Send(shutdownCtx, content)
	d.via.calls.Add(-1)
	s.observeCall(d, reply, began)
	return reply
}

// observeCall measures a call, and logs why calls to a provider are not made, not answered, or refused because of us. The
// ledger rows say so too, but nobody looks at them while they think that statements go out.
func (s *Service) observeCall(d *delivery, reply port.Reply, began time.Time) {
	now, provider := s.clock.Now(), d.via.Account()
	metric.GatewayCallDuration.Observe(s.metrics, now.Sub(began), provider)
	if reply.Verdict == port.CallAccepted {
		metric.ProviderAccepted.Add(s.metrics, 1, provider)
	}
	if reply.Verdict == port.CallRefused && reply.Class != attempt.Throttled && reply.Class != attempt.Provider {
		metric.Refusals.Add(s.metrics, 1, reply.Class)
	}
	if reply.Verdict != port.CallNotMade && reply.Verdict != port.CallUnknown && reply.Class != attempt.Provider {
		return
	}
	if count, due := s.callFailures.Due(provider, string(reply.Verdict)+" "+reply.Detail, now); due {
		s.log.Warn("a gateway cannot be called, does not answer, or refuses what is ours; logged at most once a minute",
			port.Field{Key: "provider", Value: provider}, port.Field{Key: "verdict", Value: string(reply.Verdict)},
			port.Field{Key: "detail", Value: reply.Detail}, port.Field{Key: "failures", Value: count})
	}
}

// logLate logs that a claim took so long that its call may not begin any more. One is the database's slow moment; where all are,
// the lease is too short, nothing goes out, and no gateway says so.
func (s *Service) logLate(p port.Provider) {
	if count, due := s.callFailures.Due(p.Account()+" lease", "", s.clock.Now()); due {
		s.log.Warn("a call was not made because too little of its claim's lease was left; logged at most once a minute, nothing is lost",
			port.Field{Key: "provider", Value: p.Account()}, port.Field{Key: "lease", Value: p.Lease.String()},
			port.Field{Key: "call_may_begin_for", Value: (p.Lease - p.CallDeadline - p.Margin).String()}, port.Field{Key: "failures", Value: count})
	}
}

// notCalled is the outcome of a claim without a call.
func (s *Service) notCalled(d *delivery, reason attempt.Reason) attempt.Outcome {
	if reason == attempt.ReasonSendBy {
		s.logLate(d.via.Provider)
	}
	return d.notCalled(reason, s.clock.Now())
}

// store writes the outcome into the ledger, again and again while the database is down. It returns the result to be
// reported: of the ledger's row where that holds another outcome; nil where nothing is known.
func (s *Service) store(d *delivery, o attempt.Outcome) *event.Result {
	s.step(d, trace.RecordOutcome)
	held, err := s.ledger.record(o)
	if err != nil {
		s.log.Error("an outcome could not be stored before the shutdown; it becomes UNKNOWN when its lease ends", append(s.failureFields(d),
			port.Field{Key: "delivery", Value: o.Key.String()}, port.Field{Key: "outcome", Value: string(o.State)})...)
		return nil
	}
	metric.Deliveries.Add(s.metrics, 1, o.State, o.Reason)
	if !held {
		return s.resultOfRow(d)
	}
	return &event.Result{
		Identity: d.request.Identity, Outcome: o.State, Class: o.Class, Reason: o.Reason,
		Provider: o.Provider, ProviderMessageID: o.ProviderMessageID, FinishedAt: o.FinishedAt,
	}
}
