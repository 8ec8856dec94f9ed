package alarmcheck

import (
	"strings"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// metrics are ours, by name.
type metrics map[string]*port.Metric

func ourMetrics() metrics {
	all := metrics{}
	for _, m := range metric.All() {
		all[m.Name] = m
	}
	return all
}

// ourProviders are the names of the providers.
func ourProviders() []string { return (config.Gateways{}).Accounts() }

// has says whether a series may have the name: of a histogram those of its parts.
func (m metrics) has(name string) bool {
	if m[name] != nil {
		return true
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if base, is := strings.CutSuffix(name, part); is && m[base] != nil && m[base].Kind == port.Histogram {
			return true
		}
	}
	return false
}
