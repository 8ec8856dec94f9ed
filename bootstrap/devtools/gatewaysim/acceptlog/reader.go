package acceptlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxLine is the longest line in bytes that a Reader accepts.
const MaxLine = 64 << 10

// ErrMalformed says that a line in the middle of a log is no record, and that
// no Writer repaired it: the file is damaged, or not an accept log.
var ErrMalformed = errors.New("malformed line in the accept log")

// Reader reads a log, also one that is being written. It is not safe for
// concurrent use.
type Reader struct {
	lines *bufio.Reader
	line  int
	torn  int
	// pushed back by the look at what follows a malformed line
	ahead    []byte
	hasAhead bool
}

// NewReader reads a log from its beginning.
func NewReader(r io.Reader) *Reader {
	return &Reader{lines: bufio.NewReaderSize(r, MaxLine)}
}

// Next returns the next record; io.EOF at the end, which a torn last line is
// too; or an error that wraps ErrMalformed and names the line, after which Next
// may be called again for the rest.
func (r *Reader) Next() (Record, error) {
	for {
		line, whole, err := r.read()
		if err != nil {
			return Record{}, err
		}
		if record, ok := parse(line); ok {
			return record, nil
		}
		if string(line) == repairLine {
			continue
		}
		if !whole {
			r.torn++
			return Record{}, io.EOF
		}
		number := r.line
		if r.followedByRepair() {
			r.torn++
			continue
		}
		return Record{}, fmt.Errorf("line %d: %w", number, ErrMalformed)
	}
}

// Torn returns how many torn lines were passed over so far: writes that a
// crash cut short, whose callers got no answer.
func (r *Reader) Torn() int { return r.torn }

func (r *Reader) followedByRepair() bool {
	line, whole, err := r.read()
	if err != nil {
		return false
	}
	if whole && string(line) == repairLine {
		return true
	}
	r.ahead, r.hasAhead = bytes.Clone(line), true
	if !whole {
		r.ahead = append(r.ahead[:len(r.ahead):len(r.ahead)], incomplete...)
	}
	return false
}

// incomplete marks a pushed-back line that had no line feed; no line holds one.
const incomplete = "\n"

// read returns the next line without its line feed; whole tells whether there
// was one.
func (r *Reader) read() (line []byte, whole bool, err error) {
	if r.hasAhead {
		line, r.hasAhead = r.ahead, false
		return bytes.TrimSuffix(line, []byte(incomplete)), !bytes.HasSuffix(line, []byte(incomplete)), nil
	}
	line, err = r.lines.ReadSlice('\n')
	r.line++
	switch {
	case err == nil:
		return line[:len(line)-1], true, nil
	case errors.Is(err, bufio.ErrBufferFull):
		return r.tooLong()
	case errors.Is(err, io.EOF) && len(line) > 0:
		return line, false, nil
	default:
		return nil, false, err
	}
}

// tooLong passes over the rest of a line that is longer than MaxLine.
func (r *Reader) tooLong() ([]byte, bool, error) {
	for {
		_, err := r.lines.ReadSlice('\n')
		switch {
		case err == nil:
			return nil, true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, false, nil
		default:
			return nil, false, err
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

// ReadFile calls each for every record of the log at path, in order, until it
// returns an error. It returns how many torn lines were passed over.
func ReadFile(path string, each func(Record) error) (torn int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("open the accept log: %w", err)
	}
	defer file.Close() //nolint:errcheck // opened for reading
	reader := NewReader(file)
	for {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return reader.Torn(), nil
		}
		if err != nil {
			return reader.Torn(), fmt.Errorf("read the accept log %s: %w", path, err)
		}
		if err := each(record); err != nil {
			return reader.Torn(), err
		}
	}
}
