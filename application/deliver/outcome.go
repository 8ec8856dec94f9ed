package deliver

import (
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// outcomeOf translates a gateway's reply into what the ledger records (R5).
func (s *Service) outcomeOf(d *delivery, reply port.Reply) attempt.Outcome {
	o := s.outcome(d, attempt.Unknown, attempt.ReasonNoAnswer)
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

// tooLate is the outcome of a claim without a call: the next round may follow at once.
func (s *Service) tooLate(d *delivery) attempt.Outcome {
	o := s.outcome(d, attempt.NotSent, attempt.ReasonSendBy)
	o.NotBefore = s.clock.Now()
	return o
}

// outcome is an outcome of the claim, now.
func (s *Service) outcome(d *delivery, state attempt.State, reason attempt.Reason) attempt.Outcome {
	return attempt.Outcome{
		Key: d.request.Delivery(), Token: d.token, Provider: d.lane.provider.Name, State: state, Reason: reason, FinishedAt: s.clock.Now(),
	}
}

// record writes the outcome into the ledger, again and again while the database is down. It returns the result to be
// reported: of the ledger's row where that holds another outcome; nil where nothing is known.
func (s *Service) record(d *delivery, o attempt.Outcome) *event.Result {
	held, err := s.ledger.record(o)
	if err != nil {
		s.log.Error("an outcome could not be stored before the shutdown; it becomes UNKNOWN when its lease ends",
			port.Field{Key: "delivery", Value: o.Key.String()}, port.Field{Key: "outcome", Value: string(o.State)})
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

// report publishes a result for settlement, which finds by its sweep what was not reported; nil: there is none.
func (s *Service) report(r *event.Result) {
	if r != nil {
		s.results.add(*r)
	}
}

// resultOfRow is the result of a final row that somebody else wrote, because the event published then may have been
// lost; nil where there is none.
func (s *Service) resultOfRow(d *delivery) *event.Result {
	row, err := s.ledger.find(d.request.Delivery())
	if err != nil {
		return nil
	}
	return resultOf(d, row)
}

// resultOf is the result of a ledger row; nil while the row is not final.
func resultOf(d *delivery, row attempt.Row) *event.Result {
	if !row.State.Closed() {
		return nil
	}
	return &event.Result{
		Identity: d.request.Identity, Outcome: row.State, Class: row.Class, Reason: row.Reason,
		Provider: row.Provider, ProviderMessageID: row.ProviderMessageID, FinishedAt: row.FinishedAt,
	}
}
