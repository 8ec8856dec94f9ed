package deliver

import (
	"encoding/hex"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
)

// tracing is what is kept of a delivery for its spans, because whether they are recorded is known at its end; nil where
// nothing is recorded at all.
type tracing struct {
	request   port.SpanContext // in which the request was published
	partition int32
	offset    int64
	began     time.Time
	steps     [maxSteps]step
	begun     int  // steps
	failed    bool // a line of the log says so
	wanted    bool // its spans are recorded
	decided   bool // wanted is known
}

// maxSteps is how many steps of a delivery are kept. Those of a claim that is made again come last, and may be missing.
const maxSteps = int(trace.StepProcessResult - trace.StepOfDelivery)

// step is one step of a delivery. It ends where the next one begins.
type step struct {
	name  string
	began int64 // nanoseconds of Unix's time: thousands of deliveries keep them
}

// trace begins to keep what happens to a delivery.
func (s *Service) trace(d *delivery) {
	d.parent = event.TraceParent(d.message.Message)
	if !s.tracer.On() {
		return
	}
	if request, ok := trace.ParseParent(d.parent); ok {
		d.tracing = &tracing{request: request, partition: d.message.Partition, offset: d.message.Offset, began: s.clock.Now()}
	}
}

// step notes that a step begins.
func (s *Service) step(d *delivery, name string) {
	if t := d.tracing; t != nil && t.begun < maxSteps {
		t.steps[t.begun] = step{name, s.clock.Now().UnixNano()}
		t.begun++
	}
}

// wanted decides whether the delivery's spans are recorded.
func (s *Service) wanted(d *delivery, failed bool) bool {
	t := d.tracing
	if t != nil && !t.decided {
		t.wanted, t.decided = s.tracer.Wants(t.request.Trace, failed, s.clock.Now()), true
	}
	return t != nil && t.wanted
}

// context names the delivery's span.
func (t *tracing) context() port.SpanContext {
	return port.SpanContext{Trace: t.request.Trace, Span: trace.SpanAt(t.request.Trace, trace.StepWhole, t.began.UnixNano()), Sampled: true}
}

// failureFields name the span of a delivery that has failed in a line of the log.
func (s *Service) failureFields(d *delivery) []port.Field {
	if !s.wanted(d, true) {
		return nil
	}
	d.tracing.failed = true
	c := d.tracing.context()
	return []port.Field{{Key: "trace_id", Value: hex.EncodeToString(c.Trace[:])}, {Key: "span_id", Value: hex.EncodeToString(c.Span[:])}}
}

// traced records the spans of a delivery with its result. It returns the traceparent of the result, and the span of its
// publication where that is recorded too.
func (s *Service) traced(d *delivery, r *event.Result) (parent string, publication *port.TraceSpan) {
	failed := r != nil && trace.Failed(r.Outcome, r.Reason)
	if !s.wanted(d, failed) {
		return d.parent, nil
	}
	now, t := s.clock.Now(), d.tracing
	failed = failed || t.failed
	own := t.context()
	spans := make([]port.TraceSpan, 0, maxSteps+1)
	whole := port.TraceSpan{
		SpanContext: own, Parent: t.request.Span, Name: trace.ProcessRequest, Kind: port.SpanConsumer, Start: t.began, End: now, Failed: failed,
		Attributes: append(trace.OfReceived(port.TopicRequests, t.partition, t.offset), d.attributes()...),
	}
	whole.Attributes = append(whole.Attributes, trace.OfResult(r)...)
	spans = append(spans, whole)
	for i, step := range t.steps[:t.begun] {
		span := port.TraceSpan{
			SpanContext: own, Parent: own.Span, Name: step.name, Kind: port.SpanInternal, Start: time.Unix(0, step.began), End: now,
		}
		span.Span = trace.SpanAt(own.Trace, trace.StepOfDelivery+trace.Step(i), step.began)
		if i+1 < t.begun {
			span.End = time.Unix(0, t.steps[i+1].began)
		}
		if step.name == trace.Call {
			span.Kind, span.Failed = port.SpanClient, failed
			span.Attributes = append(trace.OfStep(d.request.Step, d.request.Channel), trace.Of("provider", d.via.Name))
		}
		spans = append(spans, span)
	}
	s.tracer.Add(spans...)
	if r == nil {
		return d.parent, nil
	}
	sent := &port.TraceSpan{
		SpanContext: own, Parent: own.Span, Name: trace.SendResult, Kind: port.SpanProducer, Start: now,
		Attributes: trace.OfMessages("send", port.TopicResults),
	}
	sent.Span = trace.SpanAt(own.Trace, trace.StepSendResult, now.UnixNano())
	return trace.Parent(sent.SpanContext), sent
}

// attributes say which delivery it is, without saying whose.
func (d *delivery) attributes() []port.Field {
	return append(append(trace.OfDelivery(d.request.Delivery()), trace.OfStep(d.request.Step, d.request.Channel)...),
		trace.Of("run_id", d.request.RunID))
}
