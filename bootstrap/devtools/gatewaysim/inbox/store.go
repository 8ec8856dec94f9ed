package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrNotFound says that the inbox has no message with that sequence (any more).
var ErrNotFound = errors.New("no such message in the inbox")

const (
	// maxQueued bounds, in bytes, what waits to be written.
	maxQueued = 64 << 20
	// writeAt is the size in bytes at which gathered messages are written.
	writeAt = 512 << 10
)

// Inbox is a bounded store of messages. Its methods may be called concurrently.
type Inbox struct {
	dir      string
	keep     int
	queue    chan Message
	queued   atomic.Int64
	skipped  atomic.Uint64
	finished chan struct{}
	fail     func(error)

	// gate is held for reading by Add, so that Close does not close under it.
	gate   sync.RWMutex
	closed bool

	mu      sync.RWMutex
	entries []Entry    // oldest first
	files   []*os.File // oldest first
	size    int64      // of the newest file, in bytes
	count   int        // of the messages in it
}

// Open opens the inbox in dir for writing, and makes it if there is none. It
// keeps at least the last keep messages. A failed write is reported to fail,
// and its messages are lost.
func Open(dir string, keep int, fail func(error)) (*Inbox, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the inbox: %w", err)
	}
	b := &Inbox{dir: dir, keep: keep, fail: fail, queue: make(chan Message, 1<<16), finished: make(chan struct{})}
	if err := b.load(true); err != nil {
		return nil, err
	}
	go b.write()
	return b, nil
}

// OpenReadOnly opens the inbox in dir to look at it, also while a gateway
// writes to it; what comes later is not seen.
func OpenReadOnly(dir string) (*Inbox, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open the inbox: %w", err)
	}
	b := &Inbox{dir: dir}
	if err := b.load(false); err != nil {
		return nil, err
	}
	return b, nil
}

// Add hands a message over to be written soon. It does not block: when too much
// waits already, or after Close, the message is only counted. The message must not change after.
func (b *Inbox) Add(m Message) {
	b.gate.RLock()
	defer b.gate.RUnlock()
	if b.closed {
		b.skipped.Add(1)
		return
	}
	if b.queued.Add(int64(len(m.Body))) > maxQueued {
		b.queued.Add(-int64(len(m.Body)))
		b.skipped.Add(1)
		return
	}
	select {
	case b.queue <- m:
	default:
		b.queued.Add(-int64(len(m.Body)))
		b.skipped.Add(1)
	}
}

// Skipped returns how many messages came too fast to be kept.
func (b *Inbox) Skipped() uint64 { return b.skipped.Load() }

// Len returns how many messages there are.
func (b *Inbox) Len() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.entries)
}

// Close writes what waits and closes the files.
func (b *Inbox) Close() error {
	b.gate.Lock()
	wasClosed := b.closed
	b.closed = true
	b.gate.Unlock()
	if b.queue != nil && !wasClosed {
		close(b.queue)
		<-b.finished
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var faults []error
	for _, file := range b.files {
		faults = append(faults, file.Close())
	}
	b.files, b.entries = nil, nil
	return errors.Join(faults...)
}

// Find returns a page of the entries that match, newest first, and how many
// match. An entry matches when its key, its masked destination, its title or its
// text contains the words, or its whole destination is the words; no words match
// all. Texts are read from disk: a customer number or a name is found in them.
func (b *Inbox) Find(text, channel string, skip, limit int) (page []Entry, total int) {
	text = strings.ToLower(strings.TrimSpace(text))
	whole := hashTo(text)
	b.mu.RLock()
	entries := slices.Clone(b.entries)
	b.mu.RUnlock()
	for _, e := range slices.Backward(entries) {
		if channel != "" && e.Channel != channel {
			continue
		}
		if text != "" && e.ToHash != whole && !e.says(text) && !b.reads(e, text) {
			continue
		}
		if total >= skip && len(page) < limit {
			page = append(page, e)
		}
		total++
	}
	return page, total
}

// says reports whether what is known without reading contains the words.
func (e Entry) says(text string) bool {
	for _, known := range []string{e.Key, e.To, e.Title} {
		if strings.Contains(strings.ToLower(known), text) {
			return true
		}
	}
	return false
}

// reads reports whether the message's text contains the words. One that newer
// ones have replaced meanwhile does not.
func (b *Inbox) reads(e Entry, text string) bool {
	b.mu.RLock()
	message, err := e.read()
	b.mu.RUnlock()
	if err != nil {
		return false
	}
	shown := string(message.Body)
	if message.Channel == "EMAIL" {
		mail := parseMail(message.Body)
		if shown = mail.Text; shown == "" {
			shown = mail.HTML
		}
	}
	return strings.Contains(strings.ToLower(shown), text)
}

// Get reads a message, or returns an error that wraps ErrNotFound.
func (b *Inbox) Get(sequence uint64) (Message, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, e := range slices.Backward(b.entries) {
		if e.Sequence == sequence {
			return e.read()
		}
	}
	return Message{}, fmt.Errorf("message %d: %w", sequence, ErrNotFound)
}

// read reads the message from disk.
func (e Entry) read() (Message, error) {
	message := e.Message
	message.Body = make([]byte, e.Length)
	if _, err := e.file.ReadAt(message.Body, e.offset); err != nil {
		return Message{}, fmt.Errorf("read message %d: %w", e.Sequence, err)
	}
	return message, nil
}

// write is the one goroutine that writes: it gathers what waits.
func (b *Inbox) write() {
	defer close(b.finished)
	var buffer []byte
	var fresh []Entry
	for m := range b.queue {
		b.queued.Add(-int64(len(m.Body)))
		e := entryOf(m)
		line, err := json.Marshal(e)
		if err != nil {
			b.fail(err)
			continue
		}
		buffer = append(append(buffer, line...), '\n')
		e.offset = int64(len(buffer))
		buffer = append(append(buffer, m.Body...), '\n')
		fresh = append(fresh, e)
		if len(buffer) >= writeAt || len(b.queue) == 0 {
			if err := b.store(buffer, fresh); err != nil {
				b.fail(err)
			}
			buffer, fresh = buffer[:0], fresh[:0]
		}
	}
}

// store appends messages to the newest file and their entries to the list.
func (b *Inbox) store(messages []byte, fresh []Entry) error {
	if err := b.rotate(); err != nil {
		return err
	}
	file := b.files[len(b.files)-1]
	if _, err := file.WriteAt(messages, b.size); err != nil {
		return fmt.Errorf("write the inbox: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range fresh {
		e.file, e.offset = file, b.size+e.offset
		b.entries = append(b.entries, e)
	}
	b.size += int64(len(messages))
	b.count += len(fresh)
	return nil
}
