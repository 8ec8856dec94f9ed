package settle

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// traced is a result whose spans are recorded.
type traced struct {
	message   port.SpanContext // in which the result was published
	result    event.Result
	partition int32
	offset    int64
	began     time.Time
}

// traced returns what is kept of a result for its spans; nil where none are recorded.
func (s *Settler) traced(m port.Received, r event.Result) *traced {
	if !s.Tracer.On() {
		return nil
	}
	now := s.Clock.Now()
	parent, ok := trace.ParseParent(event.TraceParent(m.Message))
	if !ok || !s.Tracer.Wants(parent.Trace, trace.Failed(r.Outcome, r.Reason), now) {
		return nil
	}
	return &traced{message: parent, result: r, partition: m.Partition, offset: m.Offset, began: now}
}

// traceResults records the spans of a batch of results that was settled from began on.
func (s *Settler) traceResults(results []consumed, began time.Time, err error) {
	var spans []port.TraceSpan
	var batch port.TraceSpan
	now := s.Clock.Now()
	for _, c := range results {
		t := c.traced
		if t == nil {
			continue
		}
		if batch.Name == "" {
			batch = trace.Many(trace.SettleBatch, trace.Parent(t.message), began, now, len(results))
			batch.Failed = err != nil
			spans = append(spans, batch)
		}
		whole := port.TraceSpan{
			SpanContext: t.message, Parent: t.message.Span, Name: trace.ProcessResult, Kind: port.SpanConsumer, Start: t.began, End: now, Failed: err != nil,
			Attributes: append(trace.OfReceived(port.TopicResults, t.partition, t.offset), trace.OfDelivery(t.result.Delivery())...),
		}
		whole.Attributes = append(whole.Attributes, trace.OfResult(&t.result)...)
		whole.Span = trace.SpanAt(whole.Trace, trace.StepProcessResult, t.began.UnixNano())
		settled := port.TraceSpan{
			SpanContext: whole.SpanContext, Parent: whole.Span, Links: []port.SpanContext{batch.SpanContext},
			Name: trace.Settle, Kind: port.SpanInternal, Start: began, End: now, Failed: err != nil,
		}
		settled.Span = trace.SpanAt(whole.Trace, trace.StepSettle, began.UnixNano())
		spans = append(spans, whole, settled)
	}
	s.Tracer.Add(spans...)
}

// traceExpired records claims whose leases have ended: whoever made them stopped before it recorded a span.
func (s *Settler) traceExpired(ctx context.Context, expired []key.Delivery) {
	if !s.Tracer.On() || len(expired) == 0 {
		return
	}
	installation, err := trace.Installation(ctx, s.Installation, s.database)
	if err != nil {
		return // spans are no reason to give up a sweep
	}
	now := s.Clock.Now()
	for _, k := range expired {
		id := trace.OfBill(installation, k.Target())
		if s.Tracer.Wants(id, true, now) {
			s.Tracer.Add(port.TraceSpan{
				SpanContext: port.SpanContext{Trace: id, Span: trace.SpanAt(id, trace.StepWhole, now.UnixNano()), Sampled: true},
				Name:        trace.ExpireLease, Kind: port.SpanInternal, Start: now, End: now, Failed: true,
				Attributes: append(trace.OfDelivery(k), trace.Of("outcome", string(attempt.Unknown)), trace.Of("reason", string(attempt.ReasonLease))),
			})
		}
	}
}
