package s3

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func variable(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run through `make test`, or set it", name)
	}
	return value
}

// realConfig names a bucket that nobody else uses, on the store that the environment names.
func realConfig(t testing.TB) Config {
	t.Helper()
	return Config{
		Bucket:   "test-" + strings.ToLower(rand.Text()),
		Endpoint: variable(t, "BALSONG_TEST_S3_ENDPOINT"), Region: variable(t, "BALSONG_TEST_S3_REGION"),
		AccessKey: variable(t, "BALSONG_TEST_S3_ACCESS_KEY"), SecretKey: variable(t, "BALSONG_TEST_S3_SECRET_KEY"),
	}
}

func mustNew(t testing.TB, config Config, metrics port.Metrics) *Packs {
	t.Helper()
	p, err := New(t.Context(), config, metrics)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPacksKeepThePortsPromisesOnARealStore(t *testing.T) {
	t.Parallel()
	config := realConfig(t)
	if err := mustNew(t, config, &counts{}).EnsureBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	porttest.Packs(t, func(t testing.TB) port.Packs { return mustNew(t, config, &counts{}) })
	porttest.PackStore(t, func(t testing.TB) porttest.PackStorage { return mustNew(t, config, &counts{}) })
}

func TestTheBucketIsMadeOnceAndItsAbsenceEndsAWriterAndIsWaitedForByAReader(t *testing.T) {
	t.Parallel()
	p := mustNew(t, realConfig(t), &counts{})
	if _, err := p.Put(t.Context(), "2026-11/a", [][]byte{[]byte("one")}); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("Put without a bucket: %v", err)
	}
	ref := port.StatementRef{Bucket: p.config.Bucket, Key: "2026-11/a", Length: 3, SHA256: make([]byte, 32)}
	if _, err := p.Get(t.Context(), ref, nil); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("Get without a bucket: %v", err)
	}
	for range 2 {
		if err := p.EnsureBucket(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Put(t.Context(), "2026-11/a", [][]byte{[]byte("one")}); err != nil {
		t.Errorf("Put with its bucket: %v", err)
	}
	denied := p.config
	denied.SecretKey += "x"
	if _, err := mustNew(t, denied, &counts{}).Get(t.Context(), ref, nil); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("Get with a wrong secret: %v", err)
	}
}
