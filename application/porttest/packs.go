package porttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/balsong/balsong/application/port"
)

// Packs runs the suite of port.Packs. Two calls of open may share a store; the suite's pack names are its own.
func Packs(t *testing.T, open func(t testing.TB) port.Packs) { Run(t, PacksChecks(), open) }

// PacksChecks are the promises of port.Packs.
func PacksChecks() []Check[port.Packs] {
	return []Check[port.Packs]{
		{"gives each entry back by its reference", packsRoundTrip},
		{"tells length and hash of each entry, in order", packsReferences},
		{"reads entries of any size, wherever they lie", packsSizes},
		{"keeps packs apart", packsApart},
		{"replaces a pack of the same name", packsReplace},
		{"refuses what is not what the reference says", packsRefuse},
		{"refuses empty packs and entries out of bounds", packsBounds},
		{"keeps and changes nothing that was handed in, and gives bytes away", packsBytesAreTheCallers},
		{"stops when the context ends", packsContext},
		{"serves many goroutines at once", packsConcurrent},
	}
}

// packEntries makes entries of the given lengths, no two alike.
func packEntries(seed byte, lengths ...int) [][]byte {
	entries := make([][]byte, len(lengths))
	for i, length := range lengths {
		entries[i] = make([]byte, length)
		block := sha256.Sum256([]byte{seed, byte(i), byte(i >> 8)})
		for at := 0; at < length; at += len(block) {
			copy(entries[i][at:], block[:])
			block = sha256.Sum256(block[:])
		}
	}
	return entries
}

func mustPut(t testing.TB, p port.Packs, name string, entries [][]byte) []port.StatementRef {
	t.Helper()
	refs, err := p.Put(t.Context(), name, entries)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	if len(refs) != len(entries) {
		t.Fatalf("%d references for %d entries", len(refs), len(entries))
	}
	return refs
}

func mustGet(t testing.TB, p port.Packs, refs []port.StatementRef, entries [][]byte) {
	t.Helper()
	for i, ref := range refs {
		got, err := p.Get(t.Context(), ref, nil)
		if err != nil {
			t.Fatalf("Get of entry %d: %v", i, err)
		}
		if !bytes.Equal(got, entries[i]) {
			t.Fatalf("entry %d comes back as something else (%d bytes for %d)", i, len(got), len(entries[i]))
		}
	}
}

func packsRoundTrip(t testing.TB, open func(testing.TB) port.Packs) {
	p, entries := open(t), packEntries(1, 10, 300, 1, 4096, 77)
	refs := mustPut(t, p, "2026-11/round-trip", entries)
	mustGet(t, p, refs, entries)
	buffer := append(make([]byte, 0, 400), "left of what was in it before"...)
	for i, ref := range refs { // one does not fit into it
		if got, err := p.Get(t.Context(), ref, buffer); err != nil || !bytes.Equal(got, entries[i]) {
			t.Fatalf("entry %d comes back into a buffer as something else (%d bytes for %d): %v", i, len(got), len(entries[i]), err)
		}
	}
	mustGet(t, p, refs, entries)          // none of them is in the buffer
	for i := len(refs) - 1; i >= 0; i-- { // in any order, more than once
		mustGet(t, p, refs[i:i+1], entries[i:i+1])
	}
}

func packsReferences(t testing.TB, open func(testing.TB) port.Packs) {
	p, entries := open(t), packEntries(2, 10, 300, 1)
	end := int64(0)
	for i, ref := range mustPut(t, p, "2026-11/references", entries) {
		if hash := sha256.Sum256(entries[i]); !bytes.Equal(ref.SHA256, hash[:]) || ref.Length != int64(len(entries[i])) {
			t.Errorf("entry %d: length %d, hash %x", i, ref.Length, ref.SHA256)
		}
		if ref.Bucket == "" || ref.Key == "" || ref.Offset < end {
			t.Errorf("entry %d: bucket %q, key %q, offset %d behind %d", i, ref.Bucket, ref.Key, ref.Offset, end)
		}
		end = ref.Offset + ref.Length
	}
}

func packsSizes(t testing.TB, open func(testing.TB) port.Packs) {
	p, entries := open(t), packEntries(3, 1, 512<<10-1, 1, 2, 512<<10, 1_500_000, 3, port.MaxEntry, 17)
	mustGet(t, p, mustPut(t, p, "2026-11/sizes", entries), entries)
}

func packsApart(t testing.TB, open func(testing.TB) port.Packs) {
	p := open(t)
	first, second := packEntries(4, 50, 60), packEntries(5, 50, 60)
	a, b := mustPut(t, p, "2026-11/apart", first), mustPut(t, p, "2026-12/apart", second)
	mustGet(t, p, a, first)
	mustGet(t, p, b, second)
}

func packsReplace(t testing.TB, open func(testing.TB) port.Packs) {
	p := open(t)
	first, second := packEntries(6, 50, 60), packEntries(7, 50, 60)
	old := mustPut(t, p, "2026-11/replace", first)
	mustGet(t, p, old, first)
	mustGet(t, p, mustPut(t, p, "2026-11/replace", second), second)
	if _, err := p.Get(t.Context(), old[0], nil); !errors.Is(err, port.ErrContent) {
		t.Errorf("an entry that was replaced: %v, want ErrContent", err)
	}
	mustGet(t, p, mustPut(t, p, "2026-11/replace", first), first)
}

func packsRefuse(t testing.TB, open func(testing.TB) port.Packs) {
	p := open(t)
	refs := mustPut(t, p, "2026-11/refuse", packEntries(8, 100, 100))
	for name, change := range map[string]func(*port.StatementRef){
		"another hash":        func(r *port.StatementRef) { r.SHA256 = refs[1].SHA256 },
		"no hash":             func(r *port.StatementRef) { r.SHA256 = nil },
		"a cut hash":          func(r *port.StatementRef) { r.SHA256 = r.SHA256[:16] },
		"another place":       func(r *port.StatementRef) { r.Offset++ },
		"a negative place":    func(r *port.StatementRef) { r.Offset = -1 },
		"shorter":             func(r *port.StatementRef) { r.Length-- },
		"longer":              func(r *port.StatementRef) { r.Length++ },
		"no length":           func(r *port.StatementRef) { r.Length = 0 },
		"past the end":        func(r *port.StatementRef) { r.Length = 1000 },
		"behind the end":      func(r *port.StatementRef) { r.Offset = 1000 },
		"far behind the end":  func(r *port.StatementRef) { r.Offset = 1 << 40 },
		"longer than allowed": func(r *port.StatementRef) { r.Length = port.MaxEntry + 1 },
		"overflowing":         func(r *port.StatementRef) { r.Offset = 1<<63 - 1 },
		"a pack that is gone": func(r *port.StatementRef) { r.Key += "-gone" },
	} {
		ref := refs[0]
		change(&ref)
		if _, err := p.Get(t.Context(), ref, nil); !errors.Is(err, port.ErrContent) {
			t.Errorf("%s: %v, want ErrContent", name, err)
		}
	}
}

func packsBounds(t testing.TB, open func(testing.TB) port.Packs) {
	p := open(t)
	for name, entries := range map[string][][]byte{
		"no entry": nil, "an empty entry": {[]byte("a"), nil}, "an entry too long": {make([]byte, port.MaxEntry+1)},
	} {
		if _, err := p.Put(t.Context(), "2026-11/bounds", entries); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func packsBytesAreTheCallers(t testing.TB, open func(testing.TB) port.Packs) {
	p, entries, want := open(t), packEntries(9, 100, 100), packEntries(9, 100, 100)
	refs := mustPut(t, p, "2026-11/bytes", entries)
	for i := range entries {
		if !bytes.Equal(entries[i], want[i]) {
			t.Error("Put changed what it was given")
		}
		clear(entries[i])
	}
	got, err := p.Get(t.Context(), refs[0], nil)
	if err != nil {
		t.Fatalf("Put kept the caller's bytes, or: %v", err)
	}
	clear(got)
	_ = append(got, make([]byte, 50)...)
	mustGet(t, p, refs, want)
}

func packsContext(t testing.TB, open func(testing.TB) port.Packs) {
	p, entries := open(t), packEntries(10, 100)
	refs := mustPut(t, p, "2026-11/context", entries)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Put(ctx, "2026-11/context-2", entries); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a context that has ended: %v", err)
	}
	if _, err := p.Get(ctx, refs[0], nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Get with a context that has ended: %v", err)
	}
}

func packsConcurrent(t testing.TB, open func(testing.TB) port.Packs) {
	p := open(t)
	shared := packEntries(11, 900, 800, 700)
	sharedRefs := mustPut(t, p, "2026-11/shared", shared)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			own := packEntries(byte(100+worker), 500, 600)
			refs, err := p.Put(t.Context(), fmt.Sprintf("2026-11/worker-%d", worker), own)
			if err != nil {
				t.Errorf("Put: %v", err)
				return
			}
			refs, want := append(refs, sharedRefs...), append(own, shared...)
			for i, ref := range refs {
				if got, err := p.Get(t.Context(), ref, nil); err != nil || !bytes.Equal(got, want[i]) {
					t.Errorf("worker %d, entry %d: %v", worker, i, err)
				}
			}
		})
	}
	all.Wait()
}
