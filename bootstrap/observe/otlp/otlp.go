// Package otlp sends spans to a collector by OTLP over HTTP. It uses OpenTelemetry's messages without its SDK and exporter,
// which link gRPC into every command (ADR 0054).
package otlp

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	resourcepb "go.opentelemetry.io/proto/slim/otlp/resource/v1"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
)

// Config says where spans go.
type Config struct {
	URL        string            // of the collector's traces
	Headers    map[string]string // of each request
	TLS        *tls.Config       // nil: the system's certificates
	Timeout    time.Duration     // of a request
	Attributes map[string]string // of the process: service.name, …
}

// The bounds of what waits for the collector, and of how long it is waited for.
const (
	queueSize    = 4096 // spans; some 3 MB
	batchSize    = 512
	batchTime    = time.Second      // how long a batch waits for more spans
	retryTime    = 20 * time.Second // how long a batch is tried again
	retryPause   = time.Second      // before the second try; each further pause is twice as long
	shutdownTime = 5 * time.Second  // for all that waits, when the process ends
)

// Traces sends spans to a collector. Safe for concurrent use.
type Traces struct {
	config   Config
	client   *http.Client
	resource *resourcepb.Resource
	log      port.Log
	metrics  port.Metrics

	queue   chan port.TraceSpan
	end     context.CancelFunc // of the requests
	stop    chan struct{}      // closed when nothing more is waited for
	stopped sync.Once
	sending sync.WaitGroup
	failing atomic.Bool // the last batch was not taken
}

var _ port.Traces = (*Traces)(nil)

// New returns the way to a collector, which need not be there. It sends nothing before Start.
func New(c Config, log port.Log, metrics port.Metrics) *Traces {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.TLS != nil {
		transport.TLSClientConfig = c.TLS
	}
	return &Traces{
		config: c, resource: &resourcepb.Resource{Attributes: texts(c.Attributes)}, log: log, metrics: metrics,
		// A redirection would send the headers to somebody else.
		client: &http.Client{Transport: transport, Timeout: c.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		queue:  make(chan port.TraceSpan, queueSize), stop: make(chan struct{}), end: func() {},
	}
}

// Start begins to send.
func (t *Traces) Start() {
	ctx, end := context.WithCancel(context.Background())
	t.end = end
	t.sending.Go(func() { t.send(ctx) })
}

// Record implements port.Traces.
func (t *Traces) Record(spans ...port.TraceSpan) {
	for i := range spans {
		select {
		case t.queue <- spans[i]:
		default:
			metric.SpansDropped.Add(t.metrics, len(spans)-i, trace.DroppedQueue)
			return
		}
	}
}

// Shutdown sends what waits, for a bounded time. What is recorded after it is not sent.
func (t *Traces) Shutdown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	context.AfterFunc(ctx, t.end)
	t.stopped.Do(func() { close(t.stop) })
	t.sending.Wait()
	t.client.CloseIdleConnections()
	if left := len(t.queue); left > 0 {
		metric.SpansDropped.Add(t.metrics, left, trace.DroppedExport)
		t.log.Warn("spans were dropped at the shutdown because the collector is slow or down", port.Field{Key: "spans", Value: left})
	}
}

// send exports one batch after another, and ends when nothing is left after the stop.
func (t *Traces) send(ctx context.Context) {
	for ctx.Err() == nil {
		batch := t.batch()
		if len(batch) == 0 {
			return
		}
		rejected, err := t.export(ctx, batch)
		if err != nil {
			rejected = len(batch)
		}
		rejected = min(max(rejected, 0), len(batch)) // whatever the collector says
		if rejected > 0 {
			metric.SpansDropped.Add(t.metrics, rejected, trace.DroppedExport)
		}
		metric.SpansExported.Add(t.metrics, len(batch)-rejected)
		t.tell(err)
	}
}

// batch waits for spans; none: it was told to stop, and none are left.
func (t *Traces) batch() []port.TraceSpan {
	var batch []port.TraceSpan
	select {
	case s := <-t.queue:
		batch = append(batch, s)
	case <-t.stop:
	}
	full := time.After(batchTime)
	for len(batch) < batchSize {
		select {
		case s := <-t.queue:
			batch = append(batch, s)
			continue
		default:
		}
		select {
		case s := <-t.queue:
			batch = append(batch, s)
		case <-t.stop:
			return batch
		case <-full:
			return batch
		}
	}
	return batch
}

// tell logs when the collector ceases to take spans, and when it takes them again.
func (t *Traces) tell(err error) {
	switch before := t.failing.Swap(err != nil); {
	case err != nil && !before:
		t.log.Warn("the collector does not take traces; spans are dropped until it does, and nothing else waits for it", port.Field{Key: "error", Value: err})
	case err == nil && before:
		t.log.Info("the collector takes traces again")
	}
}
