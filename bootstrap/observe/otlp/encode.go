package otlp

import (
	"fmt"
	"maps"
	"slices"

	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"github.com/balsong/balsong/application/port"
)

// scope names who made the spans.
var scope = &commonpb.InstrumentationScope{Name: "github.com/balsong/balsong"}

var kinds = map[port.SpanKind]tracepb.Span_SpanKind{
	port.SpanInternal: tracepb.Span_SPAN_KIND_INTERNAL, port.SpanClient: tracepb.Span_SPAN_KIND_CLIENT,
	port.SpanProducer: tracepb.Span_SPAN_KIND_PRODUCER, port.SpanConsumer: tracepb.Span_SPAN_KIND_CONSUMER,
}

// encode writes spans as OTLP has them.
func encode(spans []port.TraceSpan) []*tracepb.Span {
	list := make([]*tracepb.Span, len(spans))
	for i := range spans {
		s := &spans[i]
		list[i] = &tracepb.Span{
			TraceId: s.Trace[:], SpanId: s.Span[:], Name: s.Name, Kind: kinds[s.Kind], Flags: flags(s.SpanContext),
			StartTimeUnixNano: uint64(s.Start.UnixNano()), EndTimeUnixNano: uint64(s.End.UnixNano()), Attributes: attributes(s.Attributes),
		}
		if s.Parent != (port.SpanID{}) {
			list[i].ParentSpanId = s.Parent[:]
		}
		for l := range s.Links {
			link := &s.Links[l]
			list[i].Links = append(list[i].Links, &tracepb.Span_Link{TraceId: link.Trace[:], SpanId: link.Span[:], Flags: flags(*link)})
		}
		if s.Failed {
			list[i].Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
		}
	}
	return list
}

func flags(c port.SpanContext) uint32 {
	if c.Sampled {
		return 1
	}
	return 0
}

func attributes(fields []port.Field) []*commonpb.KeyValue {
	list := make([]*commonpb.KeyValue, len(fields))
	for i, f := range fields {
		value := &commonpb.AnyValue{}
		switch v := f.Value.(type) {
		case string:
			value.Value = &commonpb.AnyValue_StringValue{StringValue: v}
		case int:
			value.Value = &commonpb.AnyValue_IntValue{IntValue: int64(v)}
		case int64:
			value.Value = &commonpb.AnyValue_IntValue{IntValue: v}
		case bool:
			value.Value = &commonpb.AnyValue_BoolValue{BoolValue: v}
		default:
			value.Value = &commonpb.AnyValue_StringValue{StringValue: fmt.Sprint(v)}
		}
		list[i] = &commonpb.KeyValue{Key: f.Key, Value: value}
	}
	return list
}

func texts(values map[string]string) []*commonpb.KeyValue {
	var fields []port.Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fields = append(fields, port.Field{Key: name, Value: values[name]})
	}
	return attributes(fields)
}
