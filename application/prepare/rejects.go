package prepare

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// rejectColumns stand in front of the original columns in rejects.csv. An import ignores them.
var rejectColumns = []string{"reject_line", "reject_field", "reject_reason"}

// rejectFile writes the rows that were refused, as they were, with line, field and reason in front. It is always a
// well-formed CSV file: of a row that was not, a stray quote shows as part of its field. Mended, it can be imported again as it is. It holds
// what the billing data holds: keep it as carefully.
type rejectFile struct {
	to     *csv.Writer
	header header
	skip   map[int]bool // columns of an earlier rejects.csv
	begun  bool
}

func newRejectFile(to io.Writer, h header) *rejectFile {
	f := &rejectFile{to: csv.NewWriter(to), header: h, skip: map[int]bool{}}
	for i, name := range h.names {
		for _, own := range rejectColumns {
			if name == own {
				f.skip[i] = true
			}
		}
	}
	return f
}

func (f *rejectFile) add(line int, wrong fieldError, fields [][]byte) error {
	if !f.begun {
		f.begun = true
		if err := f.write(rejectColumns, f.header.names); err != nil {
			return err
		}
	}
	row := make([]string, 0, len(fields))
	for _, field := range fields {
		row = append(row, string(field))
	}
	return f.write([]string{strconv.Itoa(line), wrong.field, wrong.reason}, row)
}

func (f *rejectFile) write(front, row []string) error {
	out := append(make([]string, 0, len(front)+len(row)), front...)
	for i, field := range row {
		if !f.skip[i] {
			out = append(out, strings.TrimSuffix(field, "\r"))
		}
	}
	if err := f.to.Write(out); err != nil {
		return fmt.Errorf("write the refused rows: %w", err)
	}
	return nil
}

func (f *rejectFile) flush() error {
	f.to.Flush()
	if err := f.to.Error(); err != nil {
		return fmt.Errorf("write the refused rows: %w", err)
	}
	return nil
}
