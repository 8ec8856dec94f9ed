package porttest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/balsong/balsong/application/port"
)

// PackStorage is a store of packs that can also remove them.
type PackStorage interface {
	port.Packs
	port.PackStore
}

// PackStore runs the suite of port.PackStore. Two calls of open may share a store; the suite's pack names are its own.
func PackStore(t *testing.T, open func(t testing.TB) PackStorage) { Run(t, PackStoreChecks(), open) }

// PackStoreChecks are the promises of port.PackStore.
func PackStoreChecks() []Check[PackStorage] {
	return []Check[PackStorage]{
		{"measures and removes the packs of one prefix, and no other", packStoreRemoves},
		{"removes more packs than one request takes", packStoreMany},
		{"refuses to remove everything", packStoreEverything},
	}
}

func packsSize(t testing.TB, s PackStorage, prefix string, want port.PackSize) {
	t.Helper()
	if got, err := s.Size(t.Context(), prefix); err != nil || got != want {
		t.Errorf("the size of %s is %+v (%v), want %+v", prefix, got, err, want)
	}
}

func packStoreRemoves(t testing.TB, open func(testing.TB) PackStorage) {
	s, entries := open(t), packEntries(21, 100, 50)
	gone := mustPut(t, s, "2031-11/000001-ab", entries)
	mustPut(t, s, "2031-11/000002-cd", entries[:1])
	kept := mustPut(t, s, "2031-1/000001-ab", entries)
	packsSize(t, s, "2031-11/", port.PackSize{Packs: 2, Bytes: 250})
	mustGet(t, s, gone, entries)
	var told []port.PackSize
	for _, want := range []port.PackSize{{Packs: 2, Bytes: 250}, {}} {
		told = nil
		got, err := s.Remove(t.Context(), "2031-11/", func(w port.PackSize) { told = append(told, w) })
		if err != nil || got != want || want.Packs > 0 && (len(told) == 0 || told[len(told)-1] != want) {
			t.Errorf("removed %+v (told %+v, %v), want %+v", got, told, err, want)
		}
		packsSize(t, s, "2031-11/", port.PackSize{})
	}
	if _, err := s.Get(t.Context(), gone[0], nil); !errors.Is(err, port.ErrContent) {
		t.Errorf("what is removed: %v, want ErrContent", err)
	}
	mustGet(t, s, kept, entries)
}

func packStoreMany(t testing.TB, open func(testing.TB) PackStorage) {
	s, entries := open(t), packEntries(22, 10)
	const many = 1005
	for i := range many {
		mustPut(t, s, fmt.Sprintf("2031-12/%06d", i), entries)
	}
	packsSize(t, s, "2031-12/", port.PackSize{Packs: many, Bytes: 10 * many})
	if got, err := s.Remove(t.Context(), "2031-12/", nil); err != nil || got.Packs != many {
		t.Errorf("removed %+v, %v", got, err)
	}
	packsSize(t, s, "2031-12/", port.PackSize{})
}

func packStoreEverything(t testing.TB, open func(testing.TB) PackStorage) {
	s := open(t)
	if _, err := s.Remove(t.Context(), "", nil); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
}
