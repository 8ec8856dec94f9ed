package tracetest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/balsong/balsong/bootstrap/observe/otlp/otlptest"
)

// The measures of the picture.
const (
	wide, left, right, top  = 900.0, 290.0, 90.0, 30.0
	rowHigh, barHigh, least = 24.0, 14.0, 2.0
	pauseWide               = 34.0 // of a pause, however long it was
)

var colours = map[string]string{"balsong-batch": "#0f766e", "balsong-dispatcher": "#b45309", "balsong-delivery": "#4338ca", "balsong-settlement": "#be185d"}

// busy is a time in which some span of the trace was under way.
type busy struct {
	from, to uint64  // nanoseconds
	x        float64 // of from, in the picture
}

// Draw draws a trace as a picture: a line for each span, in the order of their start, which the spans must have. The pauses
// between the steps are short in it, and say how long they were.
func Draw(spans []otlptest.Span) []byte {
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
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="13" role="img" aria-label="The trace of one bill, from its row to its settlement">`+"\n", wide, high)
	fmt.Fprintf(&out, `<rect width="%g" height="%g" fill="#ffffff"/>`+"\n", wide, high)
	for i, pause := range times[1:] {
		x := pause.x - pauseWide
		fmt.Fprintf(&out, `<rect x="%.1f" y="%g" width="%g" height="%g" fill="#f1f5f9"/><text x="%.1f" y="%g" text-anchor="middle" font-size="11" fill="#475569">%s</text>`+"\n",
			x, top-6, pauseWide, high-top, x+pauseWide/2, top-11, shown(time.Duration(pause.from-times[i].to)))
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
		fmt.Fprintf(&out, `<text x="%d" y="%.1f" fill="#17202b">%s</text>`, 10+14*depth[s.ID()], y+12, s.GetName())
		fmt.Fprintf(&out, `<rect x="%.1f" y="%.1f" width="%.1f" height="%g" rx="2" fill="%s"><title>%s</title></rect>`, x, y, width, barHigh, colours[s.Service], s.Service)
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f" font-size="11" fill="#475569">%s</text>`+"\n", x+width+5, y+11,
			shown(time.Duration(s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano())))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
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
