package importing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
)

// identify reads the id of the installation, which is a part of the ids of traces.
func (r *run) identify(ctx context.Context) (err error) {
	if !r.ports.Tracer.On() {
		return nil
	}
	r.installation, err = trace.Installation(ctx, r.ports.Installation, r.retry)
	return err
}

// seal encrypts what is stored of a chunk. It notes the bills whose traces are sampled: only what is stored is sealed, and by
// then its customer has a user id.
func (c *chunk) seal() func(plain []byte, purpose port.Purpose) ([]byte, error) {
	seal, tracer := c.run.ports.Cipher.Seal, c.run.ports.Tracer
	if !tracer.On() {
		return seal
	}
	c.inserted = nil // by a try that failed
	return func(plain []byte, purpose port.Purpose) ([]byte, error) {
		if purpose.Kind == port.KindBillingData && tracer.Sampled(trace.OfBill(c.run.installation, purpose.Target)) &&
			!slices.Contains(c.inserted, purpose.Target) { // stored again, after another import had stored one of these
			c.inserted = append(c.inserted, purpose.Target)
		}
		return seal(plain, purpose)
	}
}

// trace records the span of the chunk and the spans of its bills that were inserted.
func (c *chunk) trace(began time.Time) {
	tracer := c.run.ports.Tracer
	if !tracer.On() || len(c.records) == 0 {
		return
	}
	now, month := c.run.ports.Clock.Now(), trace.Of("month", c.run.rules.Month.String())
	whole := trace.Many(trace.ImportChunk, fmt.Sprintf("%s/%d/%d", c.run.installation, c.run.record.ID, c.records[0].line), began, now, len(c.records), month,
		trace.Of("import_id", c.run.record.ID), trace.Of("inserted", c.stored.Inserted), trace.Of("refused", len(c.refused)))
	spans := []port.TraceSpan{whole}
	for _, target := range c.inserted {
		id := trace.OfBill(c.run.installation, target)
		spans = append(spans, port.TraceSpan{
			SpanContext: port.SpanContext{Trace: id, Span: trace.SpanAt(id, trace.StepWhole, began.UnixNano()), Sampled: true},
			Links:       []port.SpanContext{whole.SpanContext}, Name: trace.Import, Kind: port.SpanInternal, Start: began, End: now,
			Attributes: []port.Field{month, trace.Of("import_id", c.run.record.ID)},
		})
	}
	tracer.Add(spans...)
}
