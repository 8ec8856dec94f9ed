package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/port"
)

// output is a file that is created when the first byte is written, so that an import without refused rows leaves none. It
// never overwrites a file: an earlier one may hold rows that are being corrected.
type output interface {
	io.WriteCloser
	name() string // in the end
}

// newOutput returns a file, or an object where the name is s3://bucket/key.
func newOutput(ctx context.Context, name string) output {
	if isObject(name) {
		return &lateObject{ctx: context.WithoutCancel(ctx), url: name}
	}
	return &lateFile{path: name}
}

// freeNames are the names that an output tries: rejects.csv, rejects-2.csv, …
func freeNames(name string) func() string {
	ending := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	n := 0
	return func() string {
		if n++; n == 1 {
			return name
		}
		return fmt.Sprintf("%s-%d%s", stem, n, ending)
	}
}

// lateFile is an output on disk.
type lateFile struct {
	path string
	file *os.File
}

// create takes the path, or the first free one beside it.
func (l *lateFile) create() error {
	for next := freeNames(l.path); ; {
		l.path = next()
		file, err := os.OpenFile(l.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil || !errors.Is(err, os.ErrExist) {
			l.file = file
			return err
		}
	}
}

func (l *lateFile) name() string { return l.path }

func (l *lateFile) Write(p []byte) (int, error) {
	if l.file == nil {
		if err := l.create(); err != nil {
			return 0, err
		}
	}
	return l.file.Write(p)
}

// Close closes the file, if there is one.
func (l *lateFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// longestUpload bounds writing one object.
const longestUpload = 10 * time.Minute

// lateObject is an output that becomes an object when it is closed; until then it is a temporary file.
type lateObject struct {
	ctx  context.Context // io.Closer has no place for it; it does not end with the command's: what was refused is kept
	url  string
	file *spooled
	lost error // there is no such file, and rows that were to be in it
}

func (l *lateObject) name() string { return l.url }

func (l *lateObject) Write(p []byte) (n int, err error) {
	if l.file == nil {
		if l.file, l.lost = newSpool(); l.lost != nil {
			return 0, fmt.Errorf("a temporary file for %s: %w", l.url, l.lost)
		}
	}
	if l.file.bytes+int64(len(p)) > maxSpool {
		return 0, fmt.Errorf("%w: %s would have more than %d MiB", port.ErrInvalid, l.url, maxSpool>>20)
	}
	n, err = l.file.Write(p)
	l.file.bytes += int64(n)
	return n, err
}

// Close writes the object, if there is something to write.
func (l *lateObject) Close() error {
	if l.file == nil {
		return l.lost
	}
	ctx, cancel := context.WithTimeout(l.ctx, longestUpload)
	defer cancel()
	store, err := objects(ctx)
	for next := freeNames(l.url); err == nil; {
		l.url = next()
		bucket, key, ok := s3.ParseURL(l.url)
		if !ok {
			err = fmt.Errorf("%w: %s is not of the form s3://bucket/key", port.ErrInvalid, l.url)
			break
		}
		if err = store.Create(ctx, bucket, key, l.file, l.file.bytes); !errors.Is(err, s3.ErrExists) {
			break
		}
		err = nil
	}
	return errors.Join(err, l.file.Close())
}
