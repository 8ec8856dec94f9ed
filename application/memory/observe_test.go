package memory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
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
	metric.Deliveries.Add(&m, 1, attempt.Succeeded, "")
	metric.Deliveries.Add(&m, 2, attempt.Succeeded, "")
	metric.Deliveries.Add(&m, 4, attempt.Failed, attempt.ReasonRefused)
	metric.DispatchPageDuration.Observe(&m, time.Second)
	metric.DispatchPageDuration.Observe(&m, 2*time.Second)
	metric.KafkaPartitionsAssigned.Set(&m, 3, port.TopicRequests)
	metric.KafkaPartitionsAssigned.Set(&m, 1, port.TopicRequests)
	if n := m.Counted(metric.Deliveries.Metric, "SUCCEEDED", ""); n != 3 {
		t.Errorf("counted %d, want 3", n)
	}
	if got := m.Recorded(metric.DispatchPageDuration.Metric); !slices.Equal(got, []float64{1, 2}) {
		t.Errorf("observed %v", got)
	}
	if got := m.Recorded(metric.KafkaPartitionsAssigned.Metric, string(port.TopicRequests)); !slices.Equal(got, []float64{1}) {
		t.Errorf("the gauge is %v", got)
	}
	if got := m.Recorded(metric.KafkaPartitionsAssigned.Metric, string(port.TopicResults)); len(got) != 0 {
		t.Error("a series that was never set has a value")
	}
}
