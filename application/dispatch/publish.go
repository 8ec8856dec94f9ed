package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/billing"
)

// publish publishes the requests of a page, waits for their acknowledgements and notes the outcome on each target. It
// returns the targets to save.
func (r *run) publish(ctx context.Context, dispatches []dispatched, now time.Time, result *pageResult) ([]billing.Target, error) {
	if len(dispatches) == 0 {
		return nil, nil
	}
	messages := make([]port.Message, len(dispatches))
	spans := make([]port.SpanContext, len(dispatches))
	for i, d := range dispatches {
		spans[i] = r.request(d.candidate.Target)
		message, err := r.message(d, spans[i], now)
		if err != nil {
			return nil, err
		}
		messages[i] = message
	}
	result.dispatches = len(dispatches)
	ctx, cancel := context.WithTimeout(ctx, r.config.AckTimeout)
	defer cancel()
	result.sending = r.Clock.Now()
	errs := r.Publisher.Publish(ctx, port.TopicRequests, messages)
	result.sent = r.Clock.Now()
	targets := make([]billing.Target, len(dispatches))
	for i, d := range dispatches {
		t, err := d.candidate.Target, errs[i]
		if r.Tracer.On() && (spans[i].Sampled || err != nil) {
			result.traced = append(result.traced, traced{target: t, decision: d.decision, trace: spans[i].Trace, published: true, unacknowledged: err != nil})
		}
		if err == nil {
			err = t.Requested(d.decision, now, r.record.ID)
		}
		if err != nil {
			t.PublishFailed(d.decision, now, "the event was not acknowledged")
			result.publishError = err
		} else {
			result.published++
		}
		targets[i] = t
	}
	return targets, nil
}

// message encodes the request of a candidate, published in a span.
func (r *run) message(of dispatched, span port.SpanContext, now time.Time) (port.Message, error) {
	k, d := of.candidate.Target.Delivery(), of.decision
	requested := event.Requested{
		Identity: event.Identity{
			Month: k.Month, UserID: k.UserID, Attempt: k.Attempt, Round: k.Round, Step: d.Step, Channel: d.Channel,
			PolicyID: d.Policy.Ref().ID, PolicyVersion: d.Policy.Ref().Version, RunID: r.record.ID,
		},
		Destination: of.sealed, Statement: of.candidate.Statement,
		QuietHours: event.NewQuietHours(d.Quiet[0]), OwnQuietHours: event.NewQuietHours(d.Quiet[1]), Unknown: d.Policy.UnknownFor(d.Channel),
		CallDeadlineMS: d.Policy.CallDeadline().Milliseconds(), MessageClass: event.NewMessageClass(d.Policy.Class()),
	}
	if !d.Deadline.IsZero() {
		deadline := d.Deadline.UTC()
		requested.Deadline = &deadline
	}
	m, err := requested.Message(r.config.Source, trace.Parent(span), now)
	if err != nil {
		return m, fmt.Errorf("dispatch %s: %w", k, err)
	}
	return m, nil
}
