// Package fileio opens and creates the files that commands name: files of this machine, or objects of S3 (s3://bucket/key), which a
// task without a disk has instead. What is created is for its owner alone to read, and never replaces anything.
package fileio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// IsObject reports whether a name is of an object.
func IsObject(name string) bool { return strings.HasPrefix(name, "s3:") }

// Open opens a file or an object, to be read.
func Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if IsObject(name) {
		return OpenObject(ctx, name)
	}
	return os.Open(name)
}

// OpenObject opens an object, s3://bucket/key.
func OpenObject(ctx context.Context, url string) (*s3.Object, error) {
	store, bucket, key, err := find(ctx, url)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, bucket, key)
}

// find takes an object's name apart, and loads the settings of S3, which commands need for objects alone.
func find(ctx context.Context, url string) (store *s3.Objects, bucket, key string, err error) {
	bucket, key, ok := s3.ParseURL(url)
	if !ok {
		return nil, "", "", fmt.Errorf("%w: %s is not of the form s3://bucket/key", port.ErrInvalid, url)
	}
	c, err := config.LoadPart[struct{ S3 config.S3 }](ctx)
	if err != nil {
		return nil, "", "", err
	}
	store, err = s3.NewObjects(ctx, core.S3Config(c.S3))
	return store, bucket, key, err
}

// New is a file that is being written.
type New interface {
	io.Writer
	// Close ends it: from now on it is there as a whole.
	Close() error
	// Abandon removes what was written of it.
	Abandon() error
}

// Create begins a file or an object. It fails where there is one of that name.
func Create(ctx context.Context, name string) (New, error) {
	if !IsObject(name) {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		return newFile{file}, err
	}
	store, bucket, key, err := find(ctx, name)
	if err != nil {
		return nil, err
	}
	switch _, err := store.Open(ctx, bucket, key); { // now, and not after a long work; the upload looks once more
	case err == nil:
		return nil, fmt.Errorf("%s: %w", name, s3.ErrExists)
	case !errors.Is(err, port.ErrNotFound):
		return nil, err
	}
	return &newObject{upload: upload{ctx: context.WithoutCancel(ctx), url: name}}, nil
}

// Finish closes a file where all went well, and abandons it where it did not: an incomplete file cannot be told from a complete one.
func Finish(file New, err error) error {
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return errors.Join(err, file.Abandon())
	}
	return nil
}

type newFile struct{ *os.File }

// Abandon implements New.
func (f newFile) Abandon() error {
	_ = f.File.Close() // it is closed already where that failed
	return os.Remove(f.Name())
}

type newObject struct{ upload }

// Close implements New.
func (o *newObject) Close() error {
	if o.file == nil { // an empty object is one, too
		if _, err := o.Write(nil); err != nil {
			return err
		}
	}
	if err := o.send(); err != nil {
		return err
	}
	return o.drop()
}

// Abandon implements New. The store has nothing of it yet.
func (o *newObject) Abandon() error { return o.drop() }
