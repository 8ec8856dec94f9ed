package fileio

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// newBucket makes a bucket, and lets the configuration lead to its store.
func newBucket(t *testing.T) string {
	t.Helper()
	c := config.S3{Bucket: "test-" + strings.ToLower(rand.Text())}
	for name, to := range map[string]*string{"REGION": &c.Region, "ENDPOINT": &c.Endpoint, "ACCESS_KEY": &c.AccessKey, "SECRET_KEY": &c.SecretKey} {
		*to = os.Getenv("BALSONG_TEST_S3_" + name)
		t.Setenv("BALSONG_S3_"+name, *to)
	}
	if t.Setenv("BALSONG_S3_BUCKET", c.Bucket); c.Endpoint == "" {
		t.Fatal("this test needs the components: run through `make test`")
	}
	packs, err := s3.New(t.Context(), core.S3Config(c), &memory.Metrics{})
	if err == nil {
		err = packs.EnsureBucket(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.Bucket
}

func TestANewFileReplacesNothingAndAnAbandonedOneLeavesNothing(t *testing.T) {
	bucket := newBucket(t)
	for _, name := range []string{filepath.Join(t.TempDir(), "export.csv"), "s3://" + bucket + "/export/export.csv"} {
		for _, given := range []error{io.ErrUnexpectedEOF, nil} {
			file, err := Create(t.Context(), name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, err = io.WriteString(file, "a row\n")
			if err := Finish(file, errors.Join(err, given)); !errors.Is(err, given) {
				t.Errorf("%s: %v", name, err)
			}
			read, err := Open(t.Context(), name)
			if (err == nil) != (given == nil) {
				t.Fatalf("%s after %v: %v", name, given, err)
			}
			if err != nil {
				continue
			}
			if text, err := io.ReadAll(read); err != nil || string(text) != "a row\n" || read.Close() != nil {
				t.Errorf("%s: %q, %v", name, text, err)
			}
		}
		if _, err := Create(t.Context(), name); !errors.Is(err, os.ErrExist) && !errors.Is(err, s3.ErrExists) {
			t.Errorf("%s again: %v", name, err)
		}
	}
}

func TestRefusedRowsBecomeAnObjectThoughTheImportWasStopped(t *testing.T) {
	bucket := newBucket(t)
	stopped, stop := context.WithCancel(t.Context())
	out := NewLate(stopped, "s3://"+bucket+"/rejects.csv")
	_, err := io.WriteString(out, "refused")
	stop()
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	object, err := OpenObject(t.Context(), out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(object); err != nil || string(text) != "refused" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestRowsThatHaveNoTemporaryFileAreNotSaidToBeInTheObject(t *testing.T) {
	t.Setenv("TMPDIR", "/no/such/directory")
	object := &lateObject{upload{ctx: t.Context(), url: "s3://bucket/rejects.csv"}}
	if _, err := object.Write([]byte("C-1\n")); err == nil || !strings.Contains(err.Error(), object.url) {
		t.Errorf("written: %v", err)
	}
	if err := object.Close(); err == nil {
		t.Error("closed without an error, as if the object had the row")
	}
}
