package loadtest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

//go:embed page/report.html
var reportPage string

var page = template.Must(template.New("report").Parse(reportPage))

// WriteHTML writes the report as one file that needs no other.
func (r *Report) WriteHTML(w io.Writer) error { return page.Execute(w, r.view()) }

// view is what the page shows.
type view struct {
	*Report
	Good      bool
	Finish    string
	Between   string
	Settings  []setting
	Facts     []setting
	Charts    []figure
	Beside    []row
	Scenarios []row
	Cost      []row
	Pairs     []row
	Scale     string
	Pictures  []figure
	Date      string
}

// figure is a picture with what it shows.
type figure struct {
	Title, Says string
	Keys        []entry
	SVG         template.HTML
}

// entry is a line of a picture's legend.
type entry struct{ Class, Name string }

// row is a row of a table.
type row struct {
	Cells []string
	Bad   bool
}

func (r *Report) view() view {
	f := r.Forecast.Finish
	v := view{
		Report: r, Good: r.Recommended.InTime, Finish: r.clock(f.Mid), Between: fmt.Sprintf("between %s and %s", r.clock(f.Low), r.clock(f.High)),
		Settings: r.settings(), Facts: r.facts(), Charts: r.pictures(), Cost: r.cost(), Date: r.StartedAt.Format("2 January 2006"),
	}
	for _, n := range r.Neighbours {
		v.Beside = append(v.Beside, row{Cells: []string{describe(n.Settings, r.Recommended.Settings), r.clock(n.Finish), n.Why}})
	}
	for _, s := range r.Scenarios {
		v.Scenarios = append(v.Scenarios, row{
			Cells: []string{s.Name, r.end(s.Prediction), thousands(s.Prediction.Late), thousands(s.Prediction.Unknown), s.Breaks},
			Bad:   s.Prediction.Late >= 1 || s.Prediction.Unknown >= 1,
		})
	}
	if m := r.Measured; m != nil {
		v.Scale = fmt.Sprintf("%s targets, everything on one machine (%s, %d cores of which %.2f were to be had; Kafka: %s), median of %d runs and the least and most of them",
			thousands(float64(m.Targets)), m.Machine.CPU, m.Machine.Cores, m.Cores, m.Kafka, m.Runs)
		for _, p := range m.Pairs {
			v.Pairs = append(v.Pairs, row{Cells: []string{
				fmt.Sprintf("%d partitions, %d tasks, %s in flight, pages of %d", p.Partitions, p.Tasks, thousands(float64(p.InFlight)), p.Page),
				fmt.Sprintf("%.1f s (%.1f to %.1f)", p.Predicted.Mid, p.Predicted.Low, p.Predicted.High), p.runs(), p.verdict(),
			}, Bad: !p.Within})
		}
		v.Pictures = []figure{m.Pairs[0].picture()}
	}
	return v
}

// facts are what was asked.
func (r *Report) facts() []setting {
	q := r.Asked
	limit := "no limit"
	if q.Gateway.TPS > 0 {
		limit = fmt.Sprintf("at most %g calls a second", q.Gateway.TPS)
	}
	facts := []setting{
		{Name: "Statements", Value: thousands(float64(q.Targets))},
		{Name: "Start, and by when", Value: r.clock(0) + ", " + r.clock(r.deadline())},
		{Name: "The gateway answers after", Value: q.Gateway.Latency.String()},
		{Name: "It takes", Value: limit},
	}
	for _, quiet := range q.Quiet {
		facts = append(facts, setting{Name: "Quiet hours", Value: fmt.Sprintf("%.4g%% of the customers from %02d:%02d to %02d:%02d", 100*quiet.Share, quiet.From/60, quiet.From%60, quiet.To/60, quiet.To%60)})
	}
	return append(facts, setting{Name: "Costs of work from", Value: r.Calibration.Measured})
}

// cost is what it costs, part by part.
func (r *Report) cost() []row {
	b, n := r.Recommended.Cost, float64(r.Asked.Targets)/1e6
	var rows []row
	for _, part := range []struct {
		name   string
		amount float64
	}{
		{"Delivery tasks", b.Tasks},
		{"Dispatcher and settlement, while it runs", b.Helpers},
		{"Storage of the statements", b.Storage},
		{"Data to the gateway", b.Data},
		{"Database, all month", b.Database},
		{"Event log, all month", b.Brokers},
	} {
		rows = append(rows, row{Cells: []string{part.name, r.money(part.amount), r.money(part.amount / n)}})
	}
	return append(rows, row{Cells: []string{"Together", r.money(b.AllPerMillion * n), r.money(b.AllPerMillion)}})
}

// short writes a number as on an axis.
func short(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.3gM", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.3gk", n/1e3)
	case n == math.Trunc(n):
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.2g", n)
}

func hours(seconds float64) string {
	unit := unitOf(seconds)
	return fmt.Sprintf("%.3g%s", seconds/unit, map[float64]string{1: " s", 60: " min", 3600: " h"}[unit])
}

// over is a chart over the time of day.
func (r *Report) over(label string, lines ...series) template.HTML {
	return chart{label: label, lines: lines, xText: func(x float64) string {
		minutes := (r.Asked.Start + int(x/60+0.5)) % capacity.Day
		return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
	}, yText: short}.SVG()
}

func (r *Report) pictures() []figure {
	rate, lag, waiting, flying := series{class: "a"}, series{class: "a"}, series{class: "b"}, series{class: "a"}
	for _, p := range r.Forecast.Run.Points {
		rate.dots, lag.dots = append(rate.dots, dot{p.Seconds, p.Rate}), append(lag.dots, dot{p.Seconds, p.Lag})
		waiting.dots, flying.dots = append(waiting.dots, dot{p.Seconds, p.Waiting}), append(flying.dots, dot{p.Seconds, p.InFlight})
	}
	tasks, x := series{class: "a"}, map[float64]int{}
	for i, t := range r.ByTasks {
		x[float64(i)] = t.Tasks
		tasks.dots = append(tasks.dots, dot{float64(i), t.Finish.Mid})
		tasks.low, tasks.high = append(tasks.low, t.Finish.Low), append(tasks.high, t.Finish.High)
	}
	return []figure{
		{Title: "Arrived a second", Says: "How fast statements arrive, over the run.", SVG: r.over("statements that arrive a second, over the time of day", rate)},
		{
			Title: "Waiting", Says: "What is due and not sent: in the event log (the lag that tasks are scaled on), and not yet published.",
			Keys: []entry{{"a", "in the event log"}, {"b", "not yet published"}}, SVG: r.over("statements that wait, over the time of day", lag, waiting),
		},
		{Title: "In flight", Says: "Messages in flight of all tasks: the outcomes of their calls are unknown when their task dies.", SVG: r.over("messages in flight, over the time of day", flying)},
		{
			Title: "How long, by tasks", Says: "When the last statement has arrived, with the recommended settings and another number of tasks; it takes longer where they cannot share the partitions evenly. Bars show the uncertainty, the dashed line the hour that was asked for.",
			SVG: chart{
				label: "duration of the run by the number of tasks", lines: []series{tasks}, points: true, time: true, yText: hours, limit: r.deadline(), name: r.clock(r.deadline()),
				xText: func(i float64) string { return fmt.Sprint(x[i]) },
			}.SVG(),
		},
	}
}

// picture shows a measured run beside what the model expected.
func (p Pair) picture() figure {
	model, real := series{class: "b"}, series{class: "a"}
	sum, before := 0.0, 0.0
	for _, at := range p.Model {
		sum += at.Rate * (at.Seconds - before)
		before = at.Seconds
		model.dots = append(model.dots, dot{at.Seconds, sum})
	}
	for i, at := range p.Points {
		if i%max(1, len(p.Points)/200) == 0 || i == len(p.Points)-1 {
			real.dots = append(real.dots, dot{at.Seconds, float64(at.Accepted)})
		}
	}
	return figure{
		Title: "Model and real components", Says: "Arrived so far, in seconds after the start: the first pair of the table.",
		Keys: []entry{{"a", "measured"}, {"b", "the model"}},
		SVG:  chart{label: "arrived over seconds, measured and by the model", lines: []series{real, model}, xText: hours, yText: short}.SVG(),
	}
}
