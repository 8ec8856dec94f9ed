package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// stdinName is how the standard input is named as a file.
const stdinName = "-"

// billingFile is a file of billing data, which is read twice.
type billingFile interface {
	io.ReadSeekCloser
	size() int64
	unchanged() error // billfile.ErrChanged where it is no longer the file that was opened
}

// openBillingFile opens a file, the standard input (-) or an object (s3://bucket/key).
func openBillingFile(ctx context.Context, name string, stdin io.Reader) (billingFile, error) {
	if name == stdinName {
		return spool(stdin, maxSpool)
	}
	if strings.HasPrefix(name, "s3:") {
		return openObject(ctx, name)
	}
	return openSource(name)
}

// isObject reports whether a name is of an object, s3://bucket/key.
func isObject(name string) bool { return strings.HasPrefix(name, "s3://") }

// baseName is the name of a file without directories.
func baseName(name string) string {
	switch {
	case name == stdinName:
		return "stdin"
	case isObject(name):
		return path.Base(name)
	default:
		return filepath.Base(name)
	}
}

// beside names a file in the directory of another one.
func beside(name, other string) string {
	if isObject(name) {
		return name[:strings.LastIndexByte(name, '/')+1] + other
	}
	return filepath.Join(filepath.Dir(name), other)
}

// source is a billing file that is watched while it is read.
type source struct {
	*os.File
	path   string
	before os.FileInfo
}

func openSource(path string) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%w: %s is a directory: name a file in it", port.ErrInvalid, path)
	case !info.Mode().IsRegular(): // opening a pipe may wait for ever
		return nil, fmt.Errorf("%w: %s is a pipe or a device: billing data is read twice; write it to a file first, or to the standard input, whose name is -", port.ErrInvalid, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &source{File: file, path: path, before: info}, nil
}

func (s *source) size() int64 { return s.before.Size() }

// unchanged is billfile.ErrChanged where the file was written to or replaced since it was opened.
func (s *source) unchanged() error {
	now, err := s.Stat()
	switch {
	case err != nil:
		return err
	case now.Size() != s.before.Size() || !now.ModTime().Equal(s.before.ModTime()):
		return fmt.Errorf("%s: %w: it is being written to; import it again once it is complete (what is in stays, the rest goes in)", s.path, billfile.ErrChanged)
	}
	if named, err := os.Stat(s.path); err != nil || !os.SameFile(named, s.before) {
		return fmt.Errorf("%s: %w: another file has its name now, or none; what was imported is the one before: import the new one too", s.path, billfile.ErrChanged)
	}
	return nil
}

// maxSpool bounds what is kept of the standard input, and of refused rows on their way into an object, in bytes.
const maxSpool = 4 << 30

// spooled is a temporary file that nobody else can open: it has no name any more, and is gone with the process.
type spooled struct {
	*os.File
	bytes int64
}

func newSpool() (*spooled, error) {
	file, err := os.CreateTemp("", "balsong-*")
	if err != nil {
		return nil, err
	}
	return &spooled{File: file}, os.Remove(file.Name())
}

// spool copies the standard input, which can be read once, into a temporary file.
func spool(stdin io.Reader, most int64) (*spooled, error) {
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	if s.bytes, err = io.Copy(s, io.LimitReader(stdin, most+1)); err == nil && s.bytes > most {
		err = fmt.Errorf("%w: the standard input has more than %d MiB: compress it with zstd, or name a file", port.ErrInvalid, most>>20)
	}
	if err == nil {
		_, err = s.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the standard input: %w", err), s.Close())
	}
	return s, nil
}

func (s *spooled) size() int64 { return s.bytes }

func (*spooled) unchanged() error { return nil }

// object is an object of S3 as a billing file.
type object struct{ *s3.Object }

func openObject(ctx context.Context, url string) (object, error) {
	bucket, key, ok := s3.ParseURL(url)
	if !ok {
		return object{}, fmt.Errorf("%w: %s is not of the form s3://bucket/key", port.ErrInvalid, url)
	}
	store, err := objects(ctx)
	if err != nil {
		return object{}, err
	}
	opened, err := store.Open(ctx, bucket, key)
	return object{opened}, err
}

// objects loads the settings of S3, which an import needs for objects alone.
func objects(ctx context.Context) (*s3.Objects, error) {
	c, err := config.LoadPart[struct{ S3 config.S3 }](ctx)
	if err != nil {
		return nil, err
	}
	return s3.NewObjects(ctx, core.S3Config(c.S3))
}

func (o object) size() int64 { return o.Size() }

// Read implements io.Reader.
func (o object) Read(p []byte) (int, error) {
	n, err := o.Object.Read(p)
	return n, o.changed(err)
}

func (o object) unchanged() error { return o.changed(o.Unchanged()) }

func (object) changed(err error) error {
	if errors.Is(err, s3.ErrChanged) {
		return fmt.Errorf("%w: %w: import it again (what is in stays, the rest goes in)", billfile.ErrChanged, err)
	}
	return err
}
