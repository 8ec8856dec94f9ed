package generate

import (
	"bytes"
	"fmt"
)

// chart is a picture of bars, a group for each label and a bar for each series. Values are shares of 10,000; a
// negative one has no bar. All its arithmetic is in integers: the same picture on every machine.
type chart struct {
	title  string
	series []string
	labels []string
	values [][]int // by label, by series
}

func (c *chart) add(label string, values ...int) {
	c.labels, c.values = append(c.labels, label), append(c.values, values)
}

var chartColours = []string{"#5b7083", "#d9822b", "#2b8a6e"}

// Sizes of a picture, in pixels.
const (
	chartWidth, chartLeft, chartRight = 760, 190, 70
	chartTop, barHeight, groupGap     = 64, 11, 8
)

func (c *chart) svg() []byte {
	highest := 1
	for _, values := range c.values {
		for _, value := range values {
			highest = max(highest, value)
		}
	}
	group := len(c.series)*barHeight + groupGap
	height := chartTop + len(c.labels)*group + 10
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n"+`<text x="12" y="22" font-size="15" font-weight="bold" fill="#222222">%s</text>`+"\n", c.title)
	for i, name := range c.series {
		fmt.Fprintf(&out, `<rect x="%d" y="36" width="11" height="11" fill="%s"/><text x="%d" y="46" fill="#222222">%s</text>`+"\n", 12+i*240, chartColours[i], 29+i*240, name)
	}
	for i, label := range c.labels {
		top := chartTop + i*group
		fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="end" fill="#222222">%s</text>`+"\n", chartLeft-8, top+len(c.series)*barHeight/2+4, label)
		for s, value := range c.values[i] {
			if value < 0 {
				continue
			}
			width := value * (chartWidth - chartLeft - chartRight) / highest
			y := top + s*barHeight
			fmt.Fprintf(&out, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="%d" font-size="10" fill="#555555">%d.%02d %%</text>`+"\n",
				chartLeft, y, width, barHeight-1, chartColours[s], chartLeft+width+4, y+9, value/100, value%100)
		}
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}
