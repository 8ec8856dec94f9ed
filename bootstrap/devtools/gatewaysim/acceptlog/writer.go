package acceptlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrClosed is returned for a record that came after Close.
var ErrClosed = errors.New("the accept log is closed")

// commitGap is the least time between the starts of two fsyncs. A lone call is
// not delayed; under load it bounds the fsyncs to 200 a second.
const commitGap = 5 * time.Millisecond

// File is what the Writer writes to: an *os.File, or a test's stand-in.
type File interface {
	io.Writer
	// Sync returns when everything written is durable.
	Sync() error
	io.Closer
}

// Writer appends records to a log. Its methods may be called concurrently:
// everyone who waits at the same time shares one fsync.
//
// The first failed write or sync is final, since what the file then holds is
// not known: every later call returns that error.
type Writer struct {
	file File
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	batch  *batch
	spare  []byte
	next   uint64
	failed error
	syncs  uint64
	closed bool
}

// batch is what one write, and one fsync, makes durable.
type batch struct {
	lines   []byte
	waiting int
	done    chan struct{}
	err     error
}

// Open continues the log at path, or begins it. A torn last line is repaired.
func Open(path string) (*Writer, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of the accept log: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the accept log: %w", err)
	}
	last, err := repair(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("continue the accept log %s: %w", path, err), file.Close())
	}
	return NewWriter(file, last+1), nil
}

// NewWriter writes to file, giving the first record the sequence next.
func NewWriter(file File, next uint64) *Writer {
	w := &Writer{
		file: file, next: next,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		batch: &batch{done: make(chan struct{})},
	}
	go w.commit()
	return w
}

// Accept appends the record with the next sequence, which it returns, and waits
// until it is durable. An error means that it may or may not be in the log.
func (w *Writer) Accept(r Record) (uint64, error) {
	r.Accepted = true
	return w.durable(r)
}

// Report appends a record of a report and waits until it is durable.
func (w *Writer) Report(r Record) error {
	r.Accepted = false
	_, err := w.durable(r)
	return err
}

func (w *Writer) durable(r Record) (uint64, error) {
	b, sequence, err := w.add(&r, 1)
	if err != nil {
		return 0, err
	}
	<-b.done
	return sequence, b.err
}

// Note appends a record of a refused call and does not wait: it is written
// soon, and durable with the next accepted one.
func (w *Writer) Note(r Record) error {
	r.Accepted = false
	_, _, err := w.add(&r, 0)
	return err
}

// Syncs returns how many fsyncs were made: far fewer than records under load.
func (w *Writer) Syncs() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.syncs
}

// Close writes and syncs what is left and closes the file.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.batch.waiting++ // so that the last batch is synced
	w.mu.Unlock()
	w.signal()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.failed, w.file.Close())
}

func (w *Writer) add(r *Record, waiting int) (*batch, uint64, error) {
	w.mu.Lock()
	if w.failed != nil {
		defer w.mu.Unlock()
		return nil, 0, w.failed
	}
	if w.closed {
		w.mu.Unlock()
		return nil, 0, ErrClosed
	}
	r.Sequence = w.next
	w.next++
	b := w.batch
	b.lines = appendLine(b.lines, r)
	b.waiting += waiting
	w.mu.Unlock()
	w.signal()
	return b, r.Sequence, nil
}

func (w *Writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// commit is the one goroutine that writes.
func (w *Writer) commit() {
	defer close(w.done)
	var last time.Time
	for range w.wake {
		if rest := commitGap - time.Since(last); rest > 0 {
			time.Sleep(rest) // gather more callers
		}
		last = time.Now()
		w.mu.Lock()
		b, failed, closed := w.batch, w.failed, w.closed
		w.batch = &batch{lines: w.spare[:0], done: make(chan struct{})}
		w.spare = nil
		w.mu.Unlock()

		if b.err = failed; failed == nil {
			b.err = w.write(b)
		}
		w.mu.Lock()
		w.failed = b.err
		w.spare = b.lines
		if b.waiting > 0 {
			w.syncs++
		}
		w.mu.Unlock()
		close(b.done)
		if closed {
			return
		}
	}
}

func (w *Writer) write(b *batch) error {
	if len(b.lines) > 0 {
		if _, err := w.file.Write(b.lines); err != nil {
			return fmt.Errorf("write the accept log: %w", err)
		}
	}
	if b.waiting > 0 {
		if err := w.file.Sync(); err != nil {
			return fmt.Errorf("sync the accept log: %w", err)
		}
	}
	return nil
}

// repair cuts a torn last line off, or ends one that lacks its line feed alone,
// and returns the last sequence of the log.
func repair(file *os.File) (last uint64, err error) {
	const window = 1 << 20 // far more than the longest line
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return 0, err
	}
	start := max(0, size-window)
	tail := make([]byte, size-start)
	if _, err := file.ReadAt(tail, start); err != nil {
		return 0, err
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	if record, ok := parse(tail[end:]); ok {
		_, err := file.WriteString("\n")
		return record.Sequence, err
	}
	if end == 0 && start == 0 {
		return 0, file.Truncate(0) // its first write was cut short
	}
	before := bytes.TrimSuffix(tail[:end], []byte("\n"))
	record, ok := parse(before[bytes.LastIndexByte(before, '\n')+1:])
	if !ok {
		return 0, errors.New("no whole line at its end: it is not an accept log, or damaged")
	}
	return record.Sequence, file.Truncate(start + int64(end))
}
