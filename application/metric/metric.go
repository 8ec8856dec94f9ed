// Package metric declares every metric of Balsong once: its Prometheus name, type, labels and meaning. A metric is a
// typed value, so that a misspelt name or a label too many does not compile.
package metric

import (
	"time"

	"github.com/balsong/balsong/application/port"
)

// Counter is a counter without labels.
type Counter struct{ *port.Metric }

// Add adds n.
func (c Counter) Add(to port.Metrics, n int) { to.Record(c.Metric, float64(n)) }

// CounterBy is a counter with one label.
type CounterBy[A ~string] struct{ *port.Metric }

// Add adds n to the series of a label's value.
func (c CounterBy[A]) Add(to port.Metrics, n int, a A) { to.Record(c.Metric, float64(n), string(a)) }

// CounterBy2 is a counter with two labels.
type CounterBy2[A, B ~string] struct{ *port.Metric }

// Add adds n to the series of the labels' values.
func (c CounterBy2[A, B]) Add(to port.Metrics, n int, a A, b B) {
	to.Record(c.Metric, float64(n), string(a), string(b))
}

// Gauge is a gauge without labels.
type Gauge struct{ *port.Metric }

// Set sets the gauge.
func (g Gauge) Set(to port.Metrics, value float64) { to.Record(g.Metric, value) }

// Clear takes the gauge away, because its value is not known any more.
func (g Gauge) Clear(to port.Metrics) { to.Clear(g.Metric) }

// GaugeBy is a gauge with one label.
type GaugeBy[A ~string] struct{ *port.Metric }

// Set sets the series of a label's value.
func (g GaugeBy[A]) Set(to port.Metrics, value float64, a A) { to.Record(g.Metric, value, string(a)) }

// Clear takes the series of a label's value away, because its value is not known any more.
func (g GaugeBy[A]) Clear(to port.Metrics, a A) { to.Clear(g.Metric, string(a)) }

// Duration is a histogram of durations, exported in seconds.
type Duration struct{ *port.Metric }

// Observe adds one duration.
func (d Duration) Observe(to port.Metrics, took time.Duration) { to.Record(d.Metric, took.Seconds()) }

// DurationBy is a histogram of durations with one label.
type DurationBy[A ~string] struct{ *port.Metric }

// Observe adds one duration to the series of a label's value.
func (d DurationBy[A]) Observe(to port.Metrics, took time.Duration, a A) {
	to.Record(d.Metric, took.Seconds(), string(a))
}
