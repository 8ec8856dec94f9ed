package importing

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
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

	sampled  int // rows of the sample
	unserved int // addresses of bills that cannot be used
	correct  bool
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
	Correct bool             // the file is to correct bills: remark the addresses that it lacks
}

// CheckMapping returns what is wrong with a mapping, whatever the file.
func CheckMapping(m mapping.Mapping) []mapping.Problem { return m.Check(Columns, requiredColumns) }

// Look reads the beginning of a file, and never more than a bounded part of it, and says what it is: its encoding, separator and
// header, and which mapping would make bills of it. billfile.ErrRefused if it is no text; ErrHeader if it has no header.
func Look(file io.ReadSeeker, f File, o LookOptions) (l Looked, err error) {
	l.correct = o.Correct
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
		l.Proposal.Questions = l.settle(o.Answers)
		return l, l.try(f)
	}
	proposed := l
	head, err := newSplitter(bytes.NewReader(l.Sample.Text)).header(billfile.UTF8)
	if err != nil || len(head.unknown) > 0 || len(o.Answers.Columns)+len(o.Answers.Set) > 0 {
		return proposed, proposed.propose(f, o)
	}
	l.Canonical, l.Separator = true, "comma"
	if err := l.tryCanonical(); err != nil || head.refused || l.Good == l.Rows && l.unserved == 0 {
		return l, err
	}
	if proposed.propose(f, o) == nil && (proposed.Good > l.Good || proposed.Good == l.Good && proposed.unserved < l.unserved) {
		return proposed, nil
	}
	return l, nil // a mapping makes no more bills of it
}

// propose finds out which mapping would make bills of the file.
func (l *Looked) propose(f File, o LookOptions) error {
	separator, rows, found := l.split(o.Table)
	if found.Rows == 0 {
		return fmt.Errorf("look at %s: %w: none of its first %d rows names columns: put one line with names directly above the data, and remove what else is above it", f.Name, ErrHeader, mapping.HeaderWithin)
	}
	l.Separator = separatorName(separator)
	l.HeaderLine, l.HeaderRows, l.Names = rows[found.Row].Line, found.Rows, found.Names
	for _, row := range rows[:found.Row] {
		l.Before = append(l.Before, fmt.Sprintf("line %d: %s", row.Line, strings.TrimSpace(strings.Join(row.Fields, " "))))
	}
	format := mapping.Format{Encoding: string(l.Sample.Encoding), Separator: l.Separator, HeaderRows: found.Rows}
	l.Proposal = mapping.Propose(found, rows[found.Row+found.Rows:], format, o.Table, requiredColumns, o.Answers)
	return l.try(f)
}

func separatorName(c byte) string {
	return map[byte]string{',': "comma", ';': "semicolon", '\t': "tab", '|': "bar"}[c]
}

// split splits the sample at the separator that its first line names, else at the one with which a header has most names of the
// table, or of those the one with which it looks most like a table.
func (l *Looked) split(table *mapping.NameTable) (separator byte, rows []mapping.Row, header mapping.Header) {
	text := l.Sample.Text
	if line, _, _ := bytes.Cut(text, []byte{'\n'}); bytes.HasPrefix(bytes.ToLower(line), []byte("sep=")) {
		if line = bytes.TrimRight(line[len("sep="):], "\r"); len(line) == 1 && separatorName(line[0]) != "" {
			rows = sampleRows(text, line[0])[1:]
			header, _ = mapping.FindHeader(rows, table)
			return line[0], rows, header
		}
	}
	best := -1
	for _, c := range []byte{',', ';', '\t', '|'} {
		tried := sampleRows(text, c)
		found, ok := mapping.FindHeader(tried, table)
		if score := mapping.Score(tried); ok && (found.Known > header.Known || found.Known == header.Known && score > best) {
			separator, rows, header, best = c, tried, found, score
		}
	}
	return separator, rows, header
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
	switch {
	case l.Sample.Whole:
		return l.sampled, true
	case l.Sample.Packing != billfile.Plain:
		return 0, false
	default:
		return int(l.Size * int64(l.sampled) / int64(l.Sample.Bytes)), false
	}
}
