package scaling

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/chart"
	"github.com/balsong/balsong/bootstrap/devtools/docpage"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// part is where docs/operations/scaling.md has what the simulation says, and picture is beside the page.
var part = docpage.Part{Name: "simulated", Command: "balsong-dev scaling --doc"}

const picture = "../images/scaling.svg"

// seed is that of the page's replays.
const seed = 1

// Study is the replays that the page shows.
type Study struct {
	Policy    Policy
	Price     float64 // of a task's hour
	Currency  string
	Scenarios []Result
	Swinging  Result // the steady month
	Kept      Result // the steady month where two tasks stay
	ByMost    []Result
	Mosts     []int
}

// NewStudy replays every scenario by a policy.
func NewStudy(policy Policy, prices capacity.Prices) Study {
	setting := Usual()
	s := Study{
		Policy: policy, Currency: prices.Currency, Mosts: []int{1, 2, 4, 6, 8, 12},
		Price: setting.TaskCores*prices.TaskCoreHour + setting.TaskGB*prices.TaskGBHour,
	}
	for _, scenario := range Scenarios() {
		s.Scenarios = append(s.Scenarios, Run(scenario, setting, policy, seed))
	}
	s.Swinging = Run(Steady(), setting, policy, seed)
	stays := policy
	stays.Least = 2
	s.Kept = Run(Steady(), setting, stays, seed)
	for _, most := range s.Mosts {
		other, once := policy, Scenarios()[2]
		other.Most, once.Retries = most, nil
		s.ByMost = append(s.ByMost, Run(once, setting, other, seed))
	}
	return s
}

// Write writes the tables, as they stand on the page.
func (s Study) Write(out io.Writer) {
	p := s.Policy
	fmt.Fprintf(out, "Least %d, most %d tasks, target %.0f, cooldowns %s out and %s in; a task's hour costs %.4f %s.\n\n",
		p.Least, p.Most, p.Target, brief(p.OutCooldown.Seconds()), brief(p.InCooldown.Seconds()), s.Price, s.Currency)
	fmt.Fprintf(out, "| Month | Through for the first time after | Most tasks | Steps out, in | Task-hours | %s |\n|---|---:|---:|---:|---:|---:|\n", s.Currency)
	for _, r := range append(s.Scenarios[:len(s.Scenarios):len(s.Scenarios)], s.Swinging) {
		s.row(out, r.Scenario.Name, r)
	}
	s.row(out, s.Kept.Scenario.Name+", least 2", s.Kept)
	fmt.Fprintf(out, "\n| 50 M once, by the most tasks | Through after | Task-hours | %s |\n|---|---:|---:|---:|\n", s.Currency)
	for i, r := range s.ByMost {
		fmt.Fprintf(out, "| %d | %s | %.1f | %.2f |\n", s.Mosts[i], brief(r.First), r.TaskSeconds/3600, s.cost(r))
	}
}

func (s Study) row(out io.Writer, name string, r Result) {
	fmt.Fprintf(out, "| %s | %s | %d | %d, %d | %.1f | %.2f |\n", name, brief(r.First), r.Most, r.Outs, r.Ins, r.TaskSeconds/3600, s.cost(r))
}

func (s Study) cost(r Result) float64 { return r.TaskSeconds / 3600 * s.Price }

// brief is a time as 90 s, 12 min or 1 h 9 min.
func brief(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	minutes := int(d.Round(time.Minute).Minutes())
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	case minutes%60 == 0:
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}

// Document writes the tables into a page, between its marks, and the picture beside it. docpage.ErrNoPlace.
func (s Study) Document(page string) error {
	if err := part.Write(page, s.markdown()); err != nil {
		return err
	}
	return docpage.WritePicture(page, picture, s.Picture())
}

// markdown is what the page holds.
func (s Study) markdown() string {
	var text strings.Builder
	s.Write(&text)
	fmt.Fprintf(&text, "\n![Tasks and messages behind over time, in each month](%s)\n", picture)
	return text.String()
}

// The picture's measures, in pixels, and its colours.
const (
	pictureWidth, panelLeft, panelRight = 760.0, 60.0, 70.0
	panelHigh, panelPlot, panelTop      = 150.0, 90.0, 30.0
)

var colourTasks, colourLag = chart.Colours[0], chart.Colours[1]

// Picture draws the tasks and the lag over time, a panel for each scenario, as SVG.
func (s Study) Picture() string {
	all := append(s.Scenarios[:len(s.Scenarios):len(s.Scenarios)], s.Swinging)
	p := chart.New(pictureWidth, panelHigh*float64(len(all))+10, "Tasks and messages behind over time, in each month")
	for i, r := range all {
		s.panel(p, panelHigh*float64(i), r)
	}
	return p.String()
}

// panel draws one scenario. The tasks have the axis at the left, the lag is drawn as a share of its most.
func (s Study) panel(p *chart.Picture, top float64, r Result) {
	most, last := 1.0, float64(r.Points[len(r.Points)-1].Seconds)
	for _, point := range r.Points {
		most = max(most, point.Lag)
	}
	const right = pictureWidth - panelRight
	foot := top + panelTop + panelPlot
	atX := func(seconds float64) float64 { return panelLeft + seconds/last*(right-panelLeft) }
	atTasks := func(n int) float64 { return foot - float64(n)/float64(max(s.Policy.Most, 1))*panelPlot }
	p.Text(panelLeft, top+20, r.Scenario.Name, "font-weight", "bold", "fill", chart.Ink)
	for _, n := range []int{0, s.Policy.Most} {
		p.Line(panelLeft, atTasks(n), right, atTasks(n), "stroke", chart.Grid)
		p.Text(panelLeft-8, atTasks(n)+4, strconv.Itoa(n), "text-anchor", "end", "fill", colourTasks)
	}
	for hour := 0; float64(hour)*3600 <= last; hour++ {
		p.Text(atX(float64(hour)*3600), foot+16, fmt.Sprintf("%d h", hour), "text-anchor", "middle", "fill", chart.Ink)
	}
	var tasks, lag [][2]float64
	for i, point := range r.Points {
		x := atX(float64(point.Seconds))
		if i > 0 && point.Running != r.Points[i-1].Running {
			tasks = append(tasks, [2]float64{x, atTasks(r.Points[i-1].Running)})
		}
		if i == 0 || point.Running != r.Points[i-1].Running {
			tasks = append(tasks, [2]float64{x, atTasks(point.Running)})
		}
		if turns(r.Points, i) {
			lag = append(lag, [2]float64{x, foot - point.Lag/most*panelPlot})
		}
	}
	tasks = append(tasks, [2]float64{atX(last), atTasks(r.Points[len(r.Points)-1].Running)})
	p.Lines(lag, "fill", "none", "stroke", colourLag, "stroke-width", 2)
	p.Lines(tasks, "fill", "none", "stroke", colourTasks, "stroke-width", 2)
	p.Text(right+8, top+panelTop+12, "tasks", "fill", colourTasks)
	p.Text(right+8, top+panelTop+36, "lag,", "fill", colourLag)
	p.Text(right+8, top+panelTop+52, "≤ "+amount(most), "fill", colourLag)
}

// turns leaves out the points of the lag that lie on a line with their neighbours: the picture is the same without them.
func turns(points []Point, i int) bool {
	if i == 0 || i == len(points)-1 {
		return true
	}
	return math.Abs(points[i-1].Lag+points[i+1].Lag-2*points[i].Lag) > 0.5
}

// amount is a number as 940 k or 4.6 M.
func amount(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f M", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f k", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}
