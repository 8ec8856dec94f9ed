package trace

import (
	"encoding/binary"
	"math"
	"sync"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// failuresPerSecond bounds the bills that a process records only because a step failed: an outage may fail millions.
const failuresPerSecond = 20

// Tracer decides which spans are recorded. A nil Tracer records none. Safe for concurrent use.
type Tracer struct {
	to      port.Traces
	bound   uint64 // the part of a trace's id that must be smaller, for the trace to be sampled
	metrics port.Metrics

	mu     sync.Mutex
	second int64 // in which failures were recorded last
	left   int   // failures that may still be recorded in it
}

// New returns a tracer that records a share of the bills, from 0 to 1, and what fails of the others.
func New(to port.Traces, sampled float64, metrics port.Metrics) *Tracer {
	t := &Tracer{to: to, metrics: metrics}
	switch {
	case sampled >= 1:
		t.bound = math.MaxInt64 + 1
	case sampled > 0:
		t.bound = uint64(sampled * (math.MaxInt64 + 1))
	}
	return t
}

// On reports whether anything is recorded at all.
func (t *Tracer) On() bool { return t != nil }

// Sampled reports whether all spans of a trace are recorded. It follows from the id alone, as OpenTelemetry's
// TraceIdRatioBased has it: the bills of a small share are among those of a larger one.
func (t *Tracer) Sampled(id port.TraceID) bool {
	return t != nil && binary.BigEndian.Uint64(id[8:])>>1 < t.bound
}

// Wants reports whether a step is recorded that ended now: of a sampled trace each, of others those that failed, as long as
// those are few.
func (t *Tracer) Wants(id port.TraceID, failed bool, now time.Time) bool {
	switch {
	case t == nil:
		return false
	case t.Sampled(id):
		return true
	case !failed:
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if second := now.Unix(); second != t.second {
		t.second, t.left = second, failuresPerSecond
	}
	if t.left == 0 {
		metric.SpansDropped.Add(t.metrics, 1, DroppedLimit)
		return false
	}
	t.left--
	return true
}

// Add records spans.
func (t *Tracer) Add(spans ...port.TraceSpan) {
	if t != nil && len(spans) > 0 {
		t.to.Record(spans...)
	}
}

// Why spans are dropped, as the metric says it.
const (
	DroppedLimit  = "failure_limit" // more failures than are recorded: counted by step, not by span
	DroppedQueue  = "queue_full"    // the collector is slow or down
	DroppedExport = "export_failed" // the collector refused them, or did not answer in time
)

// Failed reports whether an outcome makes a delivery one that failed. What waits for a better hour did not.
func Failed(state attempt.State, reason attempt.Reason) bool {
	switch state {
	case attempt.Failed, attempt.Unknown:
		return true
	case attempt.NotSent:
		return reason != attempt.ReasonWindow && reason != attempt.ReasonThrottled
	default:
		return false
	}
}
