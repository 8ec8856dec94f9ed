package alarmcheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
)

// metricsOfAWS are the metrics that are not ours: by namespace and name the dimensions, as the page says that documents them. What has others
// is another metric, which may never have a value.
var metricsOfAWS = map[string][]string{
	"AWS/RDS FreeStorageSpace":                   {"DBInstanceIdentifier"},      // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
	"AWS/Kafka KafkaDataLogsDiskUsed":            {"Broker ID", "Cluster Name"}, // https://docs.aws.amazon.com/msk/latest/developerguide/metrics-details.html
	"AWS/SQS ApproximateAgeOfOldestMessage":      {"QueueName"},                 // as the next one
	"AWS/SQS ApproximateNumberOfMessagesVisible": {"QueueName"},                 // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
}

// cloudWatch is what CloudWatch has values of: our metrics, and the providers that some of them are kept by.
type cloudWatch struct {
	known     metrics
	providers []string
}

// checkSeries: somebody writes such values, and its statistic is right for them.
func (c cloudWatch) checkSeries(s series) (wrong []string) {
	say := func(format string, arguments ...any) { wrong = append(wrong, fmt.Sprintf(format, arguments...)) }
	if s.namespace != "Balsong" {
		dimensions, is := metricsOfAWS[s.namespace+" "+s.metric]
		switch {
		case !is:
			say("%s %s is no metric of AWS that the list has", s.namespace, s.metric)
		case !slices.Equal(slices.Sorted(maps.Keys(s.dimensions)), dimensions):
			say("%s %s is kept by its dimensions %q alone", s.namespace, s.metric, dimensions)
		}
		return wrong
	}
	m, is := c.known[s.metric]
	switch {
	case !is:
		say("%s is no metric", s.metric)
	case !m.Essential():
		say("%s does not go to CloudWatch", s.metric)
	case !strings.EqualFold(s.statistic, string(m.Statistic)) && s.statistic != "SampleCount":
		say("%s is read by its %s, not by its %s", s.metric, m.Statistic, s.statistic)
	}
	if s.dimensions["Installation"] != "${Name}" {
		say("%s does not name its installation: it is every installation's of the account", s.metric)
	}
	if service := s.dimensions["Service"]; is && !slices.Contains(m.Services, port.Service(service)) {
		say("%s is not written by %q", s.metric, service)
	}
	for name, value := range s.dimensions {
		switch {
		case name == "Installation" || name == "Service":
		case name != "Provider" || is && !slices.Contains(m.Labels, "provider"):
			say("%s has no dimension %s", s.metric, name)
		case !slices.Contains(c.providers, value):
			say("%s: there is no provider %q", s.metric, value)
		}
	}
	return wrong
}

// checkDefinition: its metrics exist, its periods are the same, and nobody goes untold.
func (c cloudWatch) checkDefinition(d definition) (wrong []string) {
	say := func(format string, arguments ...any) {
		wrong = append(wrong, fmt.Sprintf("%s: %s: ", alarmsFile, d.ID)+fmt.Sprintf(format, arguments...))
	}
	for _, q := range d.Metrics {
		if q.Expression == "" && (q.MetricStat.Period != d.period() || q.ReturnData == nil || *q.ReturnData) {
			say("%s has another period, or is returned beside the result", q.ID)
		}
	}
	all, _ := d.series()
	for _, s := range all {
		for _, sentence := range c.checkSeries(s) {
			say("%s", sentence)
		}
	}
	if d.EvaluationPeriods*d.period() > 86_400 {
		say("its evaluation periods are longer than a day")
	}
	if condition := quieted[d.ID]; condition == "" && d.ActionsEnabled != nil || condition != "" && !slices.Equal(d.ActionsEnabled, []string{condition, "true", "false"}) {
		say("it tells somebody on the condition %q, wanted %q", d.ActionsEnabled, condition)
	}
	return wrong
}

// checkDashboard: it is JSON, and its metrics exist.
func (c cloudWatch) checkDashboard(text string) (wrong []string) {
	var body struct {
		Widgets []struct {
			Properties struct {
				Stat    string  `json:"stat"`
				Metrics [][]any `json:"metrics"`
			} `json:"properties"`
		} `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return []string{fmt.Sprintf("%s: the dashboard is no JSON: %v", alarmsFile, err)}
	}
	shown := 0
	for _, widget := range body.Widgets {
		for _, m := range widget.Properties.Metrics {
			shown++
			for _, sentence := range c.checkSeries(shownSeries(m, widget.Properties.Stat)) {
				wrong = append(wrong, fmt.Sprintf("%s: the dashboard: %s", alarmsFile, sentence))
			}
		}
	}
	if shown == 0 {
		wrong = append(wrong, alarmsFile+": the dashboard shows no metric")
	}
	return wrong
}

// shownSeries is a metric as dashboards write it: namespace, name, each dimension's name and value, and options.
func shownSeries(m []any, statistic string) series {
	s := series{statistic: statistic, dimensions: map[string]string{}}
	if options, is := m[len(m)-1].(map[string]any); is {
		if stat, is := options["stat"].(string); is {
			s.statistic = stat
		}
		m = m[:len(m)-1]
	}
	words := make([]string, max(len(m), 2))
	for i, word := range m {
		words[i] = fmt.Sprint(word)
	}
	s.namespace, s.metric = words[0], words[1]
	for i := 2; i+1 < len(words); i += 2 {
		s.dimensions[words[i]] = words[i+1]
	}
	return s
}
