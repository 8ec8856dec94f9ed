package fileio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/balsong/balsong/application/port"
)

// MaxTemporary bounds a temporary file, in bytes.
const MaxTemporary = 4 << 30

// Temporary is a temporary file that nobody else can open: it has no name any more, and is gone with the process.
type Temporary struct {
	*os.File
	Bytes int64
}

// NewTemporary makes one.
func NewTemporary() (*Temporary, error) {
	file, err := os.CreateTemp("", "balsong-*")
	if err != nil {
		return nil, err
	}
	return &Temporary{File: file}, os.Remove(file.Name())
}

// Keep copies a stream, which can be read once, into a temporary file. port.ErrInvalid where it has more than most bytes.
func Keep(stream io.Reader, most int64) (*Temporary, error) {
	t, err := NewTemporary()
	if err != nil {
		return nil, err
	}
	if t.Bytes, err = io.Copy(t.File, io.LimitReader(stream, most+1)); err == nil && t.Bytes > most {
		err = fmt.Errorf("%w: it has more than %d MiB: compress it with zstd, or name a file", port.ErrInvalid, most>>20)
	}
	if err == nil {
		_, err = t.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// longestUpload bounds writing one object.
const longestUpload = 10 * time.Minute

// upload is a temporary file that becomes an object.
type upload struct {
	ctx  context.Context // Write and Close have no place for it; it does not end with the command's: what was written is kept
	url  string
	file *Temporary // nil: nothing was written yet
	lost error      // there is no such file, and something that was to be in it
}

// Write implements io.Writer.
func (u *upload) Write(p []byte) (n int, err error) {
	if u.file == nil {
		if u.file, u.lost = NewTemporary(); u.lost != nil {
			return 0, fmt.Errorf("a temporary file for %s: %w", u.url, u.lost)
		}
	}
	if u.file.Bytes+int64(len(p)) > MaxTemporary {
		return 0, fmt.Errorf("%w: %s would have more than %d MiB", port.ErrInvalid, u.url, MaxTemporary>>20)
	}
	n, err = u.file.Write(p)
	u.file.Bytes += int64(n)
	return n, err
}

// send writes the object. s3.ErrExists where there is one of that name.
func (u *upload) send() error {
	ctx, cancel := context.WithTimeout(u.ctx, longestUpload)
	defer cancel()
	store, bucket, key, err := find(ctx, u.url)
	if err != nil {
		return err
	}
	return store.Create(ctx, bucket, key, u.file, u.file.Bytes)
}

func (u *upload) drop() error {
	if u.file == nil {
		return nil
	}
	return u.file.Close()
}
