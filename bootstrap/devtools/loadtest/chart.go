package loadtest

import (
	"fmt"
	"html/template"
	"math"
	"strings"
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

// SVG draws it. All that it writes are numbers and words of this package.
func (c chart) SVG() template.HTML {
	x0, x1, y1 := c.extent()
	atX := func(x float64) float64 { return chartLeft + (x-x0)/(x1-x0)*chartPlotWide }
	atY := func(y float64) float64 { return chartTop + (1-y/y1)*chartPlotHigh }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, chartWide, chartHigh, template.HTMLEscapeString(c.label))
	for i := range 5 {
		y := y1 * float64(i) / 4
		fmt.Fprintf(&b, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text class="y" x="%.0f" y="%.1f">%s</text>`,
			chartLeft, chartWide-chartRight, atY(y), atY(y), chartLeft-6, atY(y)+5, c.yText(y))
	}
	c.xAxis(&b, x0, x1, atX)
	for _, s := range c.lines {
		s.draw(&b, atX, atY, c.points)
	}
	if c.limit > 0 && c.limit <= y1 {
		fmt.Fprintf(&b, `<line class="limit" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text class="limit" x="%.0f" y="%.1f">%s</text>`,
			chartLeft, chartWide-chartRight, atY(c.limit), atY(c.limit), chartWide-chartRight, atY(c.limit)-5, c.name)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers, and words of this package
}

func (c chart) xAxis(b *strings.Builder, x0, x1 float64, atX func(float64) float64) {
	if c.points {
		for _, d := range c.lines[0].dots {
			fmt.Fprintf(b, `<text class="x" x="%.1f" y="%.0f">%s</text>`, atX(d.x), chartHigh-12, c.xText(d.x))
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
		fmt.Fprintf(b, `<text class="x" style="text-anchor:%s" x="%.1f" y="%.0f">%s</text>`, anchor, atX(x), chartHigh-12, text)
	}
}

func (s series) draw(b *strings.Builder, atX, atY func(float64) float64, points bool) {
	fmt.Fprintf(b, `<polyline class="line %s" points="`, s.class)
	for _, d := range s.dots {
		fmt.Fprintf(b, "%.1f,%.1f ", atX(d.x), atY(d.y))
	}
	b.WriteString(`"/>`)
	for i, d := range s.dots {
		if s.high != nil {
			fmt.Fprintf(b, `<line class="span %s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, s.class, atX(d.x), atX(d.x), atY(s.low[i]), atY(s.high[i]))
		}
		if points {
			fmt.Fprintf(b, `<circle class="dot %s" cx="%.1f" cy="%.1f" r="%.0f"/>`, s.class, atX(d.x), atY(d.y), chartBreadth+1)
		}
	}
}
