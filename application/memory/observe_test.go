package memory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

func TestTheLogRecordsLinesWithTheirFields(t *testing.T) {
	t.Parallel()
	var l memory.Log
	l.Info("began")
	l.Warn("waiting", port.Field{Key: "tries", Value: 1})
	l.Error("waiting", port.Field{Key: "tries", Value: 2})
	if lines := l.Lines(); len(lines) != 3 || lines[0].Level != memory.LevelInfo || lines[0].Message != "began" {
		t.Errorf("recorded %+v", lines)
	}
	waiting := l.Find("waiting")
	if len(waiting) != 2 || waiting[0].Level != memory.LevelWarn || waiting[1].Level != memory.LevelError || waiting[1].Field("tries") != 2 || waiting[1].Field("other") != nil {
		t.Errorf("found %+v", waiting)
	}
}

func TestMetricsKeepSeriesApart(t *testing.T) {
	t.Parallel()
	var m memory.Metrics
	m.Count("calls", 1, "provider", "smtp", "verdict", "accepted")
	m.Count("calls", 2, "verdict", "accepted", "provider", "smtp")
	m.Count("calls", 4, "provider", "smtp", "verdict", "refused")
	m.Observe("page", time.Second)
	m.Observe("page", 2*time.Second)
	m.Gauge("lag", 3)
	m.Gauge("lag", 1)
	if n := m.Counted("calls", "provider", "smtp", "verdict", "accepted"); n != 3 {
		t.Errorf("counted %d, want 3", n)
	}
	if got := m.Observed("page"); !slices.Equal(got, []time.Duration{time.Second, 2 * time.Second}) {
		t.Errorf("observed %v", got)
	}
	if lag, ok := m.Gauged("lag"); lag != 1 || !ok {
		t.Errorf("gauged %v, %v", lag, ok)
	}
	if _, ok := m.Gauged("lag", "partition", "1"); ok {
		t.Error("a series that was never set has a value")
	}
}
