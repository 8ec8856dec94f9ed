package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/balsong/balsong/bootstrap/devtools/chart"
	"github.com/balsong/balsong/bootstrap/devtools/docpage"
)

// pictures are where the pictures of runs lie beside the page.
var pictures = map[string]string{All: "images/stages.svg", Growth: "images/growth.svg"}

// place is where a page has what a run of this kind measured. A run of one stage of the table alone has none there: the others
// would be lost. docpage.ErrNoPlace.
func place(what string) (docpage.Part, error) {
	part := docpage.Part{Name: what, Command: "balsong-dev bench " + what + " --doc"}
	switch what {
	case All:
		part.Name = "measured"
		return part, nil
	case Growth, Whole, Life, Budget, Inquiries, Migrations:
		return part, nil
	default:
		return part, fmt.Errorf("%w: it is for what `%s`, `%s`, `%s`, `%s`, `%s`, `%s` and `%s` measure, not for `%s`", docpage.ErrNoPlace, All, Growth, Whole, Life, Budget, Inquiries, Migrations, what)
	}
}

// CanDocument tells whether a page has a place for what a run measures. docpage.ErrNoPlace.
func CanDocument(what, page string) error {
	part, err := place(what)
	if err != nil {
		return err
	}
	return part.In(page)
}

// Document writes what a run measured into a page, between the marks of such a run, and its picture beside the page. docpage.ErrNoPlace.
func (r *Report) Document(page string) error {
	part, err := place(r.What)
	if err != nil {
		return err
	}
	var text strings.Builder
	r.write(&text, markdown)
	name, drawn := pictures[r.What]
	if drawn {
		fmt.Fprintf(&text, "\n![Time of a row, by what took it](%s)\n", name)
	}
	if err := part.Write(page, text.String()); err != nil || !drawn {
		return err
	}
	return docpage.WritePicture(page, name, r.picture())
}

// markdown writes a table of a page.
func markdown(out io.Writer, rows ...[]any) {
	for i, row := range rows {
		for _, cell := range row {
			fmt.Fprintf(out, "| %s ", written(cell))
		}
		fmt.Fprintln(out, "|")
		if i == 0 {
			fmt.Fprintln(out, strings.Repeat("|---", len(row))+"|")
		}
	}
}

// picture draws the processor time of a row in each stage as a bar, by process, as SVG.
func (r *Report) picture() string {
	used := map[string]bool{}
	for _, s := range r.Stages {
		for name, micros := range s.MicrosPerRow {
			if micros >= 0.5 { // less is not seen
				used[name] = true
			}
		}
	}
	bars := chart.Bars{
		Label: "Time of a row, in µs, by what took it", Series: slices.Sorted(maps.Keys(used)), Stacked: true,
		Text: func(micros float64) string { return figure(micros) + " µs" },
	}
	for _, s := range r.Stages {
		row := chart.Row{Label: s.Name}
		for _, name := range bars.Series {
			row.Values = append(row.Values, s.MicrosPerRow[name])
		}
		bars.Rows = append(bars.Rows, row)
	}
	return bars.String()
}
