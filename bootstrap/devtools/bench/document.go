package bench

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The marks between which a page holds what was measured.
const (
	docBegin = "<!-- measured: written by `balsong-dev bench all --doc` -->"
	docEnd   = "<!-- end of measured -->"
	runBegin = "<!-- %[1]s: written by `balsong-dev bench %[1]s --doc` -->"
	runEnd   = "<!-- end of %s -->"
)

// ErrDocument is wrapped where a page cannot take the table.
var ErrDocument = errors.New("the page cannot take the table")

// pictures are where the pictures of runs lie beside the page.
var pictures = map[string]string{All: "images/stages.svg", Growth: "images/growth.svg"}

// marks are those between which a page holds what a run of this kind measured. A run of one stage of the table alone has no
// place there: the others would be lost.
func marks(what string) (begin, end string, err error) {
	switch what {
	case All:
		return docBegin, docEnd, nil
	case Growth, Whole, Life:
		return fmt.Sprintf(runBegin, what), fmt.Sprintf(runEnd, what), nil
	default:
		return "", "", fmt.Errorf("%w: it has places for what `%s`, `%s`, `%s` and `%s` measure, not for `%s`", ErrDocument, All, Growth, Whole, Life, what)
	}
}

// around cuts a page at the marks of a kind of run.
func around(what, page string) (before, after string, err error) {
	begin, end, err := marks(what)
	if err != nil {
		return "", "", err
	}
	content, err := os.ReadFile(page)
	if err != nil {
		return "", "", err
	}
	before, rest, begun := strings.Cut(string(content), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", "", fmt.Errorf("%w: %s has no %s and behind it %s", ErrDocument, page, begin, end)
	}
	return before + begin + "\n", end + after, nil
}

// CanDocument tells whether a page has a place for what a run measures. ErrDocument.
func CanDocument(what, page string) error {
	_, _, err := around(what, page)
	return err
}

// Document writes what a run measured into a page, between the marks of such a run, and its picture beside the page. ErrDocument.
func (r *Report) Document(page string) error {
	before, after, err := around(r.What, page)
	if err != nil {
		return err
	}
	var text strings.Builder
	r.write(&text, markdown)
	if picture, drawn := pictures[r.What]; drawn {
		fmt.Fprintf(&text, "\n![Time of a row, by what took it](%s)\n", picture)
		file := filepath.Join(filepath.Dir(page), filepath.FromSlash(picture))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(r.picture()), 0o644)); err != nil {
			return err
		}
	}
	return os.WriteFile(page, []byte(before+text.String()+after), 0o644)
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

// The picture's measures, in pixels, and its colours, one a process.
const (
	pictureWidth, pictureLabel, pictureRow, pictureBar = 760, 110, 40, 20
)

var pictureColours = []string{"#0f766e", "#b45309", "#4338ca", "#be123c", "#4d7c0f", "#7e22ce", "#0369a1", "#57534e"}

// picture draws the processor time of a row in each stage as a bar, by process, as SVG.
func (r *Report) picture() string {
	longest, colours := 1.0, r.colours()
	for _, s := range r.Stages {
		longest = max(longest, Total(s.MicrosPerRow))
	}
	var out strings.Builder
	names := slices.Sorted(maps.Keys(colours))
	height := pictureRow*len(r.Stages) + 40 + 20*((len(names)+3)/4)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="Time of a row, in µs, by what took it">`+"\n",
		pictureWidth, height)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", pictureWidth, height)
	for i, s := range r.Stages {
		y, x := 10+i*pictureRow, float64(pictureLabel)
		fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="end" fill="#17202b">%s</text>`+"\n", pictureLabel-8, y+15, escaped(s.Name))
		for _, name := range names {
			width := s.MicrosPerRow[name] / longest * (pictureWidth - pictureLabel - 80)
			if width < 0.5 {
				continue
			}
			fmt.Fprintf(&out, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s: %s µs</title></rect>`+"\n",
				x, y, width, pictureBar, colours[name], escaped(name), figure(s.MicrosPerRow[name]))
			x += width
		}
		fmt.Fprintf(&out, `<text x="%.1f" y="%d" fill="#17202b">%s µs</text>`+"\n", x+6, y+15, figure(Total(s.MicrosPerRow)))
	}
	for i, name := range names {
		x, y := 10+(i%4)*(pictureWidth/4), pictureRow*len(r.Stages)+20+20*(i/4)
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/><text x="%d" y="%d" fill="#17202b">%s</text>`+"\n", x, y, colours[name], x+18, y+11, escaped(name))
	}
	return out.String() + "</svg>\n"
}

// colours gives each process that used anything worth seeing a colour.
func (r *Report) colours() map[string]string {
	given := map[string]string{}
	for _, s := range r.Stages {
		for _, name := range slices.Sorted(maps.Keys(s.MicrosPerRow)) {
			if _, has := given[name]; !has && s.MicrosPerRow[name] >= 0.5 {
				given[name] = pictureColours[len(given)%len(pictureColours)]
			}
		}
	}
	return given
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a builder takes everything
	return out.String()
}
