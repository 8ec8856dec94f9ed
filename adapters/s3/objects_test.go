package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/balsong/balsong/application/port"
)

func TestAnObjectIsReadTwiceAsAFileAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	config := realConfig(t)
	if err := mustNew(t, config, &counts{}).EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	objects, err := NewObjects(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	for n := 0; whole.Len() <= 2*rangeBytes; n++ {
		fmt.Fprintf(&whole, "row %d\n", n)
	}
	if err := objects.Create(t.Context(), config.Bucket, "in/bills.csv", bytes.NewReader(whole.Bytes()), int64(whole.Len())); err != nil {
		t.Fatal(err)
	}
	if err := objects.Create(t.Context(), config.Bucket, "in/bills.csv", strings.NewReader("x"), 1); !errors.Is(err, ErrExists) {
		t.Errorf("an object was overwritten: %v", err)
	}
	object, err := objects.Open(t.Context(), config.Bucket, "in/bills.csv")
	if err != nil || object.Size() != int64(whole.Len()) {
		t.Fatalf("%+v, %v", object, err)
	}
	for range 2 {
		if _, err := object.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(object); err != nil || !bytes.Equal(got, whole.Bytes()) {
			t.Errorf("%d bytes of %d, %v", len(got), whole.Len(), err)
		}
	}
	for range 2 { // the second time from the middle of what was fetched
		some := make([]byte, 9)
		if _, err := object.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(object, some); err != nil || string(some) != "row 0\nrow" {
			t.Errorf("the beginning is %q, %v", some, err)
		}
	}
	if at, err := object.Seek(-3, io.SeekEnd); err != nil || at != object.Size()-3 {
		t.Errorf("at %d, %v", at, err)
	}
	if _, err := object.Seek(1, io.SeekCurrent); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(object); err != nil || string(got) != whole.String()[whole.Len()-2:] {
		t.Errorf("the end is %q, %v", got, err)
	}
	if err := object.Unchanged(); err != nil {
		t.Error(err)
	}
	_, err = objects.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(config.Bucket), Key: aws.String("in/bills.csv"), Body: bytes.NewReader(bytes.ToUpper(whole.Bytes()))})
	if err != nil {
		t.Fatal(err)
	}
	if err := object.Unchanged(); !errors.Is(err, ErrChanged) {
		t.Errorf("replaced: %v", err)
	}
	if _, err := object.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(object); !errors.Is(err, ErrChanged) {
		t.Errorf("read although it was replaced: %v", err)
	}
	for _, missing := range [][2]string{{config.Bucket, "none"}, {config.Bucket + "-none", "none"}} {
		if _, err := objects.Open(t.Context(), missing[0], missing[1]); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%v: %v", missing, err)
		}
	}
}

func TestABodyThatBreaksOffIsAskedForAgainAndARefusalIsNot(t *testing.T) {
	t.Parallel()
	const body = "customer_number,amount\n"
	tries := 0
	s := &stub{}
	s.become([]byte(body), func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("ETag", `"one"`)
		switch {
		case r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/secret"):
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodGet:
			if tries++; tries == 1 {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = io.WriteString(w, body[:5])
				return true
			}
			return false
		default:
			return false
		}
		return true
	})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	objects, err := NewObjects(t.Context(), Config{
		Bucket: "bucket", Region: "ap-northeast-2", Endpoint: server.URL, AccessKey: "a", SecretKey: "s", Calls: Calls{Tries: 2, maxBackoff: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	object, err := objects.Open(t.Context(), "bucket", "bills.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(object); err != nil || string(got) != body || tries != 2 {
		t.Errorf("%q after %d tries, %v", got, tries, err)
	}
	if _, err := objects.Open(t.Context(), "bucket", "secret"); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "s3:GetObject") {
		t.Errorf("refused: %v", err)
	}
}

// The store writes, and its answer is lost: what the SDK's repetition meets is this write's own object, or somebody else's.
func TestAWriteWhoseAnswerIsLostIsDoneAndSomebodyElsesObjectStays(t *testing.T) {
	t.Parallel()
	var stored http.Header
	lose := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead && stored == nil:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodHead:
			for name := range stored {
				if strings.HasPrefix(name, "X-Amz-Meta-") {
					w.Header().Set(name, stored.Get(name))
				}
			}
		case stored != nil:
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code></Error>")
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			if stored = r.Header.Clone(); lose {
				panic(http.ErrAbortHandler)
			}
			stored.Set("X-Amz-Meta-Balsong-Attempt", "another's") // it came first
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code></Error>")
		}
	}))
	t.Cleanup(server.Close)
	objects, err := NewObjects(t.Context(), Config{
		Bucket: "bucket", Region: "ap-northeast-2", Endpoint: server.URL, AccessKey: "a", SecretKey: "s", Calls: Calls{Tries: 2, maxBackoff: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	write := func() error {
		return objects.Create(t.Context(), "bucket", "export/unreached.csv", strings.NewReader("a,b\n"), 4)
	}
	if err := write(); err != nil {
		t.Errorf("it is written, and said to be %v", err)
	}
	if err := write(); !errors.Is(err, ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	stored, lose = nil, false
	if err := write(); !errors.Is(err, ErrExists) {
		t.Errorf("somebody else was quicker: %v", err)
	}
}
