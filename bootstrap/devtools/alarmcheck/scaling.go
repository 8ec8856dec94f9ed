package alarmcheck

import (
	"fmt"
	"path/filepath"

	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
)

// policy is a scaling policy, as far as it reads metrics.
type policy struct {
	Tracking struct {
		Metric struct {
			Metrics []query `yaml:"Metrics"`
		} `yaml:"CustomizedMetricSpecification"`
	} `yaml:"TargetTrackingScalingPolicyConfiguration"`
}

// readScaling reads what scales delivery: policies, and the alarm that starts the first task. They tell nobody, so they have no rule and no runbook.
func readScaling(root string) (all []definition, err error) {
	templates, err := cloudformation.Read(filepath.Join(root, filepath.Dir(servicesFile)))
	if err != nil {
		return nil, err
	}
	for _, t := range templates {
		if t.File != filepath.Base(servicesFile) {
			continue
		}
		for _, r := range t.Resources() {
			d := definition{ID: r.Name}
			switch r.Type {
			case "AWS::CloudWatch::Alarm":
				if d, err = defined(t, r); err != nil {
					return nil, err
				}
			case "AWS::ApplicationAutoScaling::ScalingPolicy":
				var p policy
				if err := r.Decode(&p); err != nil {
					return nil, fmt.Errorf("%s: %w", r.At(), err)
				}
				d.Metrics = p.Tracking.Metric.Metrics
			}
			if len(d.Metrics) > 0 {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// checkScaling: somebody writes what the scaling reads, in this installation, and it is read by its statistic.
func (c cloudWatch) checkScaling(scaling []definition) (wrong []string) {
	for _, d := range scaling {
		all, _ := d.series()
		for _, s := range all {
			for _, sentence := range c.checkSeries(s) {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %s", servicesFile, d.ID, sentence))
			}
		}
	}
	if len(scaling) < 2 {
		wrong = append(wrong, fmt.Sprintf("%s: delivery is scaled by %d alarms and policies", servicesFile, len(scaling)))
	}
	return wrong
}
