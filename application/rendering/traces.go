package rendering

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
)

// identify reads the id of the installation, which is a part of the ids of traces.
func (r *renderRun) identify(ctx context.Context) (err error) {
	if !r.ports.Tracer.On() {
		return nil
	}
	r.installation, err = trace.Installation(ctx, r.ports.Installation, func(ctx context.Context, do func(context.Context) error) error {
		return r.ports.Watch.Retry(ctx, port.ComponentDatabase, do)
	})
	return err
}

// trace records the span of a chunk and the spans of its bills.
func (r *renderRun) trace(m made, began time.Time) {
	if !r.ports.Tracer.On() || len(m.results) == 0 {
		return
	}
	now := r.ports.Clock.Now()
	chunk := trace.Many(trace.RenderChunk, r.installation+"/"+m.results[0].Target.String(), began, now, len(m.results),
		trace.Of("month", r.month.String()), trace.Of("failed", len(m.results)-len(m.entries)))
	spans := []port.TraceSpan{chunk}
	for _, bill := range m.results {
		id, failed := trace.OfBill(r.installation, bill.Target), bill.Failed != ""
		if !r.ports.Tracer.Wants(id, failed, now) {
			continue
		}
		spans = append(spans, port.TraceSpan{
			SpanContext: port.SpanContext{Trace: id, Span: trace.SpanAt(id, trace.StepWhole, began.UnixNano()), Sampled: true},
			Links:       []port.SpanContext{chunk.SpanContext}, Name: trace.Render, Kind: port.SpanInternal, Start: began, End: now, Failed: failed,
			Attributes: []port.Field{trace.Of("month", r.month.String()), trace.Of("version", int(bill.Version))},
		})
	}
	r.ports.Tracer.Add(spans...)
}
