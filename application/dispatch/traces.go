package dispatch

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/billing"
)

// traced is a candidate whose spans may be recorded.
type traced struct {
	target         billing.Target // as it was when the page was locked
	decision       billing.Decision
	trace          port.TraceID
	published      bool // or tried to
	unacknowledged bool
}

// request names the span in which a candidate's request is published.
func (r *run) request(t billing.Target) port.SpanContext {
	id := trace.OfBill(r.installation, t.Key())
	return port.SpanContext{Trace: id, Span: trace.Publication(id, t.Delivery(), r.record.ID), Sampled: r.Tracer.Sampled(id)}
}

// sampled returns a candidate that is not dispatched and whose trace is sampled.
func (r *run) sampled(t billing.Target, d billing.Decision) (traced, bool) {
	if !r.Tracer.On() {
		return traced{}, false
	}
	id := trace.OfBill(r.installation, t.Key())
	return traced{target: t, decision: d, trace: id}, r.Tracer.Sampled(id)
}

// trace records the span of a page and the spans of its candidates.
func (r *run) trace(result pageResult, began time.Time) {
	if !r.Tracer.On() {
		return
	}
	now := r.Clock.Now()
	page := trace.Many(trace.DispatchPage, r.installation+"/"+result.first.String(), began, now, result.rows,
		trace.Of("month", r.month.String()), trace.Of("run_id", r.record.ID), trace.Of("published", result.published))
	page.Failed = result.published < result.dispatches
	spans := []port.TraceSpan{page}
	for _, c := range result.traced {
		if !r.Tracer.Wants(c.trace, c.unacknowledged, now) {
			continue
		}
		k, d := c.target.Delivery(), c.decision
		span := port.TraceSpan{
			SpanContext: port.SpanContext{Trace: c.trace, Span: trace.Span(c.trace, uint64(began.UnixNano())), Sampled: true},
			Links:       []port.SpanContext{page.SpanContext}, Name: trace.Dispatch, Kind: port.SpanInternal, Start: began, End: now, Failed: c.unacknowledged,
			Attributes: append(trace.OfDelivery(k), trace.Of("run_id", r.record.ID), trace.Of("decision", string(d.Kind())), trace.Of("reason", string(d.Rule))),
		}
		if !c.published {
			spans = append(spans, span)
			continue
		}
		span.Attributes = append(span.Attributes, trace.OfStep(d.Step, d.Channel)...)
		sent := port.TraceSpan{
			SpanContext: r.request(c.target), Parent: span.Span, Name: trace.SendRequest, Kind: port.SpanProducer,
			Start: result.sending, End: result.sent, Failed: c.unacknowledged, Attributes: trace.OfMessages("send", port.TopicRequests),
		}
		spans = append(spans, span, sent)
	}
	r.Tracer.Add(spans...)
}
