package port

// Metrics keeps the numbers that the use cases and adapters record. Callers use the typed metrics of package metric.
type Metrics interface {
	// Record adds a value to a counter, sets a gauge, or adds an observation to a histogram. labels are the values of
	// the metric's labels, in their order; they carry no personal data.
	Record(m *Metric, value float64, labels ...string)
	// Clear takes a gauge's series away, because its value is not known any more. It is recorded again by Record.
	Clear(m *Metric, labels ...string)
}

// Metric describes one metric, as Prometheus names and types it.
type Metric struct {
	Name   string // with prefix, base unit and, for a counter, _total
	Kind   MetricKind
	Labels []string
	Help   string // one sentence
	// Statistic is how alarms and scaling combine the values of several processes; "" of what they do not need.
	Statistic Statistic
	// Services are those that record it, where alarms or scaling need it: an alarm on another's is never raised.
	Services []Service
}

// Essential reports whether alarms or scaling need the metric. Only such go where each metric is paid for.
func (m *Metric) Essential() bool { return m.Statistic != "" }

// Statistic is how values are combined.
type Statistic string

// The statistics.
const (
	Sum     Statistic = "sum"     // each process has its own part
	Maximum Statistic = "maximum" // each process has the whole, or any one is enough
	Minimum Statistic = "minimum" // the same, where less is worse
)

// Service is what a process does, as its metrics say it.
type Service string

// The services.
const (
	ServiceDelivery   Service = "delivery"
	ServiceSettlement Service = "settlement"
	ServiceFeedback   Service = "feedback"
	ServiceDispatcher Service = "dispatcher"
	ServiceBatch      Service = "batch"
)

// MetricKind is the type of a metric.
type MetricKind string

// The kinds.
const (
	Counter   MetricKind = "counter"
	Gauge     MetricKind = "gauge"
	Histogram MetricKind = "histogram"
)
