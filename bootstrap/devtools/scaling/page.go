package scaling

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// The marks between which the page holds what the simulation says, and its picture beside the page.
const (
	pageBegin = "<!-- simulated: written by `balsong-dev scaling --doc` -->\n"
	pageEnd   = "<!-- end of simulated -->"
	picture   = "../images/scaling.svg"
)

// seed is that of the page's replays.
const seed = 1

// ErrPage is wrapped where a page has no place for the simulation.
var ErrPage = errors.New("the page cannot take the simulation")

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

// Document writes the tables into a page, between its marks, and the picture beside it. ErrPage.
func (s Study) Document(page string) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(content), pageBegin)
	_, after, ended := strings.Cut(rest, pageEnd)
	if !begun || !ended {
		return fmt.Errorf("%w: %s has no %s and behind it %s", ErrPage, page, strings.TrimSpace(pageBegin), pageEnd)
	}
	var text strings.Builder
	s.Write(&text)
	fmt.Fprintf(&text, "\n![Tasks and messages behind over time, in each month](%s)\n", picture)
	return errors.Join(
		os.WriteFile(page, []byte(before+pageBegin+text.String()+pageEnd+after), 0o644),
		os.WriteFile(filepath.Join(filepath.Dir(page), filepath.FromSlash(picture)), []byte(s.Picture()), 0o644),
	)
}

// The picture's measures, in pixels, and its colours.
const (
	pictureWidth, panelLeft, panelRight = 760, 60, 70
	panelHigh, panelPlot, panelTop      = 150, 90, 30

	colourTasks, colourLag, colourText, colourGrid = "#0f766e", "#b45309", "#17202b", "#d5dbe1"
)

// Picture draws the tasks and the lag over time, a panel for each scenario, as SVG.
func (s Study) Picture() string {
	all := append(s.Scenarios[:len(s.Scenarios):len(s.Scenarios)], s.Swinging)
	var out strings.Builder
	high := panelHigh*len(all) + 10
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="Tasks and messages behind over time, in each month">`+"\n",
		pictureWidth, high)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", pictureWidth, high)
	for i, r := range all {
		s.panel(&out, float64(panelHigh*i), r)
	}
	return out.String() + "</svg>\n"
}

// panel draws one scenario. The tasks have the axis at the left, the lag is drawn as a share of its most.
func (s Study) panel(out *strings.Builder, top float64, r Result) {
	most, last := 1.0, float64(r.Points[len(r.Points)-1].Seconds)
	for _, p := range r.Points {
		most = max(most, p.Lag)
	}
	foot := top + panelTop + panelPlot
	atX := func(seconds float64) float64 {
		return panelLeft + seconds/last*(pictureWidth-panelLeft-panelRight)
	}
	atTasks := func(n float64) float64 { return foot - n/float64(max(s.Policy.Most, 1))*panelPlot }
	fmt.Fprintf(out, `<text x="%d" y="%.0f" font-weight="bold" fill="%s">%s</text>`+"\n", panelLeft, top+20, colourText, r.Scenario.Name)
	for _, n := range []int{0, s.Policy.Most} {
		y := atTasks(float64(n))
		fmt.Fprintf(out, `<path d="M%d %.1fH%d" stroke="%s"/><text x="%d" y="%.1f" text-anchor="end" fill="%s">%d</text>`+"\n",
			panelLeft, y, pictureWidth-panelRight, colourGrid, panelLeft-8, y+4, colourTasks, n)
	}
	for hour := 0; float64(hour)*3600 <= last; hour++ {
		fmt.Fprintf(out, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="%s">%d h</text>`+"\n", atX(float64(hour)*3600), foot+16, colourText, hour)
	}
	var tasks, lag strings.Builder
	before := -1
	for i, p := range r.Points {
		x := atX(float64(p.Seconds))
		if p.Running != before {
			if before >= 0 {
				fmt.Fprintf(&tasks, "H%.1f", x)
			}
			fmt.Fprintf(&tasks, "%s%.1f", map[bool]string{true: fmt.Sprintf("M%.1f ", x), false: "V"}[before < 0], atTasks(float64(p.Running)))
			before = p.Running
		}
		if turns(r.Points, i) {
			fmt.Fprintf(&lag, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[lag.Len() == 0], x, foot-p.Lag/most*panelPlot)
		}
	}
	fmt.Fprintf(&tasks, "H%.1f", atX(last))
	fmt.Fprintf(out, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", lag.String(), colourLag)
	fmt.Fprintf(out, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", tasks.String(), colourTasks)
	fmt.Fprintf(out, `<text x="%d" y="%.0f" fill="%s">tasks</text><text x="%d" y="%.0f" fill="%s">lag,</text><text x="%d" y="%.0f" fill="%s">≤ %s</text>`+"\n",
		pictureWidth-panelRight+8, top+panelTop+12, colourTasks, pictureWidth-panelRight+8, top+panelTop+36, colourLag, pictureWidth-panelRight+8, top+panelTop+52, colourLag, amount(most))
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
