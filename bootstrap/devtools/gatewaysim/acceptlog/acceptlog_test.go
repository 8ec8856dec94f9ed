package acceptlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var instant = time.Date(2026, 11, 22, 9, 0, 0, 123456789, time.UTC)

func record(key string) Record {
	return Record{
		Time: instant, Channel: "SMS", IdempotencyKey: key,
		Destination: HashDestination("Kim@Example.com"), Content: HashContent([]byte("hello")),
	}
}

func readAll(t *testing.T, path string) (records []Record, torn bool) {
	t.Helper()
	torn, err := ReadFile(path, func(r Record) error { records = append(records, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return records, torn
}

func TestRecordsReadBackAsWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	w, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := record("b\"\\\x01\x7f한😀")
	refused.Class = "temporary"
	if err := w.Note(refused); err != nil {
		t.Fatal(err)
	}
	if sequence, err := w.Accept(record("a")); err != nil || sequence != 2 {
		t.Fatalf("sequence %d, %v", sequence, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Accept(record("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	records, torn := readAll(t, path)
	refused.Sequence = 1
	accepted := record("a")
	accepted.Sequence, accepted.Accepted = 2, true
	if torn || len(records) != 2 || records[0] != refused || records[1] != accepted {
		t.Errorf("torn %t, records %+v", torn, records)
	}
	if HashDestination("KIM@example.com") != records[0].Destination {
		t.Error("the hash of a destination depends on its case")
	}
}

func TestATornLastLineIsPassedOverAndCutOff(t *testing.T) {
	t.Parallel()
	whole := string(appendLine(nil, &Record{Sequence: 1, Time: instant, Accepted: true, Channel: "SMS"}))
	second := string(appendLine(nil, &Record{Sequence: 2, Time: instant, Accepted: true, Channel: "SMS"}))
	for _, before := range []string{"", whole} {
		for cut := range len(second) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(before+second[:cut]), 0o600); err != nil {
				t.Fatal(err)
			}
			known := strings.Count(before, "\n")
			last := uint64(known)
			complete := cut == len(second)-1 // a line that lacks its line feed alone is whole: it may have been accepted
			if complete {
				known, last = known+1, 2
			}
			if records, torn := readAll(t, path); len(records) != known || torn != (cut > 0 && !complete) {
				t.Fatalf("cut at %d: %d records, torn %t", cut, len(records), torn)
			}
			w, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			sequence, err := w.Accept(record("next"))
			if err := errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			if records, torn := readAll(t, path); len(records) != known+1 || torn || sequence != last+1 {
				t.Fatalf("cut at %d, continued: %d records, torn %t, sequence %d", cut, len(records), torn, sequence)
			}
		}
	}
}

func TestDamageInTheMiddleIsAnErrorThatNamesTheLine(t *testing.T) {
	t.Parallel()
	line := string(appendLine(nil, &Record{Sequence: 1, Time: instant, Channel: "SMS"}))
	for name, damage := range map[string]string{
		"half a line": line[:40] + "\n", "an empty line": "\n", "too long": strings.Repeat("x", 1<<18) + "\n",
	} {
		n := 0
		_, err := read(strings.NewReader(line+damage+line), func(Record) error { n++; return nil })
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "line 2") || n != 1 {
			t.Errorf("%s: %d records, then %v", name, n, err)
		}
	}
}

func TestAFileThatIsNoLogIsNotContinued(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("opened")
	}
}

// memoryFile records what was written and what of it is durable.
type memoryFile struct {
	mu      sync.Mutex
	written bytes.Buffer
	durable int
	fail    error
}

func (f *memoryFile) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written.Write(b)
}

func (f *memoryFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.durable = f.written.Len()
	return f.fail
}

func (f *memoryFile) Close() error { return nil }

func (f *memoryFile) holds(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Contains(f.written.Bytes()[:f.durable], []byte(`"`+key+`"`))
}

func TestAcceptReturnsWhenDurableAndManyShareOneSync(t *testing.T) {
	t.Parallel()
	file := &memoryFile{}
	w := NewWriter(file, 1)
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			key := fmt.Sprintf("key-%d", i)
			if _, err := w.Accept(record(key)); err != nil || !file.holds(key) {
				t.Errorf("%s: %v, durable %v", key, err, file.holds(key))
			}
		})
	}
	all.Wait()
	if syncs := w.Syncs(); syncs == 0 || syncs > 200 {
		t.Errorf("%d syncs for 1000 records", syncs)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFailedSyncIsToldToThoseWhoWaitAndIsFinal(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	w := NewWriter(&memoryFile{fail: full}, 1)
	for range 2 {
		if _, err := w.Accept(record("a")); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	}
	if err := w.Close(); !errors.Is(err, full) {
		t.Errorf("Close: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	line := appendLine(nil, &Record{Sequence: 1, Time: instant, Channel: "SMS", Class: "content"})
	f.Add(line)
	f.Add([]byte("{\"sequence\":1"))
	f.Add([]byte("\n\n{}\nnull"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		torn, err := read(bytes.NewReader(data), func(Record) error { n++; return nil })
		whole := bytes.Count(data, []byte("\n"))
		switch {
		case err != nil && (torn || !errors.Is(err, ErrMalformed) || n >= whole):
			t.Errorf("%d records of %d whole lines, torn %t: %v", n, whole, torn, err)
		case err == nil && n != whole && (torn || n != whole+1):
			t.Errorf("%d records of %d whole lines, torn %t", n, whole, torn)
		}
	})
}

func FuzzAppendLine(f *testing.F) {
	f.Add("2026-11/1/0/0")
	f.Add("\"\\\x00\x7f\xff한😀")
	f.Fuzz(func(t *testing.T, key string) {
		line := appendLine(nil, &Record{Sequence: 1, Time: instant, IdempotencyKey: key})
		var got, want Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		standard, err := json.Marshal(Record{Sequence: 1, Time: instant, IdempotencyKey: key})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(standard, &want); err != nil {
			t.Fatal(err)
		}
		if got != want || bytes.Count(line, []byte("\n")) != 1 {
			t.Errorf("%s reads as %+v, want %+v", line, got, want)
		}
	})
}
