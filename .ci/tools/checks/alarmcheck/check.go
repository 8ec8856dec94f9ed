package alarmcheck

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// onlyPrometheus are the alarms that CloudWatch does not have, with the reason.
var onlyPrometheus = map[string]string{
	"StandbyMissing": "RDS Multi-AZ shows no standby; its events tell of failovers",
	"StandbyLag":     "as StandbyMissing",
}

// metricsOfAWS are the metrics that are not ours: namespace and name, with the page that documents them.
var metricsOfAWS = map[string]string{
	"AWS/RDS FreeStorageSpace":        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html",
	"AWS/Kafka KafkaDataLogsDiskUsed": "https://docs.aws.amazon.com/msk/latest/developerguide/metrics-details.html",
}

// metricsOfExporters are the metrics of others that rules and dashboards name, with labels as they have them, and who exports them.
var metricsOfExporters = map[string]string{
	`node_filesystem_avail_bytes{component="database",fstype="ext4",mountpoint="/",instance="a"}`: "node_exporter, collector filesystem",
	`node_filesystem_size_bytes{component="database",fstype="ext4",mountpoint="/",instance="a"}`:  "node_exporter, collector filesystem",
	`node_filesystem_avail_bytes{component="kafka",fstype="ext4",mountpoint="/",instance="b"}`:    "node_exporter, collector filesystem",
	`node_filesystem_size_bytes{component="kafka",fstype="ext4",mountpoint="/",instance="b"}`:     "node_exporter, collector filesystem",
	`pg_stat_activity_count{datname="balsong",state="active",instance="c"}`:                       "postgres_exporter, its built-in query pg_stat_activity",
	`pg_stat_database_xact_commit{datname="balsong",instance="c"}`:                                "postgres_exporter, collector stat_database",
	`pg_stat_database_deadlocks{datname="balsong",instance="c"}`:                                  "postgres_exporter, collector stat_database",
	`pg_database_size_bytes{datname="balsong",instance="c"}`:                                      "postgres_exporter, collector database",
	`pg_stat_user_tables_n_dead_tup{datname="balsong",relname="billing_targets",instance="c"}`:    "postgres_exporter, collector stat_user_tables",
	`kafka_server_replicamanager_underreplicatedpartitions{instance="b"}`:                         "jmx_exporter with the rules of its example kafka-2_0_0.yml (open monitoring of MSK has the same names in capitals)",
	`kafka_controller_kafkacontroller_offlinepartitionscount{instance="b"}`:                       "jmx_exporter, as before",
}

// check returns what is wrong with the alarms and their runbooks below root, one sentence each.
func check(root string) (wrong []string, err error) {
	rules, err := readRules(root)
	if err != nil {
		return nil, err
	}
	definitions, dashboard, err := readDefinitions(root)
	if err != nil {
		return nil, err
	}
	known, err := readMetrics(root)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, runbooks))
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, checkPairs(rules, definitions)...)
	wrong = append(wrong, checkRunbooks(rules, string(text))...)
	for _, r := range rules {
		for _, name := range ours.FindAllString(r.Expr, -1) {
			if !known.has(name) {
				wrong = append(wrong, fmt.Sprintf("rule %s: %s is no metric", r.Name, name))
			}
		}
	}
	for _, id := range slices.Sorted(keysOf(definitions)) {
		wrong = append(wrong, checkDefinition(definitions[id], known)...)
	}
	return append(wrong, checkDashboard(dashboard, known)...), nil
}

var ours = regexp.MustCompile(`\bbalsong_[a-z0-9_]*[a-z0-9]\b`)

// checkPairs: each rule has its alarms in CloudWatch, whose names begin with its own, and that say the same.
func checkPairs(rules []rule, definitions map[string]definition) (wrong []string) {
	names := map[string]rule{}
	for _, r := range rules {
		names[r.Name] = r
	}
	paired := map[string]bool{}
	for _, id := range slices.Sorted(keysOf(definitions)) {
		d, name := definitions[id], ""
		for candidate := range names {
			if strings.HasPrefix(id, candidate) && len(candidate) > len(name) {
				name = candidate
			}
		}
		if name == "" {
			wrong = append(wrong, fmt.Sprintf("%s: %s has no rule in Prometheus", alarmsFile, id))
			continue
		}
		paired[name] = true
		if d.AlarmDescription != names[name].text() {
			wrong = append(wrong, fmt.Sprintf("%s: %s does not say the same as the rule %s", alarmsFile, id, name))
		}
		topic := map[string]string{"critical": refersTo + "CriticalTopic", "warning": refersTo + "WarningTopic"}[names[name].Labels["severity"]]
		if !slices.Equal(d.AlarmActions, []string{topic}) || !slices.Equal(d.OKActions, []string{topic}) {
			wrong = append(wrong, fmt.Sprintf("%s: %s does not tell the topic of its severity when it is raised and cleared", alarmsFile, id))
		}
		if d.AlarmName != "${Name}-"+id {
			wrong = append(wrong, fmt.Sprintf("%s: %s is called %s", alarmsFile, id, d.AlarmName))
		}
	}
	for _, r := range rules {
		if !paired[r.Name] && onlyPrometheus[r.Name] == "" {
			wrong = append(wrong, fmt.Sprintf("%s: %s has no alarm in CloudWatch", rulesFile, r.Name))
		}
	}
	return wrong
}

// parts are what each runbook has.
var parts = []string{"**Means.**", "**Look.**", "**Do.**", "**Do not**"}

// checkRunbooks: each rule is in the table and names a section that says what it means and what to do; each section is some rule's.
func checkRunbooks(rules []rule, text string) (wrong []string) {
	sections := map[string]string{}
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		sections[strings.ReplaceAll(strings.ToLower(title), " ", "-")] = body
	}
	table, _, _ := strings.Cut(text, "\n## ")
	named := map[string]bool{}
	for _, r := range rules {
		anchor, is := strings.CutPrefix(r.Annotations["runbook_url"], page)
		body := sections[anchor]
		named[anchor] = true
		if !is || body == "" {
			wrong = append(wrong, fmt.Sprintf("rule %s has no runbook: %s has no section for %q", r.Name, runbooks, r.Annotations["runbook_url"]))
			continue
		}
		for _, part := range parts {
			if !strings.Contains(body, part) {
				wrong = append(wrong, fmt.Sprintf("the runbook %s has no %s", anchor, part))
			}
		}
		if !regexp.MustCompile(`[\[ ]`+r.Name+`[\],]`).MatchString(table) || !strings.Contains(table, "(#"+anchor+")") {
			wrong = append(wrong, fmt.Sprintf("the table of %s has no %s, or no link to #%s", runbooks, r.Name, anchor))
		}
	}
	for anchor, body := range sections {
		if strings.Contains(body, parts[0]) && !named[anchor] {
			wrong = append(wrong, fmt.Sprintf("the runbook %s is no alarm's", anchor))
		}
	}
	return wrong
}

// checkDefinition: its metrics exist, its periods are the same, and it reads each metric by the statistic that is right for it.
func checkDefinition(d definition, known metrics) (wrong []string) {
	say := func(format string, arguments ...any) {
		wrong = append(wrong, fmt.Sprintf("%s: %s: ", alarmsFile, d.ID)+fmt.Sprintf(format, arguments...))
	}
	all, _ := d.series()
	for _, q := range d.Metrics {
		if q.Expression == "" && (q.MetricStat.Period != d.period() || q.ReturnData == nil || *q.ReturnData) {
			say("%s has another period, or is returned beside the result", q.ID)
		}
	}
	for _, s := range all {
		if s.namespace != "Balsong" {
			if metricsOfAWS[s.namespace+" "+s.metric] == "" {
				say("%s %s is no metric of AWS that the list has", s.namespace, s.metric)
			}
			continue
		}
		m, is := known[s.metric]
		switch {
		case !is:
			say("%s is no metric", s.metric)
		case m.statistic == "":
			say("%s does not go to CloudWatch", s.metric)
		case s.statistic != m.statistic && s.statistic != "SampleCount":
			say("%s is read by its %s, not by its %s", s.metric, m.statistic, s.statistic)
		}
		for _, dimension := range s.dimensions {
			if dimension.Name != "Service" && (dimension.Name != "Provider" || !slices.Contains(m.labels, "provider")) {
				say("%s has no dimension %s", s.metric, dimension.Name)
			}
		}
	}
	if d.EvaluationPeriods*d.period() > 86_400 {
		say("its evaluation periods are longer than a day")
	}
	return wrong
}

// checkDashboard: it is JSON, and its metrics exist.
func checkDashboard(text string, known metrics) (wrong []string) {
	var body struct {
		Widgets []struct {
			Properties struct {
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
			name := fmt.Sprint(m[0], " ", m[1])
			if balsong, is := strings.CutPrefix(name, "Balsong "); is && known[balsong].statistic == "" || !is && metricsOfAWS[name] == "" {
				wrong = append(wrong, fmt.Sprintf("%s: the dashboard shows %s, which is no metric of CloudWatch", alarmsFile, name))
			}
		}
	}
	if shown == 0 {
		wrong = append(wrong, alarmsFile+": the dashboard shows no metric")
	}
	return wrong
}
