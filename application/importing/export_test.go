package importing

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Mapped returns the rows of billing data that a mapping makes of a file, one after the other as text.
func Mapped(file io.ReadSeeker, f File) (string, error) {
	source, err := Open(file, f)
	if err != nil {
		return "", err
	}
	rows := newRows(source)
	head, err := rows.header(source.file.Encoding)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for {
		next, err := rows.next()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return "", err
		}
		if head.isBlank(next) {
			continue
		}
		made := rows.canonical(next)
		fmt.Fprintf(&out, "line %d %s\n", made.line, made.problem)
		for i, field := range made.fields {
			if len(field) > 0 {
				fmt.Fprintf(&out, "  %s=%s\n", head.names[i], field)
			}
		}
		for _, wrong := range made.faults {
			fmt.Fprintf(&out, "  ! %s %s\n", wrong.field, wrong.reason)
		}
	}
}
