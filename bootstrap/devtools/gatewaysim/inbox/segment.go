package inbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// segment is one file of messages. The oldest is deleted when the others alone
// hold as many messages as are to be kept.
type segment struct {
	path  string
	file  *os.File
	size  int64
	count int
}

// segmentsPerInbox is into how many segments the messages to keep are divided.
const segmentsPerInbox = 8

// load opens all segments and builds the index.
func (b *Inbox) load(writable bool) error {
	paths, err := filepath.Glob(filepath.Join(b.dir, "*.segment"))
	if err != nil {
		return fmt.Errorf("list the inbox: %w", err)
	}
	slices.Sort(paths) // names are numbers of one width
	for _, path := range paths {
		if err := b.loadSegment(path, writable); err != nil {
			return fmt.Errorf("open the inbox: %s: %w", path, err)
		}
	}
	return nil
}

func (b *Inbox) loadSegment(path string, writable bool) error {
	mode := os.O_RDONLY
	if writable {
		mode = os.O_RDWR
	}
	file, err := os.OpenFile(path, mode, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a running gateway has just deleted it
	}
	if err != nil {
		return err
	}
	s := &segment{path: path, file: file}
	b.segments = append(b.segments, s)
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		e, length, err := readEntry(reader)
		if errors.Is(err, io.EOF) || errors.Is(err, errTorn) {
			return nil // what follows a torn frame is overwritten by the next write
		}
		if err != nil {
			return err
		}
		e.segment, e.offset, e.length = s, s.size, length
		b.entries = append(b.entries, e)
		s.size += length
		s.count++
	}
}

func readEntry(r *bufio.Reader) (Entry, int64, error) {
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return Entry{}, 0, torn(err)
	}
	length, err := frameLength(head)
	if err != nil {
		return Entry{}, 0, err
	}
	frame := make([]byte, length)
	copy(frame, head)
	if _, err := io.ReadFull(r, frame[frameHead:]); err != nil {
		return Entry{}, 0, torn(err)
	}
	h, _, err := parseFrame(frame)
	return h.entry(), length, err
}

func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errTorn
	}
	return err
}

// current returns the segment to append to, beginning a new one when the last
// is full.
func (b *Inbox) current(sequence uint64) (*segment, error) {
	if n := len(b.segments); n > 0 {
		last := b.segments[n-1]
		if last.count < max(1, b.keep/segmentsPerInbox) && last.size < maxSegment {
			return last, nil
		}
	}
	path := filepath.Join(b.dir, fmt.Sprintf("%020d.segment", sequence))
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("begin a segment of the inbox: %w", err)
	}
	s := &segment{path: path, file: file}
	b.mu.Lock()
	b.segments = append(b.segments, s)
	b.mu.Unlock()
	return s, nil
}

// forget deletes the oldest segments as long as enough messages remain. The
// caller holds the lock.
func (b *Inbox) forget() error {
	var faults []error
	for len(b.segments) > 1 && len(b.entries)-b.segments[0].count >= b.keep {
		oldest := b.segments[0]
		faults = append(faults, oldest.file.Close(), os.Remove(oldest.path))
		b.segments = b.segments[1:]
		b.entries = slices.Delete(b.entries, 0, oldest.count)
	}
	return errors.Join(faults...)
}
