package alarmcheck

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
)

// definition is an alarm as CloudWatch has it: of one metric, or of an expression over several.
type definition struct {
	ID                 string      `yaml:"-"`
	AlarmName          string      `yaml:"AlarmName"`
	AlarmDescription   string      `yaml:"AlarmDescription"`
	ActionsEnabled     []string    `yaml:"ActionsEnabled"` // of !If: the condition, and what follows from it
	AlarmActions       []string    `yaml:"AlarmActions"`
	OKActions          []string    `yaml:"OKActions"`
	Namespace          string      `yaml:"Namespace"`
	MetricName         string      `yaml:"MetricName"`
	Dimensions         []dimension `yaml:"Dimensions"`
	Statistic          string      `yaml:"Statistic"`
	Period             int         `yaml:"Period"`
	Metrics            []query     `yaml:"Metrics"`
	ComparisonOperator string      `yaml:"ComparisonOperator"`
	Threshold          float64     `yaml:"Threshold"`
	EvaluationPeriods  int         `yaml:"EvaluationPeriods"`
	DatapointsToAlarm  int         `yaml:"DatapointsToAlarm"`
	TreatMissingData   string      `yaml:"TreatMissingData"`
}

type dimension struct{ Name, Value string }

// UnmarshalYAML takes of !If what the value is by default, without the parameter that the condition asks for.
func (d *dimension) UnmarshalYAML(node *yaml.Node) error {
	var read struct {
		Name  string    `yaml:"Name"`
		Value yaml.Node `yaml:"Value"`
	}
	if err := node.Decode(&read); err != nil {
		return err
	}
	value := &read.Value
	if value.Kind == yaml.SequenceNode && len(value.Content) == 3 {
		value = value.Content[2]
	}
	d.Name = read.Name
	return value.Decode(&d.Value)
}

// query is a metric, or the expression whose result is compared.
type query struct {
	ID         string `yaml:"Id"`
	Expression string `yaml:"Expression"`
	ReturnData *bool  `yaml:"ReturnData"`
	MetricStat struct {
		Stat   string `yaml:"Stat"`
		Period int    `yaml:"Period"`
		Metric struct {
			Namespace  string      `yaml:"Namespace"`
			MetricName string      `yaml:"MetricName"`
			Dimensions []dimension `yaml:"Dimensions"`
		} `yaml:"Metric"`
	} `yaml:"MetricStat"`
}

// readDefinitions reads the alarms of CloudWatch, and the text of the dashboard.
func readDefinitions(root string) (alarms map[string]definition, dashboard string, err error) {
	templates, err := cloudformation.Read(filepath.Join(root, filepath.Dir(alarmsFile)))
	if err != nil {
		return nil, "", err
	}
	alarms = map[string]definition{}
	for _, t := range templates {
		if t.File != filepath.Base(alarmsFile) {
			continue
		}
		for _, r := range t.Resources() {
			switch r.Type {
			case "AWS::CloudWatch::Alarm":
				if alarms[r.Name], err = defined(t, r); err != nil {
					return nil, "", err
				}
			case "AWS::CloudWatch::Dashboard":
				var d struct {
					DashboardBody []yaml.Node `yaml:"DashboardBody"` // the arguments of !Sub
				}
				if err := r.Decode(&d); err != nil || len(d.DashboardBody) == 0 {
					return nil, "", fmt.Errorf("%s: %w", r.At(), err)
				}
				dashboard = d.DashboardBody[0].Value
			}
		}
	}
	return alarms, dashboard, nil
}

// defined is an alarm, with the defaults of parameters in its expressions.
func defined(t cloudformation.Template, r cloudformation.Resource) (definition, error) {
	d := definition{ID: r.Name}
	if err := r.Decode(&d); err != nil {
		return d, fmt.Errorf("%s: %w", r.At(), err)
	}
	for i := range d.Metrics {
		for _, p := range t.Parameters() {
			d.Metrics[i].Expression = strings.ReplaceAll(d.Metrics[i].Expression, "${"+p.Name+"}", p.Default)
		}
	}
	return d, nil
}

// series is a metric with its dimensions and statistic, under the id by which the expression names it.
type series struct {
	id, namespace, metric, statistic string
	dimensions                       map[string]string // values by name; what an account knows as "${…}"
}

// String is what CloudWatch keeps values under: what differs in any dimension is another metric.
func (s series) String() string {
	words := []string{s.namespace, s.metric}
	for _, name := range slices.Sorted(maps.Keys(s.dimensions)) {
		words = append(words, name+"="+s.dimensions[name])
	}
	return strings.Join(words, " ")
}

func byName(dimensions []dimension) map[string]string {
	all := map[string]string{}
	for _, d := range dimensions {
		all[d.Name] = d.Value
	}
	return all
}

// series returns the metrics of the alarm, and the expression over them.
func (d definition) series() (all []series, expression string) {
	if len(d.Metrics) == 0 {
		return []series{{"only", d.Namespace, d.MetricName, d.Statistic, byName(d.Dimensions)}}, "only"
	}
	for _, q := range d.Metrics {
		if q.Expression != "" {
			expression = q.Expression
			continue
		}
		m := q.MetricStat
		all = append(all, series{q.ID, m.Metric.Namespace, m.Metric.MetricName, m.Stat, byName(m.Metric.Dimensions)})
	}
	return all, expression
}

// period is the alarm's, which all of its metrics must have.
func (d definition) period() int {
	if len(d.Metrics) == 0 {
		return d.Period
	}
	return d.Metrics[0].MetricStat.Period
}
