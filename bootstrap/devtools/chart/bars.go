package chart

import "slices"

// Bars is a picture of bars that lie below each other, with a row for each label.
type Bars struct {
	Label   string // what it shows, for those who cannot see it
	Title   string // above it; "": none
	Series  []string
	Rows    []Row
	Stacked bool                 // the series of a row are the parts of one bar, else each has its own
	Text    func(float64) string // a value for people
}

// Row has the values of each series. A value below 0 has no bar.
type Row struct {
	Label  string
	Values []float64
}

// The measures of a picture of bars.
const (
	barsWide, barsLeft, barsRight, barsTop = 760.0, 190.0, 90.0, 14.0
	thick, thin, between                   = 20.0, 11.0, 10.0
	legendRow, legendColumns               = 20.0, 3
)

// String draws it.
func (b Bars) String() string {
	rowHigh := thick
	if !b.Stacked {
		rowHigh = thin * float64(len(b.Series))
	}
	top := barsTop
	if b.Title != "" {
		top += 20
	}
	legend := float64((len(b.Series)+legendColumns-1)/legendColumns) * legendRow
	p := New(barsWide, top+legend+between+float64(len(b.Rows))*(rowHigh+between), b.Label)
	if b.Title != "" {
		p.Text(12, 22, b.Title, "font-size", 15, "font-weight", "bold", "fill", Ink)
	}
	for i, name := range b.Series {
		x, y := 12+float64(i%legendColumns)*(barsWide/legendColumns), top+float64(i/legendColumns)*legendRow
		p.Rect(x, y, 12, 12, "fill", colour(i))
		p.Text(x+18, y+11, name, "fill", Ink)
	}
	scale := (barsWide - barsLeft - barsRight) / max(b.most(), 1e-9)
	for i, row := range b.Rows {
		y := top + legend + between + float64(i)*(rowHigh+between)
		p.Text(barsLeft-8, y+rowHigh/2+5, row.Label, "text-anchor", "end", "fill", Ink)
		if b.Stacked {
			b.stack(p, row, y, scale)
		} else {
			b.group(p, row, y, scale)
		}
	}
	return p.String()
}

// most is the value of the longest bar.
func (b Bars) most() (most float64) {
	for _, row := range b.Rows {
		if b.Stacked {
			most = max(most, sum(row.Values))
		} else {
			most = max(most, slices.Max(row.Values))
		}
	}
	return most
}

func (b Bars) stack(p *Picture, row Row, y, scale float64) {
	x := barsLeft
	for s, value := range row.Values {
		if wide := value * scale; wide >= 0.5 {
			p.Bar(x, y, wide, thick, b.Series[s]+": "+b.Text(value), "fill", colour(s))
			x += wide
		}
	}
	p.Text(x+6, y+15, b.Text(sum(row.Values)), "fill", Ink)
}

func (b Bars) group(p *Picture, row Row, y, scale float64) {
	for s, value := range row.Values {
		if value < 0 {
			continue
		}
		top := y + thin*float64(s)
		p.Rect(barsLeft, top, value*scale, thin-1, "fill", colour(s))
		p.Text(barsLeft+value*scale+4, top+9, b.Text(value), "font-size", 10, "fill", Muted)
	}
}

func sum(values []float64) (total float64) {
	for _, value := range values {
		total += max(value, 0)
	}
	return total
}

func colour(series int) string { return Colours[series%len(Colours)] }
