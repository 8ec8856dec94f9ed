package loadtest

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/progress"
)

// clock is the time of day so many seconds after the start.
func (r *Report) clock(seconds float64) string {
	minutes := r.Asked.Start + int(seconds/60+0.5)
	text := fmt.Sprintf("%02d:%02d", minutes/60%24, minutes%60)
	switch days := minutes / capacity.Day; days {
	case 0:
		return text
	case 1:
		return text + " the day after"
	default:
		return fmt.Sprintf("%s %d days after", text, days)
	}
}

// span says how long something takes.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", seconds)
	case d < 10*time.Minute:
		return fmt.Sprintf("%.0f s", seconds)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(math.Round(d.Minutes()))%60)
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

func thousands(n float64) string { return progress.Thousands(int64(math.Round(n))) }

func (r *Report) money(amount float64) string {
	if amount >= 100 {
		return thousands(amount) + " " + r.Prices.Currency
	}
	return fmt.Sprintf("%.2f %s", amount, r.Prices.Currency)
}

// deadline is the hour by which all must have arrived.
func (r *Report) deadline() float64 { return r.Asked.Within.Seconds() }

// sentence is the answer for somebody who reads no further.
func (r *Report) sentence() string {
	f := r.Forecast.Finish
	var b strings.Builder
	fmt.Fprintf(&b, "%s statements that start at %s ", thousands(float64(r.Asked.Targets)), r.clock(0))
	switch {
	case !r.Forecast.Run.Finished:
		fmt.Fprintf(&b, "would not arrive within ten days, whatever is set")
	case r.Recommended.InTime:
		fmt.Fprintf(&b, "will all have arrived by %s (between %s and %s), %s before %s", r.clock(f.Mid), r.clock(f.Low), r.clock(f.High), span(r.deadline()-f.High), r.clock(r.deadline()))
	case f.High <= r.deadline():
		fmt.Fprintf(&b, "should have arrived by %s (between %s and %s), but not in the adverse case (a task dies, work costs more): then not by %s", r.clock(f.Mid), r.clock(f.Low), r.clock(f.High), r.clock(r.deadline()))
	default:
		fmt.Fprintf(&b, "will NOT all arrive by %s: the last arrive at %s (between %s and %s), held up by %s", r.clock(r.deadline()), r.clock(f.Mid), r.clock(f.Low), r.clock(f.High), r.Forecast.Run.Bottleneck)
	}
	cost := r.Recommended.Cost
	fmt.Fprintf(&b, "; a million costs %s, of which the run itself is %s.", r.money(cost.AllPerMillion), r.money(cost.RunPerMillion))
	return b.String()
}

// setting is one thing to set, and why.
type setting struct{ Name, Value, Where, Why string }

// settings are what to set, for people.
func (r *Report) settings() []setting {
	s := r.Recommended.Settings
	all := []setting{
		{"Partitions", fmt.Sprint(s.Partitions), "BALSONG_KAFKA_PARTITIONS", "at least as many as tasks; they cannot become fewer later"},
		{"Delivery tasks", fmt.Sprintf("%d to %d", s.MinTasks, s.Tasks), "the service's minimum and maximum", "held up by " + string(r.Recommended.Bottleneck)},
		{"Scaling target", thousands(float64(s.BacklogPerTask)) + " requests", "backlog per task", "what one task does in a minute"},
		{"In flight", thousands(float64(s.InFlight)) + " a task", "BALSONG_DELIVERY_IN_FLIGHT, and of the gateway", "the outcomes of so many calls are unknown when a task dies"},
		{"Page", thousands(float64(s.Page)) + " rows", "BALSONG_DISPATCH_PAGE", "rows that the dispatcher publishes in one transaction"},
	}
	if s.MinTasks == s.Tasks {
		all[2].Value, all[2].Why = "none", "all tasks are there from the beginning"
	}
	if r.Rate > 0 {
		all = append(all, setting{"Rate", fmt.Sprintf("%.4g a second", r.Rate), "BALSONG_SMS_RATE (or the channel's)", "the gateway's limit, which all tasks keep to together"})
	}
	return all
}

// Print writes the answer for people.
func (r *Report) Print(out io.Writer) {
	fmt.Fprintf(out, "%s\n", wrap(r.Summary, 100))
	for _, note := range r.Notes {
		fmt.Fprintf(out, "\n%s\n", wrap("NOTE: "+note, 100))
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "\nRecommended\n")
	for _, s := range r.settings() {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", s.Name, s.Value, s.Where, s.Why)
	}
	fmt.Fprintf(table, "\nIts neighbours\n")
	for _, n := range r.Neighbours {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", describe(n.Settings, r.Recommended.Settings), span(n.Finish), n.Why)
	}
	fmt.Fprintf(table, "\nFailure scenarios\n")
	for _, s := range r.Scenarios {
		fmt.Fprintf(table, "  %s\t%s\tbreaks first: %s\n", s.Name, r.end(s.Prediction), s.Breaks)
	}
	_ = table.Flush()
	r.printMeasured(out)
}

// end is when a predicted run ends.
func (r *Report) end(p capacity.Prediction) string {
	if !p.Finished {
		return "not within ten days"
	}
	return r.clock(p.Finish)
}

func (r *Report) printMeasured(out io.Writer) {
	if r.Measured == nil {
		return
	}
	m := r.Measured
	fmt.Fprintf(out, "\nModel and real components, %s targets on this machine (%s, %.2f cores, median of %d)\n", thousands(float64(m.Targets)), m.Kafka, m.Cores, m.Runs)
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "  partitions\ttasks\tin flight\tpage\tpredicted\tmeasured\t\n")
	for _, p := range m.Pairs {
		fmt.Fprintf(table, "  %d\t%d\t%d\t%d\t%.1f s (%.1f to %.1f)\t%s\t%s\n", p.Partitions, p.Tasks, p.InFlight, p.Page,
			p.Predicted.Mid, p.Predicted.Low, p.Predicted.High, p.runs(), p.verdict())
	}
	_ = table.Flush()
}

// runs are the measured times: the median, and from the least to the most.
func (p Pair) runs() string {
	least, most := p.Measured[0], p.Measured[0]
	for _, s := range p.Measured {
		least, most = min(least, s), max(most, s)
	}
	return fmt.Sprintf("%.1f s (%.1f to %.1f)", p.Median, least, most)
}

func (p Pair) verdict() string {
	if p.Within {
		return fmt.Sprintf("%+.0f%%", 100*p.Off)
	}
	return fmt.Sprintf("%+.0f%%, more than %.0f%%: %s", 100*p.Off, 100*allowance, p.Why)
}

// describe says what settings differ in.
func describe(s, from capacity.Settings) string {
	switch {
	case s.Partitions != from.Partitions:
		return fmt.Sprintf("%d partitions", s.Partitions)
	case s.Tasks != from.Tasks:
		return fmt.Sprintf("at most %d tasks", s.Tasks)
	case s.InFlight != from.InFlight:
		return fmt.Sprintf("%s in flight", thousands(float64(s.InFlight)))
	}
	return fmt.Sprintf("pages of %d", s.Page)
}

// wrap breaks text into lines of about width characters.
func wrap(text string, width int) string {
	var b strings.Builder
	long := 0
	for i, word := range strings.Fields(text) {
		if i > 0 {
			if long+1+len(word) > width {
				b.WriteByte('\n')
				long = 0
			} else {
				b.WriteByte(' ')
				long++
			}
		}
		b.WriteString(word)
		long += len(word)
	}
	return b.String()
}
