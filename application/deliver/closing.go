package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// publishTimeout bounds one try to publish results or a dead letter.
const publishTimeout = 5 * time.Second

// closeKey closes the key without a call (R5, before the claim) and reports that. closing says why; the rest of it is
// filled in here. A key that has a ledger row already is left to whoever inserted it.
func (s *Service) closeKey(ctx context.Context, d *delivery, closing attempt.Closing) {
	closing.Key, closing.Facts, closing.FinishedAt = d.request.Delivery(), d.request.Facts(), s.clock.Now()
	inserted, err := s.ledger.close(ctx, closing)
	if errors.Is(err, port.ErrInvalid) { // the ledger cannot hold this key: the request is not one of ours
		if closing.Reason == attempt.ReasonContent || s.deadLetters.publish(ctx, d, err, s.failureFields(d)) { // for its content it is there already
			s.report(d, nil)
			d.done()
		}
		return
	}
	if err != nil {
		return
	}
	d.done()
	metric.Deliveries.Add(s.metrics, 1, closing.State, closing.Reason)
	if !inserted {
		s.report(d, s.resultOfRow(d))
		return
	}
	s.report(d, &event.Result{
		Identity: d.request.Identity, Outcome: closing.State, Class: closing.Class, Reason: closing.Reason, FinishedAt: closing.FinishedAt,
	})
}

// refuseContent puts the message into the dead letter topic with the reason. If the delivery could be read from it, its
// key is closed as FAILED(content), so that the target becomes PAUSED(content). Only then is the message done.
func (s *Service) refuseContent(ctx context.Context, d *delivery, cause error) {
	switch {
	case !s.deadLetters.publish(ctx, d, cause, s.failureFields(d)):
	case d.known:
		s.closeKey(ctx, d, attempt.Closing{State: attempt.Failed, Class: attempt.Content, Reason: attempt.ReasonContent})
	default:
		d.done()
		s.report(d, nil)
	}
}

// deadLetters writes requests that cannot be delivered into the dead letter topic.
type deadLetters struct {
	publisher port.Publisher
	watch     *outage.Watch
	log       port.Log
	metrics   port.Metrics
}

// publish writes the message with the cause and waits for the acknowledgement; false if ctx ended before. span names the
// delivery's span, if it has one.
func (l *deadLetters) publish(ctx context.Context, d *delivery, cause error, span []port.Field) bool {
	metric.DeadLetters.Add(l.metrics, 1)
	name := "unknown"
	if d.known {
		name = d.request.Delivery().String()
	}
	l.log.Error("a request cannot be delivered and goes to the dead letter topic", append(span,
		port.Field{Key: "partition", Value: int(d.message.Partition)}, port.Field{Key: "offset", Value: d.message.Offset},
		port.Field{Key: "delivery", Value: name}, port.Field{Key: "error", Value: cause})...)
	letter := d.message.Message
	letter.Headers = append(append([]port.Header(nil), letter.Headers...), port.Header{Name: "balsong-reason", Value: cause.Error()})
	err := l.watch.Retry(ctx, port.ComponentEventLog, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		if err := l.publisher.Publish(ctx, port.TopicDeadLetter, []port.Message{letter})[0]; err != nil {
			return errors.Join(port.ErrUnavailable, err)
		}
		return nil
	})
	return err == nil
}
