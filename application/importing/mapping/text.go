package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Text writes a proposal as a mapping file with comments, for people to read and edit. It holds names and words of the file's
// columns and no values of its rows: it is stored with the month as it is.
func (p Proposal) Text(file string) []byte {
	w := &writing{}
	m := p.Mapping
	w.line("# How the columns of %s become billing data. Written by `batch import --look`; change what is wrong.", quoted(file))
	w.line("# Use it: batch import --month MONTH --mapping THIS_FILE %s", quoted(file))
	w.line("# A %q is for you to fill in: nothing is imported before.", Unknown)
	w.line("version: %d", m.Version)
	w.line("file:")
	w.line("  encoding: %s", scalar(cmp.Or(m.File.Encoding, "utf-8")))
	w.line("  separator: %s  # comma, semicolon, tab or bar", scalar(cmp.Or(m.File.Separator, "comma")))
	w.line("  header_rows: %d  # the header is the first line that has all columns named below", max(m.File.HeaderRows, 1))
	w.setting("decimal", cmp.Or(m.Decimal, "point"), "point or comma: what stands before the decimal digits", p)
	w.setting("dates", cmp.Or(m.Dates, "ymd"), "ymd, dmy or mdy; excel for numbers of days", p)
	w.setting("calling_code", m.CallingCode, "of phone numbers without one; 82 also gives 1012345678 its 0 back", p)
	w.setting("one_bill", cmp.Or(m.OneBill, "row"), "row: each row is a bill; customer: the rows of a customer are one", p)
	if len(m.Constants) > 0 {
		w.line("constants:  # the same in every bill")
		for _, name := range sortedKeys(m.Constants) {
			w.commented(fmt.Sprintf("  %s: %s", name, scalar(m.Constants[name])), p.comment(name))
		}
	}
	w.line("columns:  # from: the file's column (or several, joined); to: a column of docs/contract/billing-csv.md, or fields.NAME for templates")
	for _, c := range m.Columns {
		w.column(c, p)
	}
	if len(m.Items) > 0 {
		w.line("items:  # the lines of the bill: name is a column, text the name itself")
		for _, item := range m.Items {
			w.item(item)
		}
	}
	if len(m.SkipRows) > 0 {
		w.line("skip_rows:  # rows with one of these words in this column are no bills")
		for _, name := range sortedKeys(m.SkipRows) {
			w.line("  %s: %s", scalar(name), list(m.SkipRows[name]))
		}
	}
	if len(m.Ignored) > 0 {
		w.line("ignored:  # left out on purpose")
		for _, name := range m.Ignored {
			w.line("  - %s", scalar(name))
		}
	}
	return w.out.Bytes()
}

func quoted(file string) string { return strings.Join(strings.Fields(file), " ") }

// comment says why something is as it is, or what is asked.
func (p Proposal) comment(about string) string {
	for _, q := range p.Questions {
		if q.About == about {
			if slices.Contains([]string{"dates", "decimal"}, about) {
				return "which one?" // the reason shows a value of the file
			}
			return q.Reason
		}
	}
	return p.Why[about]
}

type writing struct{ out bytes.Buffer }

func (w *writing) line(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

func (w *writing) commented(text, comment string) {
	if comment != "" {
		text += "  # " + comment
	}
	w.line("%s", text)
}

func (w *writing) setting(name, value, help string, p Proposal) {
	if why := p.comment(name); why != "" {
		help += " (" + why + ")"
	}
	w.commented(name+": "+scalar(value), help)
}

func (w *writing) column(c Column, p Proposal) {
	from := scalar(c.From[0])
	if len(c.From) > 1 {
		from = list(c.From)
	}
	w.commented("  - from: "+from, p.comment(c.To))
	w.line("    to: %s", scalar(c.To))
	if c.Join != nil {
		w.line("    join: %s", text(*c.Join))
	}
	if c.Split != "" {
		w.line("    split: %s", text(c.Split))
		w.line("    part: %d", c.Part)
	}
	if c.Digits > 0 {
		w.line("    digits: %d", c.Digits)
	}
	if len(c.MinusWhere) > 0 {
		w.line("    minus_where:  # rows with one of these words are credits")
		for _, name := range sortedKeys(c.MinusWhere) {
			w.line("      %s: %s", scalar(name), list(c.MinusWhere[name]))
		}
	}
	if c.CallingCodeFrom != "" {
		w.line("    calling_code_from: %s  # the calling code of each number", scalar(c.CallingCodeFrom))
	}
	if c.Default != "" {
		w.line("    default: %s", scalar(c.Default))
	}
	for _, o := range [][2]string{{"dates", c.Dates}, {"decimal", c.Decimal}} {
		if o[1] != "" {
			w.line("    %s: %s", o[0], scalar(o[1]))
		}
	}
	if len(c.Values) > 0 {
		w.line("    values:")
		for _, name := range sortedKeys(c.Values) {
			w.line("      %s: %s", text(name), scalar(c.Values[name]))
		}
	}
}

func (w *writing) item(item Item) {
	first := "  - "
	for _, entry := range [][2]string{{"name", item.Name}, {"text", item.Text}, {"amount", item.Amount}, {"times", item.Times}} {
		if entry[1] != "" {
			w.line("%s%s: %s", first, entry[0], scalar(entry[1]))
			first = "    "
		}
	}
	if item.Skip0 {
		w.line("    skip_zero: true  # no line for nothing")
	}
}

var (
	plainScalar = regexp.MustCompile(`^\p{L}[\p{L}\p{Nd}_./-]*( [\p{L}\p{Nd}_./-]+)*$`)
	reserved    = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
)

// scalar writes a text for YAML, in quotes where it needs them.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	return text(s)
}

// text writes a text in double quotes, which JSON and YAML read alike.
func text(s string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string, into memory
	return strings.TrimSuffix(out.String(), "\n")
}

func list(names []string) string {
	said := make([]string, len(names))
	for i, name := range names {
		said[i] = text(name)
	}
	return "[" + strings.Join(said, ", ") + "]"
}
