package acceptlog

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrMalformed says that a line in the middle of a log is no record: the file
// is damaged, or not an accept log.
var ErrMalformed = errors.New("malformed line in the accept log")

// ReadFile calls each for every record of the log at path, in order, until it
// returns an error. The log may be being written. It tells whether it passed
// over a torn last line: a write that a crash cut short, or one under way. Its
// error wraps ErrMalformed, and names the line, where a line before is no record.
func ReadFile(path string, each func(Record) error) (torn bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("open the accept log: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	torn, err = read(file, each)
	if err != nil {
		return torn, fmt.Errorf("read the accept log %s: %w", path, err)
	}
	return torn, nil
}

func read(log io.Reader, each func(Record) error) (torn bool, err error) {
	lines := bufio.NewReaderSize(log, 1<<16)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return false, err
		}
		if last && len(line) == 0 {
			return false, nil
		}
		record, ok := parse(line)
		switch {
		case !ok && last:
			return true, nil
		case !ok:
			return false, fmt.Errorf("line %d: %w", number, ErrMalformed)
		}
		if err := each(record); err != nil {
			return false, err
		}
	}
}

func parse(line []byte) (Record, bool) {
	var r Record
	if json.Unmarshal(line, &r) != nil || r.Sequence == 0 {
		return Record{}, false
	}
	return r, true
}
