package otlp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/bootstrap/observe/otlp"
	"github.com/balsong/balsong/bootstrap/observe/otlp/otlptest"
	"github.com/balsong/balsong/domain/key"
)

type bundle struct {
	collector *otlptest.Collector
	traces    *otlp.Traces
	metrics   *memory.Metrics
	log       *memory.Log
}

// setup is a collector that answers without a network, on which synctest's clock would wait.
func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{collector: &otlptest.Collector{}, metrics: &memory.Metrics{}, log: &memory.Log{}}
	b.traces = otlp.New(otlp.Config{URL: "http://collector/v1/traces", Timeout: 10 * time.Second}, b.log, b.metrics)
	b.traces.SetTransport(direct{b.collector})
	b.traces.Start()
	t.Cleanup(func() { b.traces.Shutdown(context.WithoutCancel(t.Context())) })
	return b
}

// direct hands requests to a collector.
type direct struct{ *otlptest.Collector }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// down refuses every connection.
type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

func (b *bundle) dropped(reason string) int {
	return b.metrics.Counted(metric.SpansDropped.Metric, reason)
}

var began = time.Date(2026, time.November, 25, 9, 0, 0, 0, time.UTC)

func span(user int64) port.TraceSpan {
	id := trace.OfBill("abcdef", key.Target{Month: 2026*12 + 10, UserID: user})
	return port.TraceSpan{
		SpanContext: port.SpanContext{Trace: id, Span: trace.Span(id, 1), Sampled: true}, Parent: trace.Span(id, 2),
		Links: []port.SpanContext{{Trace: id, Span: trace.Span(id, 3)}}, Name: trace.Claim, Kind: port.SpanClient, Start: began, End: began.Add(time.Second), Failed: true,
		Attributes: []port.Field{{Key: "text", Value: "a"}, {Key: "int", Value: 1}, {Key: "long", Value: int64(2)}, {Key: "truth", Value: true}},
	}
}

func TestASpanArrivesAsItWasRecorded(t *testing.T) {
	t.Parallel()
	b := &bundle{collector: otlptest.Start(t), metrics: &memory.Metrics{}, log: &memory.Log{}}
	b.traces = otlp.New(otlp.Config{
		URL: b.collector.URL + "/v1/traces", Timeout: 10 * time.Second, Attributes: map[string]string{"service.name": "test"}, Headers: map[string]string{"Authorization": "Bearer x"},
	}, b.log, b.metrics)
	b.traces.Start()
	want := span(4711)
	b.traces.Record(want)
	b.traces.Shutdown(t.Context())
	got := b.collector.Spans()
	if len(got) != 1 || b.metrics.Counted(metric.SpansExported.Metric) != 1 {
		t.Fatalf("%d spans arrived", len(got))
	}
	s := got[0]
	if !slices.Equal(s.GetTraceId(), want.Trace[:]) || !slices.Equal(s.GetSpanId(), want.Span[:]) || !slices.Equal(s.GetParentSpanId(), want.Parent[:]) ||
		len(s.GetLinks()) != 1 || !slices.Equal(s.GetLinks()[0].GetSpanId(), want.Links[0].Span[:]) {
		t.Errorf("its ids are others: %v", s)
	}
	if s.GetName() != want.Name || s.GetKind().String() != "SPAN_KIND_CLIENT" || !s.Failed() || s.Service != "test" ||
		s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano() != 1e9 {
		t.Errorf("it is another span: %v", s)
	}
	for name, value := range map[string]any{"text": "a", "int": int64(1), "long": int64(2), "truth": true} {
		if s.Attribute(name) != value {
			t.Errorf("%s is %v", name, s.Attribute(name))
		}
	}
	if h := b.collector.Headers()[0]; h.Get("Authorization") != "Bearer x" {
		t.Errorf("the request has the headers %v", h)
	}
}

func TestACollectorThatIsDownCostsItsSpansAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bundle{metrics: &memory.Metrics{}, log: &memory.Log{}}
		b.traces = otlp.New(otlp.Config{URL: "http://collector/v1/traces", Timeout: 10 * time.Second}, b.log, b.metrics)
		b.traces.SetTransport(down{})
		b.traces.Start()
		const spans = 20_000
		start := time.Now()
		for user := range int64(spans) {
			b.traces.Record(span(user + 1))
		}
		b.traces.Shutdown(t.Context())
		if took := time.Since(start); took > 0 {
			t.Errorf("to record %d spans and to end waits %s for the collector", spans, took)
		}
		if full, failed := b.dropped(trace.DroppedQueue), b.dropped(trace.DroppedExport); full+failed != spans || full < spans-10_000 || failed == 0 {
			t.Errorf("of %d spans %d did not fit the queue and %d were not exported", spans, full, failed)
		}
		if said := b.log.Lines(); len(said) == 0 {
			t.Error("the log says nothing")
		}
	})
}

func TestACollectorThatIsSlowIsNotWaitedForAtTheShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		asked := make(chan struct{}, 1)
		b.collector.Answer(func(_ http.ResponseWriter, r *http.Request) bool {
			asked <- struct{}{}
			<-r.Context().Done()
			return true
		})
		b.traces.Record(span(1))
		<-asked
		b.traces.Record(span(2), span(3))
		start := time.Now()
		b.traces.Shutdown(t.Context())
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the shutdown took %s", took)
		}
		if n := b.dropped(trace.DroppedExport); n != 3 {
			t.Errorf("%d of 3 spans are counted as dropped", n)
		}
	})
}

func TestABatchIsSentAgainWhereTheCollectorAsksForThatAndElseDropped(t *testing.T) {
	t.Parallel()
	for status, again := range map[int]bool{429: true, 502: true, 503: true, 504: true, 500: false, 400: false, 401: false, 302: false} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			asked := 0
			b.collector.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
				if asked++; asked > 1 {
					return false
				}
				w.Header().Set("Location", "http://elsewhere/v1/traces")
				w.WriteHeader(status)
				return true
			})
			b.traces.Record(span(1))
			time.Sleep(time.Minute)
			if took := len(b.collector.Spans()) == 1; took != again || b.dropped(trace.DroppedExport) == 1 == again || b.metrics.Counted(metric.SpansExported.Metric) == 1 != again {
				t.Errorf("after an answer %d: taken %v, dropped %d", status, took, b.dropped(trace.DroppedExport))
			}
			if want := map[bool]int{true: 2, false: 1}[again]; asked != want {
				t.Errorf("after an answer %d it was asked %d times", status, asked)
			}
		})
	}
}

func TestAnOutageOfTheCollectorIsLoggedOnceAndItsEndToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.collector.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		})
		for n := range 3 {
			b.traces.Record(span(int64(n + 1)))
			time.Sleep(time.Minute)
			if b.dropped(trace.DroppedExport) != n+1 {
				t.Fatalf("%d spans are dropped", b.dropped(trace.DroppedExport))
			}
		}
		b.collector.Answer(nil)
		for n := range 2 {
			b.traces.Record(span(int64(n + 4)))
			time.Sleep(time.Minute)
			if said := b.log.Lines(); len(said) != 2 {
				t.Errorf("the log says %v", said)
			}
		}
	})
}

func TestWhatTheCollectorRejectsOfABatchIsCounted(t *testing.T) {
	t.Parallel()
	for said, want := range map[int64]int{2: 2, 1_000_000: 3, -1: 0} { // of three: a collector may say anything
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			b.collector.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
				answer, err := proto.Marshal(&collectorpb.ExportTraceServiceResponse{PartialSuccess: &collectorpb.ExportTracePartialSuccess{RejectedSpans: said}})
				_, _ = w.Write(answer)
				return err == nil
			})
			b.traces.Record(span(1), span(2), span(3))
			b.traces.Shutdown(t.Context())
			if b.dropped(trace.DroppedExport) != want || b.metrics.Counted(metric.SpansExported.Metric) != 3-want {
				t.Errorf("%d: %d rejected, %d exported", said, b.dropped(trace.DroppedExport), b.metrics.Counted(metric.SpansExported.Metric))
			}
		})
	}
}
