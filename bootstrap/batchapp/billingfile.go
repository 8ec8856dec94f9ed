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
	"github.com/balsong/balsong/bootstrap/fileio"
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
		return spool(stdin, fileio.MaxTemporary)
	}
	if fileio.IsObject(name) {
		opened, err := fileio.OpenObject(ctx, name)
		return object{opened}, err
	}
	return openSource(name)
}

// baseName is the name of a file without directories.
func baseName(name string) string {
	switch {
	case name == stdinName:
		return "stdin"
	case fileio.IsObject(name):
		return path.Base(name)
	default:
		return filepath.Base(name)
	}
}

// beside names a file in the directory of another one.
func beside(name, other string) string {
	if fileio.IsObject(name) {
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

// spooled is the standard input, kept in a temporary file.
type spooled struct{ *fileio.Temporary }

func spool(stdin io.Reader, most int64) (spooled, error) {
	kept, err := fileio.Keep(stdin, most)
	if err != nil {
		return spooled{}, fmt.Errorf("read the standard input: %w", err)
	}
	return spooled{kept}, nil
}

func (s spooled) size() int64 { return s.Bytes }

func (spooled) unchanged() error { return nil }

// object is an object of S3 as a billing file.
type object struct{ *s3.Object }

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
