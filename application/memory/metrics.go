package memory

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

var _ port.Metrics = (*Metrics)(nil)

// Metrics keeps what was counted and measured. The zero Metrics is ready to use. The order of label pairs does not
// matter.
type Metrics struct {
	mu       sync.Mutex
	counters map[string]int
	observed map[string][]time.Duration
	gauges   map[string]float64
}

// Count adds to a counter.
func (m *Metrics) Count(name string, n int, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counters == nil {
		m.counters = map[string]int{}
	}
	m.counters[series(name, labels)] += n
}

// Observe notes a measurement.
func (m *Metrics) Observe(name string, d time.Duration, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.observed == nil {
		m.observed = map[string][]time.Duration{}
	}
	at := series(name, labels)
	m.observed[at] = append(m.observed[at], d)
}

// Gauge sets a current value.
func (m *Metrics) Gauge(name string, value float64, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gauges == nil {
		m.gauges = map[string]float64{}
	}
	m.gauges[series(name, labels)] = value
}

// Counted returns a counter's value.
func (m *Metrics) Counted(name string, labels ...string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counters[series(name, labels)]
}

// Observed returns the measurements, oldest first.
func (m *Metrics) Observed(name string, labels ...string) []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.observed[series(name, labels)])
}

// Gauged returns a gauge's value and whether it was ever set.
func (m *Metrics) Gauged(name string, labels ...string) (float64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.gauges[series(name, labels)]
	return value, ok
}

// series names a metric with its labels; a label without a value shows as such.
func series(name string, labels []string) string {
	var pairs []string
	for pair := range slices.Chunk(labels, 2) {
		pairs = append(pairs, strings.Join(pair, "="))
	}
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ",") + "}"
}
