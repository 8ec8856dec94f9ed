// Package chart draws pictures as SVG: shapes, and bars. A picture that stands alone is on white; one in a page has the page's
// own style sheet.
package chart

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Colours of pictures that stand alone.
const (
	Ink   = "#17202b"
	Muted = "#475569"
	Grid  = "#d5dbe1"
	Pale  = "#f1f5f9"
)

// Colours are those of series, in the order in which they are given.
var Colours = []string{"#0f766e", "#b45309", "#4338ca", "#be123c", "#4d7c0f", "#7e22ce", "#0369a1", "#57534e"}

// Picture is a picture that is being drawn.
type Picture struct{ out strings.Builder }

// New begins a picture that stands alone, so many units wide and high. label says what it shows, for those who cannot see it.
func New(wide, high float64, label string) *Picture {
	p := InPage(wide, high, label, "xmlns", "http://www.w3.org/2000/svg", "font-family", "sans-serif", "font-size", 13)
	p.Rect(0, 0, wide, high, "fill", "#ffffff")
	return p
}

// InPage begins a picture that is part of an HTML page.
func InPage(wide, high float64, label string, attributes ...any) *Picture {
	p := &Picture{}
	p.out.WriteString("<svg")
	p.attributes(append([]any{"viewBox", "0 0 " + number(wide) + " " + number(high), "role", "img", "aria-label", label}, attributes...))
	p.out.WriteString(">\n")
	return p
}

// String ends the picture.
func (p *Picture) String() string { return p.out.String() + "</svg>\n" }

// Rect draws a rectangle. Attributes are names and values in turn.
func (p *Picture) Rect(x, y, wide, high float64, attributes ...any) {
	p.element("rect", "", append([]any{"x", x, "y", y, "width", wide, "height", high}, attributes...))
}

// Bar is a rectangle that says what it is where it is pointed at.
func (p *Picture) Bar(x, y, wide, high float64, title string, attributes ...any) {
	p.element("rect", "<title>"+escaped(title)+"</title>", append([]any{"x", x, "y", y, "width", wide, "height", high}, attributes...))
}

// Text writes a text whose foot is at y.
func (p *Picture) Text(x, y float64, text string, attributes ...any) {
	p.element("text", escaped(text), append([]any{"x", x, "y", y}, attributes...))
}

// Line draws a straight line.
func (p *Picture) Line(x1, y1, x2, y2 float64, attributes ...any) {
	p.element("line", "", append([]any{"x1", x1, "y1", y1, "x2", x2, "y2", y2}, attributes...))
}

// Dot draws a filled circle.
func (p *Picture) Dot(x, y, radius float64, attributes ...any) {
	p.element("circle", "", append([]any{"cx", x, "cy", y, "r", radius}, attributes...))
}

// Lines draws a line through points.
func (p *Picture) Lines(points [][2]float64, attributes ...any) {
	var list strings.Builder
	for i, at := range points {
		if i > 0 {
			list.WriteByte(' ')
		}
		list.WriteString(number(at[0]) + "," + number(at[1]))
	}
	p.element("polyline", "", append([]any{"points", list.String()}, attributes...))
}

func (p *Picture) element(name, content string, attributes []any) {
	p.out.WriteString("<" + name)
	p.attributes(attributes)
	if content == "" {
		p.out.WriteString("/>\n")
	} else {
		p.out.WriteString(">" + content + "</" + name + ">\n")
	}
}

func (p *Picture) attributes(list []any) {
	for i := 0; i+1 < len(list); i += 2 {
		value := fmt.Sprint(list[i+1])
		if n, is := list[i+1].(float64); is {
			value = number(n)
		}
		fmt.Fprintf(&p.out, ` %v="%s"`, list[i], escaped(value))
	}
}

// number is a measure to a tenth of a unit.
func number(n float64) string { return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) }

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a builder takes everything
	return out.String()
}
