package alarmcheck

import (
	"fmt"
	"maps"
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

// onlyCloudWatch are the alarms that Prometheus does not have, with the reason.
var onlyCloudWatch = map[string]string{
	"StartFailed":   "the scheduler is AWS's, and its queue of starts that failed too",
	"ReportsUnread": "the queue is AWS's; over HTTPS a report that cannot be read is refused, and not kept",
	"ReportsWait":   "the queue is AWS's; over HTTPS the provider keeps what is not answered",
}

// quieted are the alarms that may tell nobody, with the condition under which they do.
var quieted = map[string]string{"SettlementSilent": "Settles", "NoDispatcherRun": "Scheduled"}

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
	scaling, err := readScaling(root)
	if err != nil {
		return nil, err
	}
	known := ourMetrics()
	text, err := os.ReadFile(filepath.Join(root, runbooks))
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, checkPairs(rules, definitions)...)
	wrong = append(wrong, checkRunbooks(urls(rules, definitions), string(text))...)
	for _, r := range rules {
		for _, name := range ours.FindAllString(r.Expr, -1) {
			if !known.has(name) {
				wrong = append(wrong, fmt.Sprintf("rule %s: %s is no metric", r.Name, name))
			}
		}
	}
	cloudWatch := cloudWatch{known, ourProviders()}
	for _, id := range slices.Sorted(maps.Keys(definitions)) {
		wrong = append(wrong, cloudWatch.checkDefinition(definitions[id])...)
	}
	wrong = append(wrong, cloudWatch.checkScaling(scaling)...)
	return append(wrong, cloudWatch.checkDashboard(dashboard)...), nil
}

var ours = regexp.MustCompile(`\bbalsong_[a-z0-9_]*[a-z0-9]\b`)

// checkPairs: each rule has its alarms in CloudWatch, whose names begin with its own, and that say the same.
func checkPairs(rules []rule, definitions map[string]definition) (wrong []string) {
	names := map[string]rule{}
	for _, r := range rules {
		names[r.Name] = r
	}
	paired := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(definitions)) {
		d, name := definitions[id], ""
		for candidate := range names {
			if strings.HasPrefix(id, candidate) && len(candidate) > len(name) {
				name = candidate
			}
		}
		topics := []string{"${CriticalTopic}", "${WarningTopic}"}
		switch {
		case onlyCloudWatch[id] != "":
			if strings.Count(d.AlarmDescription, "\n") != 2 {
				wrong = append(wrong, fmt.Sprintf("%s: %s does not say what it is in English, in Korean, and where its runbook is", alarmsFile, id))
			}
		case name == "":
			wrong = append(wrong, fmt.Sprintf("%s: %s has no rule in Prometheus", alarmsFile, id))
			continue
		default:
			paired[name] = true
			topics = []string{map[string]string{"critical": topics[0], "warning": topics[1]}[names[name].Labels["severity"]]}
			if d.AlarmDescription != names[name].text() {
				wrong = append(wrong, fmt.Sprintf("%s: %s does not say the same as the rule %s", alarmsFile, id, name))
			}
		}
		if len(d.AlarmActions) != 1 || !slices.Contains(topics, d.AlarmActions[0]) || !slices.Equal(d.AlarmActions, d.OKActions) {
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

// urls are the addresses of the runbooks, by the alarms' names.
func urls(rules []rule, definitions map[string]definition) map[string]string {
	all := map[string]string{}
	for _, r := range rules {
		all[r.Name] = r.Annotations["runbook_url"]
	}
	for id := range onlyCloudWatch {
		lines := strings.Split(definitions[id].AlarmDescription, "\n")
		all[id] = lines[len(lines)-1]
	}
	return all
}

// checkRunbooks: each alarm is in the table and names a section that says what it means and what to do; each section is some alarm's.
func checkRunbooks(urls map[string]string, text string) (wrong []string) {
	sections := map[string]string{}
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		sections[strings.ReplaceAll(strings.ToLower(title), " ", "-")] = body
	}
	table, _, _ := strings.Cut(text, "\n## ")
	named := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		anchor, is := strings.CutPrefix(urls[name], page)
		body := sections[anchor]
		named[anchor] = true
		if !is || body == "" {
			wrong = append(wrong, fmt.Sprintf("%s has no runbook: %s has no section for %q", name, runbooks, urls[name]))
			continue
		}
		for _, part := range parts {
			if !strings.Contains(body, part) {
				wrong = append(wrong, fmt.Sprintf("the runbook %s has no %s", anchor, part))
			}
		}
		if !regexp.MustCompile(`[\[ ]`+name+`[\],]`).MatchString(table) || !strings.Contains(table, "(#"+anchor+")") {
			wrong = append(wrong, fmt.Sprintf("the table of %s has no %s, or no link to #%s", runbooks, name, anchor))
		}
	}
	for anchor, body := range sections {
		if strings.Contains(body, parts[0]) && !named[anchor] {
			wrong = append(wrong, fmt.Sprintf("the runbook %s is no alarm's", anchor))
		}
	}
	return wrong
}
