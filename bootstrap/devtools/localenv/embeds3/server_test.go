package embeds3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child/childtest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embeds3"
)

// running is what the process that a test kills tells of its server.
type running struct {
	DataDir  string `json:"data_dir"`
	Endpoint string `json:"endpoint"`
	Secret   string `json:"secret"`
	PID      int    `json:"pid"`
	ServerIn string `json:"server_in"`
}

var owner = child.Register("test-owner", func(ctx context.Context, link *child.Link) error {
	var r running
	ctx, err := link.Spec(ctx, &r)
	if err != nil {
		return err
	}
	server, err := embeds3.Start(ctx, embeds3.Options{DataDir: r.DataDir})
	if err != nil {
		return err
	}
	directory, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", server.PID()))
	if err != nil {
		return err
	}
	if err := link.Ready(running{
		Endpoint: server.Endpoint(), Secret: server.SecretKey(), PID: server.PID(), ServerIn: directory,
	}); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
})

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func start(t *testing.T, options embeds3.Options) *embeds3.Server {
	t.Helper()
	options.Log = t.Output()
	server, err := embeds3.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		childtest.WaitGone(t, server.PID())
	})
	return server
}

func newClient(endpoint, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint), Region: embeds3.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("balsong", secret, ""),
	})
}

func client(server *embeds3.Server) *s3.Client {
	return newClient(server.Endpoint(), server.SecretKey())
}

func put(t *testing.T, c *s3.Client, bucket, key string, content []byte) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(content),
	}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, c *s3.Client, bucket, key, byteRange string) []byte {
	t.Helper()
	input := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if byteRange != "" {
		input.Range = &byteRange
	}
	object, err := c.GetObject(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = object.Body.Close() }()
	content, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func createBucket(t *testing.T, c *s3.Client, bucket string) {
	t.Helper()
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
}

func TestServerKeepsObjectsAndAnswersRanges(t *testing.T) {
	t.Parallel()
	c := client(start(t, embeds3.Options{}))
	const bucket, key = "statements", "2026-11/pack-1"
	_, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(bucket)})
	if missing := new(types.NotFound); !errors.As(err, &missing) {
		t.Errorf("HeadBucket of a missing bucket: %v, want NotFound", err)
	}
	createBucket(t, c, bucket)
	if _, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Error(err)
	}
	content := bytes.Repeat([]byte("0123456789"), 1<<20)
	put(t, c, bucket, key, content)
	if got := get(t, c, bucket, key, ""); !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back, want the %d that went in", len(got), len(content))
	}
	if got := get(t, c, bucket, key, "bytes=1000003-1000007"); string(got) != "34567" {
		t.Errorf("range = %q, want 34567", got)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("absent")})
	if missing := new(types.NoSuchKey); !errors.As(err, &missing) {
		t.Errorf("GetObject of a missing key: %v, want NoSuchKey", err)
	}
}

func TestServerRefusesAWrongSecret(t *testing.T) {
	t.Parallel()
	server := start(t, embeds3.Options{})
	_, err := newClient(server.Endpoint(), "wrong").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bucket")})
	if err == nil {
		t.Error("a wrong secret was accepted")
	}
}

func TestKilledServerRestartsOnItsPortAndData(t *testing.T) {
	t.Parallel()
	server := start(t, embeds3.Options{})
	c := client(server)
	createBucket(t, c, "bucket")
	put(t, c, "bucket", "key", []byte("content"))
	if err := server.Restart(t.Context()); !errors.Is(err, child.ErrRunning) {
		t.Errorf("Restart of a running server: %v, want ErrRunning", err)
	}
	for _, end := range []func() error{server.Kill, server.Shutdown, server.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := get(t, c, "bucket", "key", ""); string(got) != "content" {
			t.Fatalf("object = %q, want content", got)
		}
	}
}

func startOwner(t *testing.T, dir string) (*child.Process, running) {
	t.Helper()
	p, err := child.Start(t.Context(), child.Options{Role: owner, Spec: running{DataDir: dir}, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	var r running
	if err := p.Info(&r); err != nil {
		t.Fatal(err)
	}
	return p, r
}

func TestObjectsOutliveTheKilledOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p, r := startOwner(t, dir)
	createBucket(t, newClient(r.Endpoint, r.Secret), "bucket")
	put(t, newClient(r.Endpoint, r.Secret), "bucket", "key", []byte("content"))
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	server := start(t, embeds3.Options{DataDir: dir}) // at once: it waits for the old one
	if got := get(t, client(server), "bucket", "key", ""); string(got) != "content" {
		t.Errorf("object = %q, want content", got)
	}
	childtest.WaitGone(t, r.PID)
}

func TestTemporaryObjectsGoWithTheKilledOwner(t *testing.T) {
	t.Parallel()
	p, r := startOwner(t, "")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	childtest.WaitGone(t, r.PID)
	waittest.Until(t, "the removal of "+r.ServerIn, func() bool {
		_, err := os.Stat(filepath.Dir(r.ServerIn))
		return errors.Is(err, os.ErrNotExist)
	})
}
