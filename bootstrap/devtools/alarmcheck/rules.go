// Package alarmcheck holds tests of the alarms and dashboards below deploy/. The rules of Prometheus are evaluated by promtool, the alarms of
// CloudWatch by what AWS documents of their evaluation; both are compared with each other, with their runbooks and with the metrics that exist.
package alarmcheck

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The files that say the alarms.
const (
	rulesFile    = "deploy/prometheus/rules.yaml"
	alarmsFile   = "deploy/aws/alarms.yaml"
	servicesFile = "deploy/aws/services.yaml" // has what scales by metrics
	runbooks     = "docs/operations/alarms.md"
	dashboards   = "deploy/grafana"
)

// page is where the runbooks are read.
const page = "https://github.com/balsong/balsong/blob/main/" + runbooks + "#"

// rule is an alarm as Prometheus has it. Its name there begins with Balsong, which Name has not.
type rule struct {
	Name        string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// text is what an operator reads of an alarm, in both files: English, Korean, and where the runbook is.
func (r rule) text() string {
	return r.Annotations["summary"] + "\n" + r.Annotations["summary_ko"] + "\n" + r.Annotations["runbook_url"]
}

// readRules reads the alarms of Prometheus.
func readRules(root string) ([]rule, error) {
	content, err := os.ReadFile(filepath.Join(root, rulesFile))
	if err != nil {
		return nil, err
	}
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", rulesFile, err)
	}
	var all []rule
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			name, ours := strings.CutPrefix(r.Name, "Balsong")
			if !ours {
				return nil, fmt.Errorf("%s: the name %q does not begin with Balsong", rulesFile, r.Name)
			}
			r.Name = name
			all = append(all, r)
		}
	}
	return all, nil
}
