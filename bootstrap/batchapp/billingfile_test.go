package batchapp

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
)

func TestTheStandardInputIsKeptWithinABoundAndReadTwice(t *testing.T) {
	t.Parallel()
	file, err := spool(strings.NewReader("one\ntwo\n"), 8)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := os.Stat(file.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file has a name: %v", err)
	}
	for range 2 {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(file); err != nil || string(got) != "one\ntwo\n" || file.size() != 8 {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := spool(bytes.NewReader(make([]byte, 9)), 8); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("more than the bound: %v", err)
	}
	if _, err := spool(io.MultiReader(strings.NewReader("one"), failing{}), 8); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("an input that breaks off: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWhatBelongsToAFileLiesBesideIt(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][2]string{
		"bills.csv": {"bills.csv", "rejects.csv"}, filepath.Join("a", "b.csv"): {"b.csv", filepath.Join("a", "rejects.csv")},
		"s3://billing/2026-11/bills.csv": {"bills.csv", "s3://billing/2026-11/rejects.csv"}, "s3://billing/bills.csv": {"bills.csv", "s3://billing/rejects.csv"},
		"-": {"stdin", "rejects.csv"},
	} {
		if got := [2]string{baseName(file), beside(file, "rejects.csv")}; got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
	if _, err := openBillingFile(t.Context(), "s3://bucket", nil); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "s3://bucket/key") {
		t.Errorf("an object without a key: %v", err)
	}
	a := importArguments{month: 2026*12 + 10, zone: "UTC"}
	if _, err := a.named(t.Context(), []string{"-", "-"}); err == nil || !strings.Contains(err.Error(), "once") {
		t.Errorf("the standard input twice: %v", err)
	}
}
