package observe

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/balsong/balsong/application/port"
)

// Metrics keeps the use cases' numbers for Prometheus. A metric is registered with its first value, whose labels it keeps.
type Metrics struct {
	registry *prometheus.Registry
	mu       sync.RWMutex
	counters map[string]*prometheus.CounterVec
	times    map[string]*prometheus.HistogramVec
	gauges   map[string]*prometheus.GaugeVec
}

var _ port.Metrics = (*Metrics)(nil)

// NewMetrics returns metrics with those of the Go runtime and of the process.
func NewMetrics() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{
		registry: registry,
		counters: map[string]*prometheus.CounterVec{},
		times:    map[string]*prometheus.HistogramVec{},
		gauges:   map[string]*prometheus.GaugeVec{},
	}
}

// Count implements port.Metrics.
func (m *Metrics) Count(name string, n int, labels ...string) {
	names, values := pairs(labels)
	vector(m, m.counters, name, func() *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "balsong_" + name, Help: title(name)}, names)
	}).WithLabelValues(values...).Add(float64(n))
}

// Observe implements port.Metrics.
func (m *Metrics) Observe(name string, d time.Duration, labels ...string) {
	names, values := pairs(labels)
	vector(m, m.times, name, func() *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "balsong_" + name, Help: title(name),
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 600},
		}, names)
	}).WithLabelValues(values...).Observe(d.Seconds())
}

// Gauge implements port.Metrics.
func (m *Metrics) Gauge(name string, value float64, labels ...string) {
	names, values := pairs(labels)
	vector(m, m.gauges, name, func() *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "balsong_" + name, Help: title(name)}, names)
	}).WithLabelValues(values...).Set(value)
}

func vector[V prometheus.Collector](m *Metrics, known map[string]V, name string, make func() V) V {
	m.mu.RLock()
	v, ok := known[name]
	m.mu.RUnlock()
	if ok {
		return v
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := known[name]; ok {
		return v
	}
	v = make()
	m.registry.MustRegister(v)
	known[name] = v
	return v
}

func pairs(labels []string) (names, values []string) {
	for i := 0; i+1 < len(labels); i += 2 {
		names = append(names, labels[i])
		values = append(values, labels[i+1])
	}
	return names, values
}

func title(name string) string { return strings.ReplaceAll(name, "_", " ") }
