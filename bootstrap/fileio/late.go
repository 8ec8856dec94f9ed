package fileio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/balsong/balsong/adapters/s3"
)

// Late is a file that comes to be when the first byte is written, so that where there is nothing to say there is none. Where there is
// one of that name, it takes the first free name beside it: the other one may hold rows that are being corrected.
type Late interface {
	io.WriteCloser
	Name() string // in the end
}

// NewLate returns a file, or an object where the name is s3://bucket/key, which outlives the context: what was written is kept.
func NewLate(ctx context.Context, name string) Late {
	if IsObject(name) {
		return &lateObject{upload{ctx: context.WithoutCancel(ctx), url: name}}
	}
	return &lateFile{path: name}
}

// freeNames are the names that are tried: rejects.csv, rejects-2.csv, …
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

// lateFile is a file on disk.
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

// Name implements Late.
func (l *lateFile) Name() string { return l.path }

// Write implements io.Writer.
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

type lateObject struct{ upload }

// Name implements Late.
func (l *lateObject) Name() string { return l.url }

// Close writes the object, if there is something to write.
func (l *lateObject) Close() error {
	if l.file == nil {
		return l.lost
	}
	for next := freeNames(l.url); ; {
		l.url = next()
		if err := l.send(); !errors.Is(err, s3.ErrExists) {
			return errors.Join(err, l.drop())
		}
	}
}
