package importing

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
)

// Settle finds out, by the beginning of a file, how the values of the columns are written that answers took for its mapping, and
// completes that. ErrInvalid where the file cannot say: the text has the flags that do. The file is at its beginning again.
func Settle(file io.ReadSeeker, f File, answers mapping.Answers) error {
	if !answers.LeavesNotationOpen() {
		return nil
	}
	asked, err := f.encoding()
	if err != nil {
		return err
	}
	var l Looked
	if l.Sample, err = billfile.Begin(file, asked); err != nil {
		return fmt.Errorf("import %s: %w", f.Name, err)
	}
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	l.Proposal.Mapping = *f.Mapping
	open := l.settle(answers)
	if len(open) == 0 {
		*f.Mapping = l.Proposal.Mapping
		return nil
	}
	said := make([]string, len(open))
	for i, q := range open { // its reason shows a value of the file
		said[i] = fmt.Sprintf("how they are written cannot be told by the %s alone: say %s", map[string]string{"dates": "dates", "decimal": "amounts"}[q.About], strings.Join(q.Answer, " or "))
	}
	return fmt.Errorf("import %s: %w: nothing of the file was imported: %s", f.Name, port.ErrInvalid, strings.Join(said, "; "))
}

// settle completes the mapping of a sample. A mapping whose columns the sample lacks is left to what reads the rows.
func (l *Looked) settle(answers mapping.Answers) []mapping.Question {
	if !answers.LeavesNotationOpen() {
		return nil
	}
	draft, _ := drafted(l.Proposal.Mapping)
	rows := newRows(&Source{rows: bytes.NewReader(l.Sample.Text), file: File{Mapping: &draft}})
	if _, err := rows.header(billfile.UTF8); err != nil {
		return nil
	}
	values := map[string][]string{}
	for range lookedRows {
		row, err := rows.row()
		if err != nil {
			break
		}
		for at, column := range rows.names {
			if value := rows.made.Before(at, row.fields); answers.Columns[column] != "" && value != "" {
				values[column] = append(values[column], value)
			}
		}
	}
	return l.Proposal.Mapping.Settle(answers, func(column string) []string { return values[column] })
}
