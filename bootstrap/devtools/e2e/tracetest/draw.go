package tracetest

import (
	"slices"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/chart"
	"github.com/balsong/balsong/bootstrap/observe/otlp/otlptest"
)

// The measures of the picture.
const (
	wide, left, right, top  = 900.0, 290.0, 90.0, 30.0
	rowHigh, barHigh, least = 24.0, 14.0, 2.0
	pauseWide               = 34.0 // of a pause, however long it was
)

// services have the colours of series, in this order.
var services = []string{"balsong-batch", "balsong-dispatcher", "balsong-delivery", "balsong-settlement"}

// busy is a time in which some span of the trace was under way.
type busy struct {
	from, to uint64  // nanoseconds
	x        float64 // of from, in the picture
}

// Draw draws a trace as a picture: a line for each span, in the order of their start, which the spans must have. The pauses
// between the steps are short in it, and say how long they were.
func Draw(spans []otlptest.Span) string {
	times := busyTimes(spans)
	scale := layOut(times)
	at := func(nanos uint64) float64 {
		for i := len(times) - 1; i > 0; i-- {
			if nanos >= times[i].from {
				return times[i].x + float64(nanos-times[i].from)*scale
			}
		}
		return times[0].x + float64(nanos-times[0].from)*scale
	}
	high := top + rowHigh*float64(len(spans)) + 10
	p := chart.New(wide, high, "The trace of one bill, from its row to its settlement")
	for i, pause := range times[1:] {
		x := pause.x - pauseWide
		p.Rect(x, top-6, pauseWide, high-top, "fill", chart.Pale)
		p.Text(x+pauseWide/2, top-11, shown(time.Duration(pause.from-times[i].to)), "text-anchor", "middle", "font-size", 11, "fill", chart.Muted)
	}
	depth := map[string]int{}
	for i, s := range spans {
		if parent, has := depth[s.Parent()]; has {
			depth[s.ID()] = parent + 1
		} else {
			depth[s.ID()] = 0
		}
		y, x := top+rowHigh*float64(i), at(s.GetStartTimeUnixNano())
		width := max(at(s.GetEndTimeUnixNano())-x, least)
		p.Text(float64(10+14*depth[s.ID()]), y+12, s.GetName(), "fill", chart.Ink)
		p.Bar(x, y, width, barHigh, s.Service, "rx", 2, "fill", chart.Colours[slices.Index(services, s.Service)])
		p.Text(x+width+5, y+11, shown(time.Duration(s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano())), "font-size", 11, "fill", chart.Muted)
	}
	return p.String()
}

// busyTimes joins spans that overlap, or follow each other at once.
func busyTimes(spans []otlptest.Span) []busy {
	const atOnce = uint64(5 * time.Millisecond)
	times := []busy{{from: spans[0].GetStartTimeUnixNano(), to: spans[0].GetEndTimeUnixNano()}}
	for _, s := range spans[1:] {
		if last := &times[len(times)-1]; s.GetStartTimeUnixNano() <= last.to+atOnce {
			last.to = max(last.to, s.GetEndTimeUnixNano())
		} else {
			times = append(times, busy{from: s.GetStartTimeUnixNano(), to: s.GetEndTimeUnixNano()})
		}
	}
	return times
}

// layOut gives each time its place, and returns how wide a nanosecond is.
func layOut(times []busy) (scale float64) {
	total := uint64(0)
	for _, b := range times {
		total += b.to - b.from
	}
	scale = (wide - left - right - pauseWide*float64(len(times)-1)) / float64(max(total, 1))
	x := left
	for i := range times {
		times[i].x = x
		x += float64(times[i].to-times[i].from)*scale + pauseWide
	}
	return scale
}

// shown is a duration for people.
func shown(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(10 * time.Microsecond).String()
	}
}
