package observe

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// Metrics keeps the numbers of use cases and adapters for Prometheus.
type Metrics struct {
	registry *prometheus.Registry
	record   map[*port.Metric]func(value float64, labels []string)
	clear    map[*port.Metric]func(labels []string)

	mu     sync.Mutex
	before []func() // called by Gather
}

var (
	_ port.Metrics        = (*Metrics)(nil)
	_ prometheus.Gatherer = (*Metrics)(nil)
)

// buckets of histograms, in seconds: from a request to the object store to the longest call to a mail server.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 600}

// NewMetrics returns the metrics of package metric with those of the Go runtime and of the process.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), record: map[*port.Metric]func(float64, []string){}, clear: map[*port.Metric]func([]string){}}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, declared := range metric.All() {
		m.register(declared)
	}
	return m
}

func (m *Metrics) register(declared *port.Metric) {
	options := prometheus.Opts{Name: declared.Name, Help: declared.Help}
	switch declared.Kind {
	case port.Counter:
		v := prometheus.NewCounterVec(prometheus.CounterOpts(options), declared.Labels)
		m.registry.MustRegister(v)
		if len(declared.Labels) == 0 { // it shows 0 from the start: of what appears with 1, Prometheus sees no increase
			v.WithLabelValues()
		}
		m.record[declared] = func(value float64, labels []string) { v.WithLabelValues(labels...).Add(value) }
	case port.Gauge:
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts(options), declared.Labels)
		m.registry.MustRegister(v)
		m.record[declared] = func(value float64, labels []string) { v.WithLabelValues(labels...).Set(value) }
		m.clear[declared] = func(labels []string) { v.DeleteLabelValues(labels...) }
	case port.Histogram:
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: options.Name, Help: options.Help, Buckets: buckets}, declared.Labels)
		m.registry.MustRegister(v)
		m.record[declared] = func(value float64, labels []string) { v.WithLabelValues(labels...).Observe(value) }
	}
}

// Record implements port.Metrics. It panics for a metric that package metric does not declare.
func (m *Metrics) Record(declared *port.Metric, value float64, labels ...string) {
	m.record[declared](value, labels)
}

// Clear implements port.Metrics. It panics for what is no declared gauge.
func (m *Metrics) Clear(declared *port.Metric, labels ...string) { m.clear[declared](labels) }

// BeforeGather has a function called each time before the metrics are read: it sets gauges of what is always known, so that
// nothing has to be recorded when it changes.
func (m *Metrics) BeforeGather(set func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before = append(m.before, set)
}

// Gather implements prometheus.Gatherer.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, set := range m.before {
		set()
	}
	return m.registry.Gather()
}
