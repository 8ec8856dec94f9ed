package memory

import (
	"slices"
	"strings"
	"sync"

	"github.com/balsong/balsong/application/port"
)

var _ port.Metrics = (*Metrics)(nil)

// Metrics keeps what was recorded. The zero Metrics is ready to use.
type Metrics struct {
	mu     sync.Mutex
	values map[string][]float64 // by series, oldest first
}

// Record implements port.Metrics.
func (m *Metrics) Record(metric *port.Metric, value float64, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string][]float64{}
	}
	at := series(metric, labels)
	switch held := m.values[at]; {
	case metric.Kind == port.Counter && len(held) > 0:
		held[0] += value
	case metric.Kind == port.Histogram:
		m.values[at] = append(held, value)
	default:
		m.values[at] = []float64{value}
	}
}

// Clear implements port.Metrics.
func (m *Metrics) Clear(metric *port.Metric, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, series(metric, labels))
}

// Counted returns a counter's value.
func (m *Metrics) Counted(metric *port.Metric, labels ...string) int {
	total := 0.0
	for _, value := range m.Recorded(metric, labels...) {
		total += value
	}
	return int(total)
}

// Recorded returns a counter's or gauge's value, or a histogram's observations, oldest first; nothing if it was never
// recorded.
func (m *Metrics) Recorded(metric *port.Metric, labels ...string) []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.values[series(metric, labels)])
}

// series names a metric with the values of its labels.
func series(metric *port.Metric, labels []string) string {
	return metric.Name + "{" + strings.Join(labels, ",") + "}"
}
