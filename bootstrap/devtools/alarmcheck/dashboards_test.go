package alarmcheck

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
)

func TestEachPanelSaysWhatItShows(t *testing.T) {
	t.Parallel()
	all, err := readDashboards(repository)
	if err != nil {
		t.Fatal(err)
	}
	runbookText, err := os.ReadFile(filepath.Join(repository, runbooks))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		for _, sentence := range d.checkPanels(string(runbookText)) {
			t.Error(sentence)
		}
	}
	broken := all[0]
	broken.UID, broken.Templating.List = "other", nil
	broken.Panels = slices.Clone(broken.Panels)
	broken.Panels[0].Description = ""
	if wrong := broken.checkPanels("no runbook"); len(wrong) < 4 {
		t.Errorf("of a broken dashboard only %q is found", wrong)
	}
}

// everything are series of every metric that there is, with the labels that each has.
func everything(t *testing.T) (all []input) {
	t.Helper()
	known := ourMetrics()
	valuesOf := map[string][]string{
		"outcome": {"SUCCEEDED", "FAILED", "hit"}, "topic": {"dispatch-requests.v1"}, "component": {"database"},
	}
	add := func(name, labels string) { all = append(all, input{name + "{" + labels + "}", "1+60x60"}) }
	for name, m := range known {
		sets := []string{`instance="a"`}
		for _, label := range m.Labels {
			var more []string
			for _, set := range sets {
				for _, value := range append(valuesOf[label], "x") {
					more = append(more, fmt.Sprintf("%s,%s=%q", set, label, value))
				}
			}
			sets = more
		}
		for _, set := range sets {
			if m.Kind != port.Histogram {
				add(name, set)
				continue
			}
			for _, le := range []string{"1", "+Inf"} {
				add(name+"_bucket", set+`,le="`+le+`"`)
			}
			add(name+"_sum", set)
			add(name+"_count", set)
		}
	}
	for series := range metricsOfExporters {
		all = append(all, input{series, "1+60x60"})
	}
	return all
}

// asked asks each query of the dashboards by a rule of its own, while there are series of every metric, and returns what promtool says of
// those that find nothing. A query that cannot be parsed fails them all.
func asked(t *testing.T, all []dashboard) (said string, err error) {
	t.Helper()
	test := ruleTest{Name: "queries", Interval: "1m", Input: everything(t)}
	var rules []rule
	for _, d := range all {
		for _, p := range d.Panels {
			for i, target := range p.Targets {
				name := fmt.Sprintf("%s, %s, query %d", d.File, p.Title, i+1)
				rules = append(rules, rule{Name: name, Expr: "count(" + asPrometheusGetsIt(target.Expr) + ") > 0"})
				test.Expected = append(test.Expected, expectedAt{At: "30m", Name: name, Alerts: []expected{{map[string]string{}}}})
			}
		}
	}
	if len(rules) < 30 {
		t.Errorf("only %d queries", len(rules))
	}
	return evaluate(t, rules, []ruleTest{test})
}

func TestEachQueryOfTheDashboardsFindsAMetric(t *testing.T) {
	t.Parallel()
	all, err := readDashboards(repository)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := asked(t, all); err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
}

func TestAQueryWithoutItsMetricOrThatCannotBeParsedIsFound(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{
		{"balsong_gateway_held", "balsong_gateway_holds"},
		{`outcome!="SUCCEEDED"`, `outcome="SUCCESS"`},
		{"by (provider) (", "by (provider ("},
		{"balsong_s3_request_duration_seconds_bucket", "balsong_s3_request_duration_seconds"},
	} {
		all, err := readDashboards(repository)
		if err != nil {
			t.Fatal(err)
		}
		changed := 0
		for _, d := range all {
			for _, p := range d.Panels {
				for i := range p.Targets {
					if with := strings.Replace(p.Targets[i].Expr, change[0], change[1], 1); with != p.Targets[i].Expr {
						p.Targets[i].Expr = with
						changed++
					}
				}
			}
		}
		if said, err := asked(t, all); changed == 0 || err == nil {
			t.Errorf("%q in %d queries is not found:\n%s", change[1], changed, said)
		}
	}
}
