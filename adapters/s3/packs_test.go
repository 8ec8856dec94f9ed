package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// counts is port.Metrics as a map.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) Record(m *port.Metric, value float64, labels ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[strings.Join(append([]string{m.Name}, labels...), " ")] += int(value)
}

func (c *counts) Clear(*port.Metric, ...string) {}

func (c *counts) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// stub is a store that answers as it is told; objects are served with ranges.
type stub struct {
	requests atomic.Int32

	mu     sync.Mutex
	object []byte
	answer func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

// become changes what the store serves and answers.
func (s *stub) become(object []byte, answer func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.object, s.answer = object, answer
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.mu.Lock()
	object, answer := s.object, s.answer
	s.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(object))
}

func says(status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>so it is</Message></Error>", code)
		return true
	}
}

func setup(t testing.TB, s *stub, change func(*Config)) (*Packs, *counts) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	config := Config{
		Bucket: "b", Region: "ap-northeast-2", Endpoint: server.URL,
		AccessKey: "a", SecretKey: "s", Cache: Cache{BlockBytes: 4 << 10}, Calls: Calls{Tries: 1, maxBackoff: time.Millisecond},
	}
	if change != nil {
		change(&config)
	}
	metrics := &counts{}
	return mustNew(t, config, metrics), metrics
}

func object(size int) []byte {
	made := make([]byte, size)
	for i := range made {
		made[i] = byte(i * 7 / 3)
	}
	return made
}

func refOf(object []byte, offset, length int) port.StatementRef {
	hash := sha256.Sum256(object[offset : offset+length])
	return port.StatementRef{Bucket: "b", Key: "2026-11/p", Offset: int64(offset), Length: int64(length), SHA256: hash[:]}
}

func TestNeighboursShareRequests(t *testing.T) {
	t.Parallel()
	s := &stub{object: object(40_000)} // 10 blocks
	p, metrics := setup(t, s, nil)
	for offset := 0; offset+100 <= len(s.object); offset += 100 {
		if _, err := p.Get(t.Context(), refOf(s.object, offset, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.requests.Load(); n != 10 {
		t.Errorf("400 entries in 10 blocks took %d requests", n)
	}
	if metrics.of(metric.S3Requests.Name+" get_block ok") != 10 || metrics.of(metric.S3TransferredBytes.Name+" read") != 40_000 {
		t.Errorf("counted: %v", metrics.n)
	}
}

func TestThoseWhoAskAtTheSameTimeShareOneRequestAndOutliveEachOther(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := &stub{object: object(4000)}
	s.answer = func(http.ResponseWriter, *http.Request) bool {
		once.Do(func() { close(asked) })
		<-release
		return false
	}
	p, _ := setup(t, s, nil)
	first, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := p.Get(first, refOf(s.object, 0, 10), nil)
		gone <- err
	}()
	<-asked
	errs := make(chan error, 20)
	for i := range 20 {
		go func() {
			_, err := p.Get(t.Context(), refOf(s.object, i*10, 10), nil)
			errs <- err
		}()
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	close(release)
	for range 20 {
		if err := <-errs; err != nil {
			t.Errorf("one who stayed: %v", err)
		}
	}
	if n := s.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestTheCacheIsBoundedByBytesAndKeepsWhatWasUsedLast(t *testing.T) {
	t.Parallel()
	s := &stub{object: object(40_960)}
	p, _ := setup(t, s, func(c *Config) { c.Cache.Bytes = 3 * 4096 })
	get := func(block int) {
		t.Helper()
		if _, err := p.Get(t.Context(), refOf(s.object, block*4096, 10), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, block := range []int{0, 1, 2, 0, 3, 0, 4, 0} {
		get(block)
	}
	if n := s.requests.Load(); n != 5 {
		t.Errorf("%d requests: the block used last was dropped", n)
	}
	get(1)
	if n := s.requests.Load(); n != 6 {
		t.Errorf("%d requests: more is kept than the bound allows", n)
	}
	if p.blocks.size > 3*4096 {
		t.Errorf("%d bytes are kept", p.blocks.size)
	}
}

func TestAPackReplacedByAnotherProcessIsReadAgain(t *testing.T) {
	t.Parallel()
	s := &stub{object: object(8000)}
	p, _ := setup(t, s, nil)
	if _, err := p.Get(t.Context(), refOf(s.object, 0, 100), nil); err != nil {
		t.Fatal(err)
	}
	replaced := bytes.Repeat([]byte("new"), 3000)
	s.become(replaced, nil)
	if got, err := p.Get(t.Context(), refOf(replaced, 30, 30), nil); err != nil || !bytes.Equal(got, replaced[30:60]) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnEntryThatIsNotWhatTheReferenceSaysIsRefused(t *testing.T) {
	t.Parallel()
	s := &stub{object: object(9000)}
	p, _ := setup(t, s, nil)
	for name, offset := range map[string]int{"inside a block": 10, "over two blocks": 4050} {
		ref := refOf(s.object, offset, 100)
		ref.SHA256 = bytes.Clone(ref.SHA256)
		ref.SHA256[31] ^= 1
		for range 2 { // read first, then kept
			if _, err := p.Get(t.Context(), ref, nil); !errors.Is(err, port.ErrContent) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	end := refOf(s.object, 8950, 50)
	end.Length = 51
	if _, err := p.Get(t.Context(), end, nil); !errors.Is(err, port.ErrContent) {
		t.Errorf("past the end: %v", err)
	}
}

func TestErrorsOfTheStoreAreTranslated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   error
	}{
		"gone":           {says(404, "NoSuchKey"), port.ErrContent},
		"pack too short": {says(416, "InvalidRange"), port.ErrContent},
		"no bucket":      {says(404, "NoSuchBucket"), port.ErrUnavailable},
		"denied":         {says(403, "AccessDenied"), port.ErrUnavailable},
		"wrong key":      {says(403, "SignatureDoesNotMatch"), port.ErrUnavailable},
		"slow down":      {says(503, "SlowDown"), port.ErrUnavailable},
		"too many":       {says(429, "TooManyRequests"), port.ErrUnavailable},
		"broken":         {says(500, "InternalError"), port.ErrUnavailable},
		"a proxy's 404":  {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusNotFound); return true }, port.ErrUnavailable},
		"a proxy's 502":  {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }, port.ErrUnavailable},
		"hung up":        {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, port.ErrUnavailable},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "4096")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(make([]byte, 10))
			return true
		}, port.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stub{object: object(8000), answer: c.answer}
			p, _ := setup(t, s, nil)
			_, err := p.Get(t.Context(), refOf(s.object, 0, 100), nil)
			if !errors.Is(err, c.want) || (errors.Is(err, port.ErrContent) && errors.Is(err, port.ErrUnavailable)) {
				t.Errorf("%v, want %v", err, c.want)
			}
			s.become(s.object, nil)
			if _, err := p.Get(t.Context(), refOf(s.object, 0, 100), nil); err != nil {
				t.Errorf("and it stays so: %v", err)
			}
		})
	}
}

func TestAStoreThatIsNotThereOrDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &stub{object: object(8000), answer: func(http.ResponseWriter, *http.Request) bool { <-release; return true }}
	slow, _ := setup(t, s, func(c *Config) { c.Calls.Timeout = 50 * time.Millisecond })
	t.Cleanup(func() { close(release) })
	closed := httptest.NewServer(s)
	closed.Close()
	absent, _ := setup(t, s, func(c *Config) { c.Endpoint = closed.URL })
	for name, p := range map[string]*Packs{"no answer": slow, "not there": absent} {
		if _, err := p.Get(t.Context(), refOf(s.object, 0, 10), nil); !errors.Is(err, port.ErrUnavailable) {
			t.Errorf("%s, Get: %v", name, err)
		}
		if _, err := p.Put(t.Context(), "2026-11/p", [][]byte{{1}}); !errors.Is(err, port.ErrUnavailable) {
			t.Errorf("%s, Put: %v", name, err)
		}
	}
}

func TestATransientFailureOfTheStoreIsRetriedWithinBounds(t *testing.T) {
	t.Parallel()
	s := &stub{object: object(8000)}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		return s.requests.Load() < 3 && says(503, "SlowDown")(w, r)
	}
	p, _ := setup(t, s, func(c *Config) { c.Calls.Tries = 3 })
	if _, err := p.Get(t.Context(), refOf(s.object, 0, 10), nil); err != nil {
		t.Errorf("after two refusals: %v", err)
	}
	s.become(s.object, says(503, "SlowDown"))
	s.requests.Store(0)
	if _, err := p.Get(t.Context(), refOf(s.object, 4096, 10), nil); !errors.Is(err, port.ErrUnavailable) || s.requests.Load() != 3 {
		t.Errorf("%d requests, %v", s.requests.Load(), err)
	}
}

func TestAStoreWithoutRangesIsNotTrusted(t *testing.T) {
	t.Parallel()
	s := &stub{object: object(9000)}
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.Write(s.object); return true }
	p, _ := setup(t, s, nil)
	if _, err := p.Get(t.Context(), refOf(s.object, 0, 10), nil); err != nil {
		t.Errorf("the first block: %v", err)
	}
	if _, err := p.Get(t.Context(), refOf(s.object, 5000, 10), nil); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("the second block: %v", err)
	}
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]Config{
		"no bucket": {Region: "r"}, "no region": {Bucket: "b"}, "half an account": {Bucket: "b", Region: "r", AccessKey: "a"},
		"tiny blocks": {Bucket: "b", Region: "r", Cache: Cache{BlockBytes: 10}}, "no tries": {Bucket: "b", Region: "r", Calls: Calls{Tries: -1}},
	} {
		if _, err := New(t.Context(), config, &counts{}); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkGetCached(b *testing.B) {
	s := &stub{object: object(1 << 20)}
	p, _ := setup(b, s, func(c *Config) { c.Cache.BlockBytes = 512 << 10 })
	refs := make([]port.StatementRef, 100)
	for i := range refs {
		refs[i] = refOf(s.object, i*10_000, 10_000)
	}
	i := 0
	for b.Loop() {
		if _, err := p.Get(b.Context(), refs[i%100], nil); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func TestAPackForABucketThatIsNotThereIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	p, _ := setup(t, &stub{answer: says(404, "NoSuchBucket")}, nil)
	_, err := p.Put(t.Context(), "pack", [][]byte{[]byte("statement")})
	if !errors.Is(err, port.ErrInvalid) || errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), "BALSONG_S3_BUCKET") {
		t.Error(err)
	}
}

func TestAWriteThatIsForbiddenIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	s := &stub{answer: says(403, "AccessDenied")}
	p, _ := setup(t, s, nil)
	_, err := p.Put(t.Context(), "pack", [][]byte{[]byte("statement")})
	for what, err := range map[string]error{"put": err, "ensure the bucket": p.EnsureBucket(t.Context())} {
		if !errors.Is(err, port.ErrInvalid) || errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), "BALSONG_S3_ACCESS_KEY") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAPackForWhichTheStoreHasNoRoomIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	for status, codes := range map[int][]string{
		http.StatusInsufficientStorage: {"InsufficientStorage", "XMinioStorageFull", ""},
		http.StatusForbidden:           {"QuotaExceeded"},
		http.StatusBadRequest:          {"XMinioAdminBucketQuotaExceeded"},
	} {
		for _, code := range codes {
			p, _ := setup(t, &stub{answer: says(status, code)}, nil)
			_, err := p.Put(t.Context(), "pack", [][]byte{[]byte("statement")})
			if !errors.Is(err, port.ErrInvalid) || errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("%d %s: %v", status, code, err)
			}
		}
	}
}
