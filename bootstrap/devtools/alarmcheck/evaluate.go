package alarmcheck

import (
	"fmt"
	"math"
	"slices"
)

// state is the state of an alarm.
type state string

const (
	ok           state = "OK"
	alarm        state = "ALARM"
	insufficient state = "INSUFFICIENT_DATA"
)

// more is how many data points more than its evaluation periods CloudWatch looks at: as in the tables of AWS's page. AWS says that the
// number depends on the period.
const more = 2

// judge says the state that follows from the data points of the evaluation range, the oldest first; a missing one is nil. It follows "Configuring
// how CloudWatch alarms treat missing data" of the Amazon CloudWatch User Guide, whose tables are its test.
func (d definition) judge(points []*bool, current state) state {
	var existing []bool
	oldest := 0 // the age of the oldest breaching point, in points; the newest has 1
	for i, p := range points {
		if p == nil {
			continue
		}
		existing = append(existing, *p)
		if *p && oldest == 0 {
			oldest = len(points) - i
		}
	}
	missing := d.EvaluationPeriods - len(existing)
	if missing <= 0 {
		existing, missing = existing[-missing:], 0
	}
	breaching := 0
	for _, b := range existing {
		if b {
			breaching++
		}
	}
	if missing > 0 && d.TreatMissingData == "breaching" {
		breaching += missing
	}
	switch {
	case breaching >= d.DatapointsToAlarm:
		return alarm
	case missing == 0 || slices.Contains(existing, false) || d.TreatMissingData == "breaching" || d.TreatMissingData == "notBreaching":
		return ok
	case d.TreatMissingData == "ignore":
		return current
	case oldest >= d.DatapointsToAlarm: // old enough, and everything since is breaching or missing
		return alarm
	default:
		return insufficient
	}
}

// sample is a value that was reported at a time, in seconds.
type sample struct {
	at    int
	value float64
}

// replay evaluates a new alarm at the end of each of its periods between two times, and returns the states. CloudWatch evaluates it each minute.
// The data lie under their namespace, name and dimensions.
func (d definition) replay(data map[string][]sample, since, until int) ([]state, error) {
	all, expression := d.series()
	program, err := parse(expression)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expression, err)
	}
	var states []state
	current := insufficient
	for now := since + d.period(); now <= until; now += d.period() {
		from := max(since, now-(d.EvaluationPeriods+more)*d.period())
		window := timeline{start: from, period: d.period(), n: (now - from) / d.period()}
		known := map[string]values{}
		for _, s := range all {
			if known[s.id], err = window.aggregate(data[s.String()], s.statistic); err != nil {
				return nil, err
			}
		}
		result, err := program(window, known)
		if err != nil {
			return nil, err
		}
		points := make([]*bool, window.n)
		for i := range points {
			if value, is := result.at[i]; is {
				breaching, err := compare(d.ComparisonOperator, value, d.Threshold)
				if err != nil {
					return nil, err
				}
				points[i] = &breaching
			}
		}
		current = d.judge(points, current)
		states = append(states, current)
	}
	return states, nil
}

// timeline is n periods from a time on.
type timeline struct{ start, period, n int }

// aggregate makes one value of the samples of each period.
func (t timeline) aggregate(samples []sample, statistic string) (values, error) {
	within := make([][]float64, t.n)
	for _, s := range samples {
		if i := (s.at - t.start) / t.period; s.at >= t.start && i < t.n {
			within[i] = append(within[i], s.value)
		}
	}
	result := values{at: map[int]float64{}}
	for i, v := range within {
		if len(v) == 0 {
			continue
		}
		switch statistic {
		case "Minimum":
			result.at[i] = slices.Min(v)
		case "Maximum":
			result.at[i] = slices.Max(v)
		case "Sum":
			for _, x := range v {
				result.at[i] += x
			}
		case "SampleCount":
			result.at[i] = float64(len(v))
		default:
			return result, fmt.Errorf("the statistic %q is not used here", statistic)
		}
	}
	return result, nil
}

func compare(operator string, value, threshold float64) (bool, error) {
	if math.IsNaN(value) {
		return false, fmt.Errorf("a value is no number")
	}
	switch operator {
	case "GreaterThanThreshold":
		return value > threshold, nil
	case "GreaterThanOrEqualToThreshold":
		return value >= threshold, nil
	case "LessThanThreshold":
		return value < threshold, nil
	case "LessThanOrEqualToThreshold":
		return value <= threshold, nil
	default:
		return false, fmt.Errorf("there is no comparison %q", operator)
	}
}
