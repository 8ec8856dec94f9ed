package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Stage is one stage of the product, measured some times, each beside its baseline: the same work on the same machine
// without the product.
type Stage struct {
	Name         string     `json:"stage"`
	Label        string     `json:"label,omitempty"` // what a reader must know of the number
	Baseline     string     `json:"raw,omitempty"`   // what the baseline is
	Rows         int        `json:"rows"`            // of a run
	Target       Target     `json:"target"`
	Runs         []StageRun `json:"runs"`
	Rate         Spread     `json:"rows_per_second"`
	BaselineRate Spread     `json:"raw_rows_per_second"`
	Share        Spread     `json:"share_of_raw_limit"` // 1: as fast as the baseline; each run beside its own
	// MicrosPerRow is the processor time of a row by process, in µs: the median of the runs. It says more than the rates where
	// the machine does other work too.
	MicrosPerRow map[string]float64 `json:"cpu_us_per_row"`
	PeakRSS      int64              `json:"peak_rss_bytes"`    // of the measured process, the highest of the runs (VmHWM)
	Details      []string           `json:"details,omitempty"` // what else was seen, for people
}

// Target is what a stage has to reach on two cores with everything on them; 0 where nothing is asked.
type Target struct {
	Floor   float64 `json:"rows_per_second_at_least,omitempty"` // what must be reached, where Rate is aimed at
	Rate    float64 `json:"rows_per_second,omitempty"`
	Share   float64 `json:"share_of_raw_limit,omitempty"`
	PeakRSS int64   `json:"peak_rss_bytes,omitempty"` // less than
}

// StageRun is one run of a stage, and of its baseline.
type StageRun struct {
	Rows            int                `json:"rows"` // of this run
	Seconds         float64            `json:"seconds"`
	BaselineSeconds float64            `json:"raw_seconds,omitempty"` // for as many rows; 0: not measured
	CPU             map[string]float64 `json:"cpu_seconds"`           // by process
	PeakRSS         int64              `json:"peak_rss_bytes,omitempty"`
}

// Spread is a number over the runs.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spread(runs []StageRun, value func(StageRun) float64) Spread {
	values := make([]float64, len(runs))
	for i, run := range runs {
		values[i] = value(run)
	}
	return spreadOf(values)
}

func spreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	return Spread{Median(values), slices.Min(values), slices.Max(values)}
}

// summarize turns the runs into the stage's numbers.
func (s *Stage) summarize() {
	s.Rate = spread(s.Runs, func(r StageRun) float64 { return float64(r.Rows) / r.Seconds })
	if s.Baseline != "" {
		s.BaselineRate = spread(s.Runs, func(r StageRun) float64 { return float64(r.Rows) / r.BaselineSeconds })
		s.Share = spread(s.Runs, func(r StageRun) float64 { return r.BaselineSeconds / r.Seconds })
	}
	s.MicrosPerRow, s.PeakRSS = map[string]float64{}, 0
	for _, run := range s.Runs {
		s.PeakRSS = max(s.PeakRSS, run.PeakRSS)
		for process := range run.CPU {
			s.MicrosPerRow[process] = spread(s.Runs, func(r StageRun) float64 { return 1e6 * r.CPU[process] / float64(max(r.Rows, 1)) }).Median
		}
	}
}

// verdict tells whether a stage reaches its targets.
func (s *Stage) verdict() string {
	var missed []string
	miss := func(what string, yes bool) {
		if yes {
			missed = append(missed, what)
		}
	}
	miss("rate", s.Rate.Median < s.Target.Rate)
	miss("EVEN THE LEAST", s.Rate.Median < s.Target.Floor)
	miss("share", s.Share.Median < s.Target.Share)
	miss("memory", s.Target.PeakRSS > 0 && s.PeakRSS >= s.Target.PeakRSS)
	switch {
	case s.Target == Target{}:
		return ""
	case len(missed) == 0:
		return "reached"
	default:
		return "MISSED: " + strings.Join(missed, ", ")
	}
}

// perSecond writes a rate with its spread: "15,200 (14,900–15,600)".
func perSecond(s Spread) string {
	if s.Median == 0 {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", figure(s.Median), figure(s.Min), figure(s.Max))
}

func perCent(s Spread) string {
	if s.Median == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f%% (%.0f–%.0f)", 100*s.Median, 100*s.Min, 100*s.Max)
}

// targets writes what is asked of a stage.
func (s *Stage) targets() string {
	var asked []string
	if s.Target.Rate > 0 {
		asked = append(asked, "≥ "+figure(s.Target.Rate)+"/s")
	}
	if s.Target.Floor > 0 {
		asked = append(asked, "at least "+figure(s.Target.Floor)+"/s")
	}
	if s.Target.Share > 0 {
		asked = append(asked, fmt.Sprintf("≥ %.0f%%", 100*s.Target.Share))
	}
	if s.Target.PeakRSS > 0 {
		asked = append(asked, fmt.Sprintf("< %.0f MB", mb(s.Target.PeakRSS)))
	}
	if len(asked) == 0 {
		return "–"
	}
	return strings.Join(asked, ", ")
}

// processors writes the processor time of a row: "render 61, postgres 30, s3 12".
func (s *Stage) processors() string {
	names := slices.SortedFunc(maps.Keys(s.MicrosPerRow), func(a, b string) int { return int(s.MicrosPerRow[b]*1000 - s.MicrosPerRow[a]*1000) })
	var parts []string
	for _, name := range names {
		if s.MicrosPerRow[name] >= 0.5 {
			parts = append(parts, fmt.Sprintf("%s %s", name, figure(s.MicrosPerRow[name])))
		}
	}
	return strings.Join(parts, ", ")
}

// repeat measures stages some times, each time in a database and topics of its own. A turn returns a run of each stage.
func (b *bench) repeat(ctx context.Context, name string, times int, turn func(context.Context, *stage) ([]StageRun, error), measured ...*Stage) error {
	b.report.Stages = append(b.report.Stages, measured...)
	for n := range times {
		name := fmt.Sprintf("%s%d", name, n)
		err := b.open(ctx, name, func(ctx context.Context, s *stage) error {
			runs, err := turn(ctx, s)
			for i, run := range runs {
				measured[i].Runs = append(measured[i].Runs, run)
				b.sayRun(measured[i].Name, run)
			}
			return err
		})
		if err := errors.Join(err, b.dropDatabase(ctx, name)); err != nil {
			return err
		}
	}
	for _, m := range measured {
		m.summarize()
	}
	return nil
}

// sayRun says what a run came to.
func (b *bench) sayRun(stage string, run StageRun) {
	line := fmt.Sprintf("%s: %d in %.2f s, %.0f a second", stage, run.Rows, run.Seconds, float64(run.Rows)/run.Seconds)
	if run.BaselineSeconds > 0 {
		line += fmt.Sprintf("; baseline %.2f s, so %.0f%% of it", run.BaselineSeconds, 100*run.BaselineSeconds/run.Seconds)
	}
	if run.PeakRSS > 0 {
		line += fmt.Sprintf("; %.0f MB", mb(run.PeakRSS))
	}
	b.say("%s", line)
}

// Median of at least one value.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}
