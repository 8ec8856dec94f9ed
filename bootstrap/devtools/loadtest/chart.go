package loadtest

import (
	"html/template"
	"math"

	charts "github.com/balsong/balsong/bootstrap/devtools/chart"
)

// A chart's measures, in its own units: it is drawn as wide as there is room.
const (
	chartWide, chartHigh       = 480.0, 250.0
	chartLeft, chartRight      = 62.0, 14.0
	chartTop, chartBottom      = 14.0, 34.0
	chartPlotWide              = chartWide - chartLeft - chartRight
	chartPlotHigh              = chartHigh - chartTop - chartBottom
	chartBreadth, chartXLabels = 3.0, 5
)

// dot is one value of a series.
type dot struct{ x, y float64 }

// series is one line of a chart, in the colour of its class; where low and high are there, each dot has its interval.
type series struct {
	class     string // "a", "b" or "c"
	dots      []dot
	low, high []float64
}

// chart is a picture of lines over one axis.
type chart struct {
	label  string // what it shows, for those who cannot see it
	xText  func(float64) string
	yText  func(float64) string
	time   bool // the y are seconds
	lines  []series
	limit  float64 // a y that is marked; 0: none
	name   string  // of the limit
	points bool    // dots are marked, as where there are few
}

// extent is how far the axes reach.
func (c chart) extent() (x0, x1, y1 float64) {
	x0, x1 = math.Inf(1), math.Inf(-1)
	for _, s := range c.lines {
		for i, d := range s.dots {
			x0, x1, y1 = min(x0, d.x), max(x1, d.x), max(y1, d.y)
			if s.high != nil {
				y1 = max(y1, s.high[i])
			}
		}
	}
	if c.limit < 4*y1 {
		y1 = max(y1, c.limit)
	}
	if math.IsInf(x0, 0) || x1 <= x0 {
		x0, x1 = 0, max(x1, 1)
	}
	unit := 1.0
	if c.time {
		unit = unitOf(y1)
	}
	return x0, x1, unit * nice(max(y1/unit, 1e-9))
}

// unitOf is the unit, in seconds, that reads well for a time.
func unitOf(seconds float64) float64 {
	switch {
	case seconds >= 2*3600:
		return 3600
	case seconds >= 120:
		return 60
	}
	return 1
}

// nice is the next number up whose quarters read well.
func nice(n float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(n)))
	for _, step := range []float64{1, 2, 4, 6, 8} {
		if n <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

// SVG draws it.
func (c chart) SVG() template.HTML {
	x0, x1, y1 := c.extent()
	atX := func(x float64) float64 { return chartLeft + (x-x0)/(x1-x0)*chartPlotWide }
	atY := func(y float64) float64 { return chartTop + (1-y/y1)*chartPlotHigh }
	p := charts.InPage(chartWide, chartHigh, c.label)
	for i := range 5 {
		y := y1 * float64(i) / 4
		p.Line(chartLeft, atY(y), chartWide-chartRight, atY(y), "class", "grid")
		p.Text(chartLeft-6, atY(y)+5, c.yText(y), "class", "y")
	}
	c.xAxis(p, x0, x1, atX)
	for _, s := range c.lines {
		s.draw(p, atX, atY, c.points)
	}
	if c.limit > 0 && c.limit <= y1 {
		p.Line(chartLeft, atY(c.limit), chartWide-chartRight, atY(c.limit), "class", "limit")
		p.Text(chartWide-chartRight, atY(c.limit)-5, c.name, "class", "limit")
	}
	return template.HTML(p.String()) //nolint:gosec // every text in it is escaped
}

func (c chart) xAxis(p *charts.Picture, x0, x1 float64, atX func(float64) float64) {
	if c.points {
		for _, d := range c.lines[0].dots {
			p.Text(atX(d.x), chartHigh-12, c.xText(d.x), "class", "x")
		}
		return
	}
	last := ""
	for i := range chartXLabels {
		x := x0 + (x1-x0)*float64(i)/(chartXLabels-1)
		text := c.xText(x)
		if text == last {
			continue
		}
		last = text
		anchor := []string{"start", "middle", "middle", "middle", "end"}[i]
		p.Text(atX(x), chartHigh-12, text, "class", "x", "style", "text-anchor:"+anchor)
	}
}

func (s series) draw(p *charts.Picture, atX, atY func(float64) float64, points bool) {
	var line [][2]float64
	for _, d := range s.dots {
		line = append(line, [2]float64{atX(d.x), atY(d.y)})
	}
	p.Lines(line, "class", "line "+s.class)
	for i, d := range s.dots {
		if s.high != nil {
			p.Line(atX(d.x), atY(s.low[i]), atX(d.x), atY(s.high[i]), "class", "span "+s.class)
		}
		if points {
			p.Dot(atX(d.x), atY(d.y), chartBreadth+1, "class", "dot "+s.class)
		}
	}
}
