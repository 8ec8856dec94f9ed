package capacity

import (
	"fmt"
	"slices"
)

// Interval is where a time lies: 5th percentile, median and 95th percentile, in seconds.
type Interval struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

// Forecast is when a run ends, over several seeds, and the expected run.
type Forecast struct {
	Finish Interval   `json:"finish_seconds"`
	Run    Prediction `json:"expected"`
}

// Predict forecasts a run over so many seeds, from 1 on.
func Predict(setup Setup, seeds int) (f Forecast, err error) {
	if f.Run, err = Run(setup, 0); err != nil {
		return f, err
	}
	ends := []float64{}
	for seed := range seeds {
		p, err := Run(setup, uint64(seed)+1) //nolint:gosec // not negative
		if err != nil {
			return f, err
		}
		ends = append(ends, p.Finish)
	}
	if len(ends) == 0 {
		ends = []float64{f.Run.Finish}
	}
	slices.Sort(ends)
	at := func(share float64) float64 { return ends[int(share*float64(len(ends)-1)+0.5)] }
	f.Finish = Interval{Low: at(0.05), Mid: at(0.5), High: at(0.95)}
	return f, nil
}

// Scenario is a run in which something fails or differs.
type Scenario struct {
	Name       string     `json:"name"`
	Prediction Prediction `json:"prediction"`
	Breaks     string     `json:"breaks_first"` // what does, or that nothing does
}

// Scenarios are failure scenarios: runs with the chosen settings, beside the run as planned.
func Scenarios(setup Setup, planned Prediction) (all []Scenario, err error) {
	third, half := planned.Finish/3, planned.Finish/2
	for _, scenario := range []struct {
		name   string
		change func(*Setup)
	}{
		{"as planned", func(*Setup) {}},
		{"one task dies in the middle", func(s *Setup) { s.Fault.LoseTaskAt = half }},
		{"the gateway answers ten times as slowly from a third on", func(s *Setup) { s.Fault.SlowAt, s.Fault.SlowBy = third, 10 }},
		{"quiet hours begin for half of the customers in the middle, for twelve hours", func(s *Setup) { s.Quiet = s.quietFrom(half) }},
		{"ten times as many targets", func(s *Setup) { s.Targets *= 10 }},
	} {
		changed := setup
		scenario.change(&changed)
		p, err := Run(changed, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", scenario.name, err)
		}
		all = append(all, Scenario{Name: scenario.name, Prediction: p, Breaks: changed.breaks(p, planned)})
	}
	return all, nil
}

// quietFrom lets quiet hours begin for half of those who have none now.
func (s Setup) quietFrom(after float64) []Quiet {
	quiet, share := slices.Clone(s.Quiet), 1.0
	for _, q := range quiet {
		share -= q.Share
	}
	if share < 0.01 {
		return quiet
	}
	from := (s.Start + int(after/60)) % Day
	return append(quiet, Quiet{Share: share / 2, From: from, To: (from + Day/2) % Day})
}

// breaks says what breaks first.
func (s Setup) breaks(p, planned Prediction) string {
	switch {
	case p.Unknown-planned.Unknown >= 1 && p.Late >= 1:
		return fmt.Sprintf("the hour, and certainty: %s targets are late, held up by %s, and %s outcomes are unknown", count(p.Late), p.Bottleneck, count(p.Unknown))
	case p.Late >= 1:
		return fmt.Sprintf("the hour: %s targets are late, held up by %s", count(p.Late), p.Bottleneck)
	case p.Unknown >= 1:
		return fmt.Sprintf("certainty: %s outcomes are unknown, and somebody has to decide about each", count(p.Unknown))
	}
	return "nothing: all arrive in time"
}

// count writes 7043 as 7,043.
func count(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
