package alarmcheck

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
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

type dimension struct {
	Name  string `yaml:"Name"`
	Value any    `yaml:"Value"`
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

// template is what is read of the CloudFormation template.
type template struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
	} `yaml:"Parameters"`
	Resources map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

// refersTo stands before the name that !Ref names, once tags are gone.
const refersTo = "Ref:"

// readDefinitions reads the alarms of CloudWatch, and the text of the dashboard.
func readDefinitions(root string) (alarms map[string]definition, dashboard string, err error) {
	content, err := os.ReadFile(filepath.Join(root, alarmsFile))
	if err != nil {
		return nil, "", err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, "", fmt.Errorf("%s: %w", alarmsFile, err)
	}
	withoutTags(&document)
	var t template
	if err := document.Decode(&t); err != nil {
		return nil, "", fmt.Errorf("%s: %w", alarmsFile, err)
	}
	alarms = map[string]definition{}
	for id, resource := range t.Resources {
		switch resource.Type {
		case "AWS::CloudWatch::Alarm":
			d := definition{ID: id}
			if err := resource.Properties.Decode(&d); err != nil {
				return nil, "", fmt.Errorf("%s: %s: %w", alarmsFile, id, err)
			}
			for i := range d.Metrics {
				for parameter, p := range t.Parameters {
					d.Metrics[i].Expression = strings.ReplaceAll(d.Metrics[i].Expression, "${"+parameter+"}", p.Default)
				}
			}
			alarms[id] = d
		case "AWS::CloudWatch::Dashboard":
			var d struct {
				DashboardBody []yaml.Node `yaml:"DashboardBody"` // the arguments of !Sub
			}
			if err := resource.Properties.Decode(&d); err != nil || len(d.DashboardBody) == 0 {
				return nil, "", fmt.Errorf("%s: %s: %w", alarmsFile, id, err)
			}
			dashboard = d.DashboardBody[0].Value
		}
	}
	return alarms, dashboard, nil
}

// withoutTags makes plain YAML of CloudFormation's short forms.
func withoutTags(n *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		if n.Tag == "!Ref" {
			n.Value = refersTo + n.Value
		}
		n.Tag = ""
		if n.Kind == yaml.ScalarNode {
			n.Tag = "!!str"
		}
	}
	for _, child := range n.Content {
		withoutTags(child)
	}
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

// byName are dimensions, with references as !Sub would write them.
func byName(dimensions []dimension) map[string]string {
	all := map[string]string{}
	for _, d := range dimensions {
		switch value := d.Value.(type) {
		case map[string]any: // !ImportValue of a !Sub
			all[d.Name] = fmt.Sprint(value["Fn::Sub"])
		default:
			all[d.Name] = fmt.Sprint(value)
		}
		if name, is := strings.CutPrefix(all[d.Name], refersTo); is {
			all[d.Name] = "${" + name + "}"
		}
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
