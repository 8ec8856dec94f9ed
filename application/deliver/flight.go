package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/window"
)

// flight is one request on its way from the topic to an outcome.
type flight struct {
	*Service
	request event.Requested
	quiet   window.Forbidden
	message port.Received
	lane    Lane
	content port.Delivery
	token   attempt.Token // of the claim
}

// publishTimeout bounds one try to publish results or a dead letter.
const publishTimeout = 5 * time.Second

// deliver takes one message through R2. Until the claim, the end of ctx abandons the message, which is then
// redelivered; from the claim on it is brought to its outcome, whatever happens to the partition. prepared is called as
// soon as the content is there, possibly more than once.
func (s *Service) deliver(ctx context.Context, m port.Received, prepared func()) {
	f := s.accept(ctx, m)
	for f != nil && f.prepare(ctx) {
		prepared()
		if f.claimAndCall(ctx) {
			return
		}
	}
}

// accept reads a message; it returns nil if nothing is left to be done for it. What takes much room on the stack is done here and
// in claim, and not in the functions that wait for the gateway: thousands of them wait at the same time.
func (s *Service) accept(ctx context.Context, m port.Received) *flight {
	request, known, err := event.DecodeRequested(m.Message)
	f := &flight{Service: s, request: request, message: m}
	if err != nil {
		f.refuseContent(ctx, err, known)
		return nil
	}
	if f.quiet, err = request.Quiet(); err != nil {
		f.refuseContent(ctx, err, true)
		return nil
	}
	lane, ok := s.Lanes[request.Channel]
	if !ok {
		now := s.Clock.Now()
		f.closeKey(ctx, attempt.NotSent, "", attempt.ReasonNoGateway, now.Add(s.config.NoGatewayWait))
		return nil
	}
	f.lane = lane
	return f
}

// prepare checks whether the message may go out, and fetches and decrypts its content. It reports false if nothing is
// left to be done for the message.
func (f *flight) prepare(ctx context.Context) bool {
	if !f.mayGo(ctx) {
		return false
	}
	suppressed, err := ask(ctx, f.bulk.contacts, port.Contact{UserID: f.request.UserID, Channel: f.request.Channel})
	switch {
	case err != nil:
		return false
	case suppressed:
		f.closeKey(ctx, attempt.Failed, attempt.Suppressed, attempt.ReasonSuppress, time.Time{})
		return false
	}
	if f.content.Destination != "" {
		return true // fetched before, for a claim that came to nothing
	}
	f.content, err = f.fetch(ctx)
	switch {
	case errors.Is(err, port.ErrContent), errors.Is(err, port.ErrInvalid):
		f.refuseContent(ctx, err, true)
		if ctx.Err() == nil {
			f.contentRefused(ctx)
		}
		return false
	case err != nil:
		return false // given up: ctx has ended
	}
	f.refused.Store(0)
	return true
}

// mayGo waits while everything is halted; then it closes the key if the deadline has passed or quiet hours have begun.
// It reports false if nothing is left to be done for the message.
func (f *flight) mayGo(ctx context.Context) bool {
	if f.halt.pass(ctx) != nil {
		return false
	}
	now := f.Clock.Now()
	if deadline := f.request.Deadline; deadline != nil && !now.Before(*deadline) {
		f.closeKey(ctx, attempt.NotSent, "", attempt.ReasonExpired, time.Time{})
		return false
	}
	if opening := f.quiet.NextOpening(now); opening.After(now) {
		f.closeKey(ctx, attempt.NotSent, "", attempt.ReasonWindow, opening)
		return false
	}
	return true
}

// closeKey closes the key without a call (R5, before the claim). A key that has a ledger row already is left to whoever
// inserted it.
func (f *flight) closeKey(ctx context.Context, state attempt.State, class attempt.FailureClass, reason attempt.Reason, notBefore time.Time) {
	now := f.Clock.Now()
	inserted, err := ask(ctx, f.bulk.closings, attempt.Closing{
		Key: f.request.Delivery(), Facts: f.request.Facts(),
		State: state, Class: class, Reason: reason, NotBefore: notBefore, FinishedAt: now,
	})
	if errors.Is(err, port.ErrInvalid) { // the ledger cannot hold this key: the request is not one of ours
		if reason == attempt.ReasonContent {
			f.finish() // it is in the dead letter topic already
			return
		}
		f.refuseContent(ctx, err, false)
		return
	}
	if err != nil {
		return
	}
	f.finish()
	metric.Deliveries.Add(f.Metrics, 1, state, reason)
	if !inserted {
		f.repeatResult()
		return
	}
	f.hint(event.Result{Identity: f.request.Identity, Outcome: state, Class: class, Reason: reason, FinishedAt: now})
}

// repeatResult publishes the result of a final row that somebody else wrote: the event published then may have been
// lost.
func (f *flight) repeatResult() {
	row, err := f.bulk.finds.Do(untilClosed, f.request.Delivery())
	if err != nil || !row.State.Closed() {
		return
	}
	f.hint(event.Result{
		Identity: f.request.Identity, Outcome: row.State, Class: row.Class, Reason: row.Reason,
		Provider: row.Provider, ProviderMessageID: row.ProviderMessageID, FinishedAt: row.FinishedAt,
	})
}

// refuseContent puts the message into the dead letter topic with the reason. If the delivery could be read from it
// (known), its key is closed as FAILED(content), so that the target becomes PAUSED(content). Only then is the message
// done.
func (f *flight) refuseContent(ctx context.Context, cause error, known bool) {
	metric.DeadLetters.Add(f.Metrics, 1)
	f.Log.Error("a request cannot be delivered and goes to the dead letter topic",
		port.Field{Key: "partition", Value: int(f.message.Partition)}, port.Field{Key: "offset", Value: f.message.Offset},
		port.Field{Key: "delivery", Value: deliveryName(f.request, known)}, port.Field{Key: "error", Value: cause})
	letter := f.message.Message
	letter.Headers = append(append([]port.Header(nil), letter.Headers...), port.Header{Name: "balsong-reason", Value: cause.Error()})
	err := f.watch.Retry(ctx, "event log", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		if err := f.Publisher.Publish(ctx, port.TopicDeadLetter, []port.Message{letter})[0]; err != nil {
			return errors.Join(port.ErrUnavailable, err)
		}
		return nil
	})
	if err != nil {
		return
	}
	if !known {
		f.finish()
		return
	}
	f.closeKey(ctx, attempt.Failed, attempt.Content, attempt.ReasonContent, time.Time{})
}

// deliveryName names the delivery in logs.
func deliveryName(r event.Requested, known bool) string {
	if !known {
		return "unknown"
	}
	return r.Delivery().String()
}

// finish marks the message as done and lets go of what it brought, because thousands of flights wait after that at the
// same time: for their gateway's answer, and for bulk statements.
func (f *flight) finish() {
	f.message.Done()
	f.message = port.Received{}
	f.request.Destination, f.request.Statement = nil, nil
}

// callDeadline is the shorter of the provider's call deadline and the request's own.
func (f *flight) callDeadline() time.Duration {
	deadline := f.lane.Gateway.Provider().CallDeadline
	if own := time.Duration(f.request.CallDeadlineMS) * time.Millisecond; own > 0 {
		deadline = min(deadline, own)
	}
	return deadline
}
