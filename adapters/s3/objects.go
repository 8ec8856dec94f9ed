package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/balsong/balsong/application/port"
)

// ErrChanged says that an object is no longer the one that was opened.
var ErrChanged = errors.New("the object was replaced")

// ErrExists says that an object of that name is there, which is never overwritten.
var ErrExists = errors.New("there is such an object already")

// Objects reads and writes files that are objects of any bucket, through the plain S3 API. The account needs
// s3:GetObject and s3:ListBucket for what is read, s3:PutObject for what is written.
type Objects struct {
	config Config
	client *s3.Client
}

// NewObjects returns the objects of a store; it does not connect yet. ErrInvalid where a setting cannot work.
func NewObjects(ctx context.Context, config Config) (*Objects, error) {
	config, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("objects on S3: %w", err)
	}
	client, err := config.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("objects on S3: %w", err)
	}
	return &Objects{config, client}, nil
}

// ParseURL splits s3://bucket/key; ok is false for everything else.
func ParseURL(text string) (bucket, key string, ok bool) {
	rest, found := strings.CutPrefix(text, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, found && bucket != "" && key != ""
}

// rangeBytes is how much of an object one request reads.
const rangeBytes = 4 << 20

// Object is one object that is read as a file. It is read by ranges of one version (If-Match), without a disk. Not safe for concurrent use.
type Object struct {
	ctx         context.Context // of all requests: io.Reader has no place for it
	from        *Objects
	bucket, key string
	tag         string
	size        int64

	at     int64  // of the next byte that Read returns
	buffer []byte // bytes from at on
}

// Open looks at an object. port.ErrNotFound; ErrInvalid where the store refuses; ErrUnavailable.
func (o *Objects) Open(ctx context.Context, bucket, key string) (*Object, error) {
	object := &Object{ctx: ctx, from: o, bucket: bucket, key: key}
	head, err := object.head()
	if err != nil {
		return nil, err
	}
	object.tag, object.size = aws.ToString(head.ETag), aws.ToInt64(head.ContentLength)
	return object, nil
}

func (o *Object) head() (head *s3.HeadObjectOutput, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, o.from.config.Calls.Timeout)
	defer cancel()
	head, err = o.from.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(o.bucket), Key: aws.String(o.key)})
	return head, o.said(err)
}

// Size returns the bytes of the object.
func (o *Object) Size() int64 { return o.size }

// Unchanged is ErrChanged where the object was replaced since it was opened.
func (o *Object) Unchanged() error {
	head, err := o.head()
	if errors.Is(err, port.ErrNotFound) || err == nil && aws.ToString(head.ETag) != o.tag {
		return fmt.Errorf("s3://%s/%s: %w", o.bucket, o.key, ErrChanged)
	}
	return err
}

// Close implements io.Closer.
func (o *Object) Close() error {
	o.buffer = nil
	return nil
}

// Seek implements io.Seeker.
func (o *Object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return o.at, fmt.Errorf("%w: a place before the beginning of the object", port.ErrInvalid)
	}
	o.at, o.buffer = offset, nil
	return offset, nil
}

// Read implements io.Reader.
func (o *Object) Read(p []byte) (int, error) {
	if len(o.buffer) == 0 {
		if o.at >= o.size {
			return 0, io.EOF
		}
		if err := o.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.buffer)
	o.buffer = o.buffer[n:]
	o.at += int64(n)
	return n, nil
}

// fetch reads the next range. The SDK repeats a request that failed; a body that broke off is asked for again here.
func (o *Object) fetch() (err error) {
	last := min(o.at+rangeBytes, o.size) - 1
	for range o.from.config.Calls.Tries {
		if o.buffer, err = o.get(last); err == nil || !errors.Is(err, port.ErrUnavailable) {
			return err
		}
	}
	return err
}

func (o *Object) get(last int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(o.ctx, o.from.config.Calls.Timeout)
	defer cancel()
	answer, err := o.from.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(o.bucket), Key: aws.String(o.key), IfMatch: aws.String(o.tag), Range: aws.String(fmt.Sprintf("bytes=%d-%d", o.at, last)),
	})
	if err != nil {
		return nil, o.said(err)
	}
	defer func() { _ = answer.Body.Close() }() // what matters was read
	want := last + 1 - o.at
	body, err := io.ReadAll(io.LimitReader(answer.Body, want+1))
	switch {
	case err != nil:
		return nil, o.said(err)
	case int64(len(body)) != want:
		return nil, fmt.Errorf("%w: s3://%s/%s: %d bytes came of %d", port.ErrUnavailable, o.bucket, o.key, len(body), want)
	case aws.ToString(answer.ETag) != o.tag: // a store that does not know If-Match
		return nil, fmt.Errorf("s3://%s/%s: %w", o.bucket, o.key, ErrChanged)
	}
	return body, nil
}

// attempt is the metadata by which a write knows its own object again.
const attempt = "balsong-attempt"

// Create writes a new object. ErrExists where there is one of that name. body is read from its beginning for each try.
func (o *Objects) Create(ctx context.Context, bucket, key string, body io.ReadSeeker, size int64) error {
	object := &Object{ctx: ctx, from: o, bucket: bucket, key: key}
	// A store that does not know If-None-Match would overwrite: so look first.
	if _, err := object.head(); err == nil {
		return fmt.Errorf("s3://%s/%s: %w", bucket, key, ErrExists)
	} else if !errors.Is(err, port.ErrNotFound) {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("write s3://%s/%s: %w", bucket, key, err)
	}
	if size == 0 {
		body = bytes.NewReader(nil)
	}
	kind := "application/octet-stream" // a browser saves it, and shows no customer's page
	if strings.HasSuffix(key, ".csv") {
		kind = "text/csv"
	}
	id := rand.Text()
	_, err := o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), Body: body, ContentLength: aws.Int64(size), IfNoneMatch: aws.String("*"), ContentType: aws.String(kind),
		Metadata: map[string]string{attempt: id},
	})
	if code(err) != "PreconditionFailed" && code(err) != "ConditionalRequestConflict" {
		return object.said(err)
	}
	// The SDK repeats a request whose answer was lost, and then meets what the first one wrote. A PUT that the store takes is whole.
	head, err := object.head()
	switch {
	case err != nil && !errors.Is(err, port.ErrNotFound):
		return err
	case err == nil && head.Metadata[attempt] == id:
		return nil
	}
	return fmt.Errorf("s3://%s/%s: %w", bucket, key, ErrExists)
}

// said translates an error of the store about the object.
func (o *Object) said(err error) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf("s3://%s/%s", o.bucket, o.key)
	if o.ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, o.ctx.Err())
	}
	status := 0
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = answer.HTTPStatusCode()
	}
	switch {
	case code(err) == "NoSuchBucket":
		return fmt.Errorf("%s: %w: the store has no such bucket", what, port.ErrNotFound)
	case code(err) == "NoSuchKey", status == http.StatusNotFound:
		return fmt.Errorf("%s: %w: the store has no such object", what, port.ErrNotFound)
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%s: %w", what, ErrChanged)
	case full(code(err), status):
		return fmt.Errorf("%s: %w: the store has no space left (%s)", what, port.ErrInvalid, cmp.Or(code(err), "HTTP 507"))
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: %w: the store refuses the account (%s): check its keys, and that it has s3:GetObject, s3:PutObject and s3:ListBucket", what, port.ErrInvalid, cmp.Or(code(err), "HTTP 403"))
	default:
		return fmt.Errorf("%s: %w: %w", what, port.ErrUnavailable, err)
	}
}
