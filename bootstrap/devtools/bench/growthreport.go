package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// The marks between which a page holds the growth's table, and where its picture lies beside the page.
const (
	growthBegin   = "<!-- growth: written by `balsong-dev bench growth --doc` -->"
	growthEnd     = "<!-- end of growth -->"
	growthPicture = "images/growth.svg"
)

// growthSteps are the statements of a row's life, each with its colour.
var growthSteps = []struct {
	name, colour string
	cost         func(GrowthPoint) Spread
}{
	{"page", "#0f766e", func(p GrowthPoint) Spread { return p.Page }},
	{"claim", "#b45309", func(p GrowthPoint) Spread { return p.Claim }},
	{"outcome", "#4338ca", func(p GrowthPoint) Spread { return p.Outcome }},
	{"settle", "#be123c", func(p GrowthPoint) Spread { return p.Settle }},
}

func printGrowth(out io.Writer, points []GrowthPoint) {
	rows := [][]any{{"rows of the month", "page", "claim", "outcome", "settle", "life", "of the smallest month"}}
	for _, p := range points {
		row := []any{fmt.Sprint(p.Rows)}
		for _, step := range growthSteps {
			row = append(row, step.cost(p).Median)
		}
		rows = append(rows, append(row, p.Life.Median, fmt.Sprintf("%.0f%%", 100*p.Share.Median)))
	}
	fmt.Fprintln(out)
	table(out, rows...)
	fmt.Fprintf(out, "\ngrowth: µs a row, the median of %d pages of %d rows, on one connection, in turn with a page of the smallest month; flat is up to %.0f%% of the smallest month\n", growthPages, growthPage, 100*growthFlat)
}

// growthMarkdown is the table for people.
func (r *Report) growthMarkdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %d cores, PostgreSQL %s (waits for the disk: %t); load before: %s. µs a row: median (least to most) of %d pages of %d rows on one connection, in turn with a page of the smallest month.\n",
		r.StartedAt.Format("2006-01-02"), r.Machine.Cores, r.Postgres, r.Durable, r.Machine.Load, growthPages, growthPage)
	out.WriteString("\n| rows of the month | page: lock, read, mark | claim | outcome | settle | life | of the smallest month's page in the same turn |\n|---|---|---|---|---|---|---|\n")
	for _, p := range r.Growth {
		fmt.Fprintf(&out, "| %d |", p.Rows)
		for _, step := range growthSteps {
			cost := step.cost(p)
			fmt.Fprintf(&out, " %s (%s–%s) |", figure(cost.Median), figure(cost.Min), figure(cost.Max))
		}
		verdict := "flat"
		if p.Share.Median > growthFlat {
			verdict = "**grows**"
		}
		fmt.Fprintf(&out, " %s | %.0f%%: %s |\n", figure(p.Life.Median), 100*p.Share.Median, verdict)
	}
	fmt.Fprintf(&out, "\n![Cost of a row over the rows of its month](%s)\n", growthPicture)
	return out.String()
}

// growthSVG draws the cost of each step over the size of the month, whose axis is logarithmic.
func (r *Report) growthSVG() string {
	const width, height, left, right, top, bottom = 760, 320, 60, 110, 20, 40
	highest := 1.0
	for _, p := range r.Growth {
		for _, step := range growthSteps {
			highest = max(highest, step.cost(p).Median)
		}
	}
	first, last := math.Log10(float64(r.Growth[0].Rows)), math.Log10(float64(r.Growth[len(r.Growth)-1].Rows))
	x := func(rows int) float64 {
		if last == first {
			return left
		}
		return left + (math.Log10(float64(rows))-first)/(last-first)*(width-left-right)
	}
	y := func(micros float64) float64 { return height - bottom - micros/(1.1*highest)*(height-top-bottom) }
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="Cost of a row, in µs, over the rows of its month">`+"\n", width, height)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for _, part := range []float64{0, 0.5, 1} {
		at := y(part * highest)
		fmt.Fprintf(&out, `<path d="M%d %.1fH%d" stroke="#d5dbe1"/><text x="%d" y="%.1f" text-anchor="end" fill="#17202b">%s µs</text>`+"\n", left, at, width-right, left-8, at+4, figure(part*highest))
	}
	for _, p := range r.Growth {
		fmt.Fprintf(&out, `<text x="%.1f" y="%d" text-anchor="middle" fill="#17202b">%g M</text>`+"\n", x(p.Rows), height-bottom+20, float64(p.Rows)/1e6)
	}
	for _, step := range growthSteps {
		var line strings.Builder
		for i, p := range r.Growth {
			fmt.Fprintf(&line, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x(p.Rows), y(step.cost(p).Median))
			fmt.Fprintf(&out, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`+"\n", x(p.Rows), y(step.cost(p).Median), step.colour)
		}
		end := r.Growth[len(r.Growth)-1]
		fmt.Fprintf(&out, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n",
			line.String(), step.colour, x(end.Rows)+10, y(step.cost(end).Median)+4, step.colour, step.name)
	}
	return out.String() + "</svg>\n"
}
