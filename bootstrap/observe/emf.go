package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// What CloudWatch shows the metrics under. They have Prometheus' names there. The installation comes first: two in one account and
// region would else scale and alarm for each other.
const (
	emfNamespace    = "Balsong"
	emfInstallation = "Installation"
	emfService      = "Service"
	emfProvider     = "Provider"
)

// mostValues is how many values of one metric a line may have.
const mostValues = 100

// EMF writes the essential metrics in CloudWatch's embedded metric format: lines of JSON of which CloudWatch Logs makes metrics
// (Amazon CloudWatch User Guide, "Specification: Embedded metric format"). It writes what the service is declared to record, so that
// an alarm on another's metric is found by that declaration. A counter is written as what was added since the last Write, because
// CloudWatch adds up. Series that differ in other labels than the provider share a metric: of counters the sum, of gauges all
// values, so that the statistics Minimum and Maximum see each. What is no finite number is left out. Not safe for concurrent use.
type EMF struct {
	metrics      *Metrics
	installation string
	service      port.Service
	out          io.Writer
	counted      map[string]float64 // by series, up to the last Write
}

// NewEMF returns a writer for a service of an installation, by the name that tells the installation from others in the account.
func NewEMF(metrics *Metrics, installation string, service port.Service, out io.Writer) *EMF {
	return &EMF{metrics: metrics, installation: installation, service: service, out: out, counted: map[string]float64{}}
}

// numbers are the values to be written, by provider ("": of none) and metric.
type numbers map[string]map[*port.Metric][]float64

// Write writes a line for each provider that there are numbers of, and one for the numbers of none.
func (e *EMF) Write(at time.Time) error {
	families, err := e.metrics.Gather()
	if err != nil {
		return fmt.Errorf("read the metrics: %w", err)
	}
	byName := make(map[string]*dto.MetricFamily, len(families))
	for _, family := range families {
		byName[family.GetName()] = family
	}
	found := numbers{}
	for _, declared := range metric.All() {
		if slices.Contains(declared.Services, e.service) {
			e.collect(declared, byName[declared.Name].GetMetric(), found)
		}
	}
	var lines []byte
	for _, provider := range slices.Sorted(maps.Keys(found)) {
		line, err := json.Marshal(e.document(at, provider, found[provider]))
		if err != nil {
			return fmt.Errorf("write the metrics: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if len(lines) > 0 {
		_, err = e.out.Write(lines)
	}
	return err
}

// collect adds the values of a metric's series.
func (e *EMF) collect(declared *port.Metric, series []*dto.Metric, to numbers) {
	for _, one := range series {
		value, provider := one.GetGauge().GetValue(), ""
		id := declared.Name
		for _, label := range one.GetLabel() {
			id += "\xff" + label.GetValue()
			if label.GetName() == metric.Provider {
				provider = label.GetValue()
			}
		}
		if declared.Kind == port.Counter {
			total := one.GetCounter().GetValue()
			if total == 0 { // nothing is to be said of it yet, and each metric costs money
				continue
			}
			value, e.counted[id] = total-e.counted[id], total
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		if to[provider] == nil {
			to[provider] = map[*port.Metric][]float64{}
		}
		switch values := to[provider][declared]; {
		case declared.Kind == port.Counter && len(values) > 0:
			values[0] += value
		case len(values) < mostValues:
			to[provider][declared] = append(values, value)
		}
	}
}

// directive and definition are objects of the format, MetricDirective and MetricDefinition.
type (
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	definition struct{ Name, Unit string }
)

// document is a line: the root node of the format.
func (e *EMF) document(at time.Time, provider string, values map[*port.Metric][]float64) map[string]any {
	d := directive{Namespace: emfNamespace, Dimensions: [][]string{{emfInstallation, emfService}}}
	root := map[string]any{emfInstallation: e.installation, emfService: e.service}
	if provider != "" { // of the provider, and of all together: who scales need not know their names
		d.Dimensions = append(d.Dimensions, []string{emfInstallation, emfService, emfProvider})
		root[emfProvider] = provider
	}
	for _, declared := range metric.All() {
		switch all := values[declared]; {
		case len(all) == 1:
			root[declared.Name] = all[0]
		case len(all) > 1:
			root[declared.Name] = all
		default:
			continue
		}
		d.Metrics = append(d.Metrics, definition{declared.Name, unitOf(declared)})
	}
	root["_aws"] = map[string]any{"Timestamp": at.UnixMilli(), "CloudWatchMetrics": []directive{d}}
	return root
}

// unitOf is the unit of a metric as CloudWatch names it.
func unitOf(m *port.Metric) string {
	switch {
	case strings.HasSuffix(m.Name, "_timestamp_seconds"):
		return "None"
	case strings.HasSuffix(m.Name, "_seconds"):
		return "Seconds"
	case m.Kind == port.Counter:
		return "Count"
	}
	return "None"
}
