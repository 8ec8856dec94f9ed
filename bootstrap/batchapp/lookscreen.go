package batchapp

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/wording"
)

// Bounds of one screen.
const (
	shownValue  = 36 // columns of the terminal
	shownFields = 8
	shownBefore = 4
)

// print shows what a look found, on one screen.
func (d *lookDocument) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", d.File, strings.Join(d.shape(), " · "))
	for _, line := range d.Before[:min(len(d.Before), shownBefore)] {
		fmt.Fprintf(w, "  not the header: %s\n", shown(line, 2*shownValue))
	}
	if n := len(d.Before) - shownBefore; n > 0 {
		fmt.Fprintf(w, "  and %s more before it\n", progress.Counted(n, "line", "lines"))
	}
	d.printColumns(w)
	for _, name := range slices.Sorted(maps.Keys(d.Settings)) {
		why := ""
		if d.Reasons[name] != "" {
			why = "  (" + d.Reasons[name] + ")"
		}
		fmt.Fprintf(w, "  %s: %s%s\n", name, d.Settings[name], why)
	}
	if len(d.LeftOut) > 0 {
		fmt.Fprintf(w, "left out: %s\n", shown(strings.Join(d.LeftOut, ", "), 6*shownValue))
	}
	for _, note := range d.Notes {
		fmt.Fprintf(w, "note: %s\n", shown(note, 10*shownValue))
	}
	if d.Tried > 0 {
		fmt.Fprintf(w, "tried: %s, %s of them %s\n", progress.Counted(d.Tried, "row", "rows"), progress.Thousands(d.Good), wording.Form(d.Good, "makes a bill", "make bills"))
	}
	for _, fault := range d.Faults {
		fmt.Fprintf(w, "  %s\n", shown(fault, 4*shownValue))
	}
	for _, remark := range d.Remarks {
		fmt.Fprintf(w, "  remark: %s\n", shown(remark, 4*shownValue))
	}
	for _, q := range d.Questions {
		fmt.Fprintf(w, "to decide: %s: %s\n    %s\n", q.About, shown(q.Reason, 4*shownValue), strings.Join(q.Answer, "   or   "))
	}
	switch {
	case d.Canonical:
		fmt.Fprintln(w, "it needs no mapping")
	case d.Written:
		fmt.Fprintf(w, "the mapping is in %s: look at it, change what is wrong\n", d.Mapping)
	}
	if len(d.Questions) > 0 {
		fmt.Fprintln(w, "then say what is to be decided there, or with these flags, and:")
	}
	fmt.Fprintf(w, "next: %s\n", d.Next)
}

// shape says how the file is written.
func (d *lookDocument) shape() []string {
	said := []string{fmt.Sprintf("%s (%s)", d.Encoding, d.Why), "separator " + d.Separator}
	if d.Packing != "" {
		said = append([]string{d.Packing}, said...)
	}
	switch len(d.Header) {
	case 1:
		said = append(said, fmt.Sprintf("header on line %d", d.Header[0]))
	case 2:
		said = append(said, fmt.Sprintf("header on lines %d and %d", d.Header[0], d.Header[1]))
	}
	switch {
	case d.Rows > 0 && d.Exact:
		said = append(said, progress.Counted(d.Rows, "row", "rows"))
	case d.Rows > 0:
		said = append(said, "about "+progress.Thousands(d.Rows)+" rows")
	}
	return said
}

func (d *lookDocument) printColumns(w io.Writer) {
	rows := [][]string{{"BILL", "FILE", "VALUE IN THE FILE → IN THE BILL", "KNOWN BY"}}
	fields := 0
	for _, c := range d.Columns {
		if strings.HasPrefix(c.To, mapping.FieldPrefix) {
			if fields++; fields > shownFields {
				continue
			}
		}
		samples := make([]string, len(c.Samples))
		for i, s := range c.Samples {
			samples[i] = shown(s[0], shownValue)
			if s[0] != s[1] {
				samples[i] = strings.TrimPrefix(samples[i]+" → ", " → ") + shown(s[1], shownValue)
			}
		}
		rows = append(rows, []string{c.To, shown(c.From, shownValue), strings.Join(samples, " | "), c.Why})
	}
	widths := make([]int, 3)
	for _, row := range rows {
		for i := range widths {
			widths[i] = min(max(widths[i], columnsOf(row[i])), 60)
		}
	}
	for _, row := range rows {
		line := "  "
		for i := range widths {
			line += row[i] + strings.Repeat(" ", max(widths[i]-columnsOf(row[i]), 0)+2)
		}
		fmt.Fprintln(w, strings.TrimRight(line+row[3], " "))
	}
	if fields > shownFields {
		fmt.Fprintf(w, "  and %d more for templates\n", fields-shownFields)
	}
}

// shown is a text of the file on a terminal: on one line, without control characters, and not too long.
func shown(text string, most int) string {
	var out strings.Builder
	used := 0
	for _, c := range text {
		if bill.Unprintable(c) {
			c = '·'
		}
		if used += columnsOf(string(c)); used > most {
			return out.String() + "…"
		}
		out.WriteRune(c)
	}
	return out.String()
}

// columnsOf is how many columns of a terminal a text takes: Hangul takes two each.
func columnsOf(text string) (n int) {
	for _, c := range text {
		switch width.LookupRune(c).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
