package inbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The two files of an inbox: when as many messages as are to be kept have been
// written to the newer, it takes the place of the older.
const (
	newerFile = "messages"
	olderFile = "messages.old"
)

// maxBody bounds what is read back, whatever a damaged length says.
const maxBody = 64 << 20

// load opens the files and lists their entries. To write, it makes the newer
// file where it is missing, and cuts off what a killed writer left half written.
func (b *Inbox) load(writable bool) error {
	flags := os.O_RDONLY
	if writable {
		flags = os.O_RDWR | os.O_CREATE
	}
	for _, name := range []string{olderFile, newerFile} {
		file, err := os.OpenFile(filepath.Join(b.dir, name), flags, 0o644)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open the inbox: %w", err)
		}
		b.files = append(b.files, file)
		found, size := readEntries(file)
		for i := range found {
			found[i].file = file
		}
		b.entries = append(b.entries, found...)
		b.size, b.count = size, len(found)
		if writable {
			if err := file.Truncate(size); err != nil {
				return fmt.Errorf("open the inbox: %w", err)
			}
		}
	}
	return nil
}

// readEntries lists the whole messages at the beginning of a file, and how many
// bytes they take.
func readEntries(file io.Reader) (entries []Entry, size int64) {
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadBytes('\n') // a subject may be long
		if err != nil {
			return entries, size
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Length < 0 || e.Length > maxBody {
			return entries, size
		}
		e.offset = size + int64(len(line))
		if n, err := reader.Discard(int(e.Length) + 1); err != nil || n != int(e.Length)+1 {
			return entries, size
		}
		size = e.offset + e.Length + 1
		entries = append(entries, e)
	}
}

// rotate begins a new file where the newer is full, and forgets the older.
func (b *Inbox) rotate() error {
	if b.count < b.keep {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	older, newer := filepath.Join(b.dir, olderFile), filepath.Join(b.dir, newerFile)
	if err := os.Rename(newer, older); err != nil {
		return fmt.Errorf("begin a file of the inbox: %w", err)
	}
	file, err := os.OpenFile(newer, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("begin a file of the inbox: %w", err)
	}
	b.entries = slices.Clone(b.entries[len(b.entries)-b.count:])
	forgotten := b.files[0]
	b.files = []*os.File{b.files[1], file}
	b.size, b.count = 0, 0
	return forgotten.Close()
}
