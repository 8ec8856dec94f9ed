package alarmcheck

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// known is what the page of metrics says of one.
type known struct {
	kind      string // counter, gauge, histogram
	labels    []string
	statistic string // with which CloudWatch is read; empty where the metric does not go there
	services  []string
}

// metrics are ours, by name. They are read from the page that is written from package metric.
type metrics map[string]known

var (
	metricRow = regexp.MustCompile("(?m)^\\| `(balsong_[a-z0-9_]+)` \\| (\\w+) \\| ([^|]*) \\| (\\w*) \\| ([^|]*) \\| [^|]+ \\|$")
	labelName = regexp.MustCompile("`(\\w+)`")
	lease     = regexp.MustCompile("`BALSONG_([A-Z]+)_LEASE`")
)

func readMetrics(root string) (metrics, error) {
	text, err := os.ReadFile(filepath.Join(root, metricPage))
	if err != nil {
		return nil, err
	}
	all := metrics{}
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		m := known{kind: row[2], statistic: row[4], services: strings.FieldsFunc(row[5], func(r rune) bool { return r == ',' || r == ' ' })}
		for _, label := range labelName.FindAllStringSubmatch(row[3], -1) {
			m.labels = append(m.labels, label[1])
		}
		all[row[1]] = m
	}
	if len(all) < 20 {
		return nil, fmt.Errorf("%s has only %d metrics", metricPage, len(all))
	}
	return all, nil
}

// readProviders are the names of the providers: each has its lease in the page of the configuration.
func readProviders(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, configuration))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, found := range lease.FindAllStringSubmatch(string(text), -1) {
		all = append(all, strings.ToLower(found[1]))
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) < 2 {
		return nil, fmt.Errorf("%s has only the providers %q", configuration, all)
	}
	return all, nil
}

// has says whether a series may have the name: of a histogram those of its parts.
func (m metrics) has(name string) bool {
	if _, is := m[name]; is {
		return true
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if base, is := strings.CutSuffix(name, part); is && m[base].kind == "histogram" {
			return true
		}
	}
	return false
}
