package importing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// lookedRows is how many rows a look takes into account at most.
const lookedRows = 1000

// Looked is what a look at the beginning of a file found.
type Looked struct {
	Sample       billfile.Sample
	Size         int64 // of the file as it lies there
	Separator    string
	HeaderLine   int      // the line of the header's first row; 0: none was found
	HeaderRows   int      // 1 or 2
	Before       []string // what the lines before the header are, each with its number
	Names        []string // of the file's columns
	Canonical    bool     // it needs no mapping
	Unterminated bool     // its last line has no line break

	Proposal mapping.Proposal
	Columns  []LookedColumn
	Rows     int // rows that were tried
	Good     int // of them bills
	Faults   []string
	Remarks  []LookedRemark // of the rows that make bills
}

// LookedRemark is what is doubtful about some of the first rows.
type LookedRemark struct {
	Text string
	Line int // the first of them
	Rows int
}

// LookedColumn is a column of billing data with what the first rows make of it.
type LookedColumn struct {
	To, From, Why string
	Samples       []LookedValue
}

// LookedValue is a value as the file has it, and as the bill has it.
type LookedValue struct{ Before, After string }

// LookOptions say how a look is taken.
type LookOptions struct {
	Table   *mapping.NameTable
	Answers mapping.Answers
	Mapping *mapping.Mapping // try this one; nil: propose one
}

// CheckMapping returns what is wrong with a mapping, whatever the file.
func CheckMapping(m mapping.Mapping) []mapping.Problem { return m.Check(Columns, requiredColumns) }

// Look reads the beginning of a file, and never more than a bounded part of it, and says what it is: its encoding, separator and
// header, and which mapping would make bills of it. billfile.ErrRefused if it is no text; ErrHeader if it has no header.
func Look(file io.ReadSeeker, f File, o LookOptions) (l Looked, err error) {
	if l.Sample, err = billfile.Begin(file, f.Encoding); err != nil {
		return l, fmt.Errorf("look at %s: %w", f.Name, err)
	}
	if l.Size, err = file.Seek(0, io.SeekEnd); err != nil {
		return l, err
	}
	l.unterminated(file)
	if o.Mapping != nil {
		l.Separator = separatorName(o.Mapping.File.SeparatorByte())
		l.Proposal.Mapping = *o.Mapping
		l.Proposal.Mapping.Apply(o.Answers)
		return l, l.try(f)
	}
	head, err := newSplitter(bytes.NewReader(l.Sample.Text)).header(billfile.UTF8)
	if err == nil && len(head.unknown) == 0 && len(o.Answers.Columns)+len(o.Answers.Set) == 0 {
		l.Canonical, l.Separator, l.HeaderLine, l.HeaderRows, l.Names = true, "comma", 1, 1, head.names
		return l, l.tryCanonical(head)
	}
	separator, rows := l.split()
	l.Separator = separatorName(separator)
	found, ok := mapping.FindHeader(rows, o.Table)
	if !ok {
		return l, fmt.Errorf("look at %s: %w: none of its first rows names columns; put one line with names above the data", f.Name, ErrHeader)
	}
	l.HeaderLine, l.HeaderRows, l.Names = rows[found.Row].Line, found.Rows, found.Names
	for _, row := range rows[:found.Row] {
		l.Before = append(l.Before, fmt.Sprintf("line %d: %s", row.Line, strings.TrimSpace(strings.Join(row.Fields, " "))))
	}
	format := mapping.Format{Encoding: string(l.Sample.Encoding), Separator: l.Separator, HeaderRows: found.Rows}
	l.Proposal = mapping.Propose(found, rows[found.Row+found.Rows:], format, o.Table, requiredColumns, o.Answers)
	return l, l.try(f)
}

func separatorName(c byte) string {
	return map[byte]string{',': "comma", ';': "semicolon", '\t': "tab", '|': "bar"}[c]
}

// split splits the sample at the separator with which it looks most like a table, or at the one that its first line names.
func (l *Looked) split() (separator byte, rows []mapping.Row) {
	text := l.Sample.Text
	if line, _, _ := bytes.Cut(text, []byte{'\n'}); bytes.HasPrefix(bytes.ToLower(line), []byte("sep=")) {
		if line = bytes.TrimRight(line[len("sep="):], "\r"); len(line) == 1 && separatorName(line[0]) != "" {
			rows = sampleRows(text, line[0])
			return line[0], rows[1:]
		}
	}
	best := -1
	for _, c := range []byte{',', ';', '\t', '|'} {
		if tried := sampleRows(text, c); len(tried) > 0 {
			if score := mapping.Score(tried); score > best {
				separator, rows, best = c, tried, score
			}
		}
	}
	return separator, rows
}

// sampleRows splits a text into rows; blank and malformed ones are left out.
func sampleRows(text []byte, separator byte) (rows []mapping.Row) {
	lines := newSplitterAt(bytes.NewReader(text), separator)
	lines.loose, lines.formula = true, true
	for len(rows) < lookedRows {
		next, err := lines.next()
		if err != nil {
			break
		}
		if row := (mapping.Row{Line: next.line, Fields: textsOf(next.fields)}); next.problem == "" && strings.TrimSpace(strings.Join(row.Fields, "")) != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

// unterminated finds out whether the last line of a file has a line break, where that is one step away.
func (l *Looked) unterminated(file io.ReadSeeker) {
	if l.Sample.Whole {
		l.Unterminated = l.Sample.Text[len(l.Sample.Text)-1] != '\n'
		return
	}
	last := make([]byte, 1)
	if _, err := file.Seek(-1, io.SeekEnd); err == nil && l.Sample.Packing == billfile.Plain && l.Sample.Encoding != billfile.UTF16LE {
		if _, err := io.ReadFull(file, last); err == nil {
			l.Unterminated = last[0] != '\n'
		}
	}
}

// About is how many rows the file has, as far as its size says; 0 where it does not say.
func (l *Looked) About() (rows int, exact bool) {
	lines := bytes.Count(l.Sample.Text, []byte{'\n'})
	switch {
	case l.Sample.Whole:
		if l.Unterminated {
			lines++
		}
		return max(lines-l.HeaderLine-l.HeaderRows+1, 0), true
	case l.Sample.Packing != billfile.Plain || lines == 0:
		return 0, false
	default:
		return int(l.Size * int64(lines) / int64(l.Sample.Bytes)), false
	}
}

// try makes bills of the first rows as an import does, and keeps samples of each column.
func (l *Looked) try(f File) error {
	draft, open := drafted(l.Proposal.Mapping)
	if len(draft.Columns) == 0 {
		return nil
	}
	rows := newRows(&Source{rows: bytes.NewReader(l.Sample.Text), file: File{Mapping: &draft}})
	head, err := rows.header(billfile.UTF8)
	if err != nil {
		return fmt.Errorf("look at %s: %w", f.Name, err)
	}
	for i, name := range rows.made.Columns() {
		from := fromOf(draft, name)
		l.Columns = append(l.Columns, LookedColumn{To: name, From: from, Why: l.Proposal.Why[name]})
		if slices.Contains(open, name) {
			l.Columns[i].Why = "to be decided"
		}
	}
	return l.each(rows, head, open)
}

// each takes the first rows one by one.
func (l *Looked) each(rows *billRows, head header, open []string) error {
	rules := Rules{Month: key.Month(2026*12 + 10), NotBefore: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Zone: time.UTC}
	var zones port.Zones
	for l.Rows < lookedRows {
		next, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("look at its rows: %w", err)
		}
		if head.isBlank(next) {
			continue
		}
		l.Rows++
		made := rows.canonical(next)
		if made.problem == "" {
			l.keep(rows, next, made, open)
		}
		l.judge(made, head, &zones, rules, open)
	}
	return nil
}

// tryCanonical makes bills of the first rows of a canonical file.
func (l *Looked) tryCanonical(head header) error {
	rows := newRows(&Source{rows: bytes.NewReader(l.Sample.Text)})
	if _, err := rows.header(billfile.UTF8); err != nil || head.refused {
		return err
	}
	for _, name := range head.names {
		l.Columns = append(l.Columns, LookedColumn{To: name, From: name})
	}
	return l.each(rows, head, nil)
}

// judge says whether a row makes a bill. What is still to be decided does not count.
func (l *Looked) judge(made record, head header, zones *port.Zones, rules Rules, open []string) {
	reading := row{header: head, zones: zones, fields: made.fields, wrong: made.faults}
	_, wrong := reading.bill(rules)
	if made.problem != "" {
		wrong = faults{{"", made.problem}}
	}
	wrong = slices.DeleteFunc(slices.Clone(wrong), func(f fault) bool {
		return slices.Contains(open, f.field) || slices.Contains(open, colCurrency) && (f.field == colAmount || f.field == colItems || f.field == colBilledBefore)
	})
	// A wrong address is among the remarks and costs no bill, unless the mapping itself cannot make one.
	costs := func(f fault) bool { return !slices.Contains(destinationColumns(), f.field) || slices.Contains(made.faults, f) }
	if !slices.ContainsFunc(wrong, costs) {
		l.Good++
		for _, remark := range reading.remarks {
			if remark.Field != colDueDate { // the look knows of no month
				l.remark(strings.TrimSpace(remark.Field+" "+remark.Text), made.line)
			}
		}
		return
	}
	if len(l.Faults) < 5 {
		l.Faults = append(l.Faults, fmt.Sprintf("line %d: %s", made.line, Refusal{Field: wrong.fields(), Reason: wrong.reasons()}.Text()))
	}
}

// remark counts what is doubtful.
func (l *Looked) remark(text string, line int) {
	at := slices.IndexFunc(l.Remarks, func(r LookedRemark) bool { return r.Text == text })
	if at < 0 {
		at = len(l.Remarks)
		l.Remarks = append(l.Remarks, LookedRemark{Text: text, Line: line})
	}
	l.Remarks[at].Rows++
}

// drafted is a mapping without what is still to be decided, and the columns that it lacks for that.
func drafted(m mapping.Mapping) (draft mapping.Mapping, open []string) {
	draft = m
	draft.Columns, draft.Constants = nil, map[string]string{}
	for _, c := range m.Columns {
		if slices.Contains(c.From, mapping.Unknown) {
			open = append(open, c.To)
			continue
		}
		draft.Columns = append(draft.Columns, c)
	}
	for name, value := range m.Constants {
		if value == mapping.Unknown {
			open = append(open, name)
			continue
		}
		draft.Constants[name] = value
	}
	if m.Dates == mapping.Unknown {
		draft.Dates, open = "", append(open, colDueDate)
	}
	if m.Decimal == mapping.Unknown {
		draft.Decimal, open = "", append(open, colAmount, colItems, colBilledBefore)
	}
	slices.Sort(open)
	return draft, open
}

// fromOf says where a column of billing data comes from.
func fromOf(m mapping.Mapping, to string) string {
	for _, c := range m.Columns {
		if c.To == to {
			return strings.Join(c.From, " + ")
		}
	}
	if to == colItems {
		var names []string
		for _, item := range m.Items {
			names = append(names, strings.TrimPrefix(item.Name+" "+item.Amount, " "))
		}
		return strings.Join(names, ", ")
	}
	return "always"
}

// keptSamples is how many samples a look keeps of each column.
const keptSamples = 2

// keep takes samples: the first value, and one that was changed in another way.
func (l *Looked) keep(rows *billRows, next, made record, open []string) {
	for i := range l.Columns {
		column := &l.Columns[i]
		if len(column.Samples) == keptSamples || i >= len(made.fields) {
			continue
		}
		after := string(made.fields[i])
		before := after
		if rows.made != nil {
			before = rows.made.Before(i, next.fields)
		}
		if column.From == "always" {
			before = after
		}
		if slices.Contains(open, column.To) {
			after = mapping.Unknown
		}
		if before == "" && after == "" || len(column.Samples) == 1 && (column.From == "always" || before == after || column.Samples[0].Before == before) {
			continue
		}
		column.Samples = append(column.Samples, LookedValue{before, after})
	}
}
