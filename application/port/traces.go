package port

import "time"

// Traces receives the finished spans of bills, for people who look into what happened to one of them and when.
type Traces interface {
	// Record takes finished spans. It never blocks: what cannot be kept is dropped and counted.
	Record(spans ...TraceSpan)
}

// TraceID names a trace; never zero.
type TraceID [16]byte

// SpanID names a span within its trace; never zero.
type SpanID [8]byte

// SpanContext names a span from outside of its trace, as the W3C traceparent header does.
type SpanContext struct {
	Trace   TraceID
	Span    SpanID
	Sampled bool // the writer recorded the span
}

// TraceSpan is one step of what happened.
type TraceSpan struct {
	SpanContext
	Parent     SpanID        // of the same trace; zero: none
	Links      []SpanContext // spans of other traces that this one belongs to
	Name       string
	Kind       SpanKind
	Start, End time.Time
	Failed     bool
	Attributes []Field // in the names of OpenTelemetry's conventions where they have one; without personal data
}

// SpanKind is what a span is to others, as OpenTelemetry defines it.
type SpanKind string

// The kinds.
const (
	SpanInternal SpanKind = "internal" // nobody else sees it
	SpanClient   SpanKind = "client"   // a call to somebody else
	SpanProducer SpanKind = "producer" // writes messages
	SpanConsumer SpanKind = "consumer" // processes a message
)
