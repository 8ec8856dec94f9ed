package porttest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/balsong/balsong/application/port"
)

// Shelf is a store of packs that can also remove them.
type Shelf interface {
	port.Packs
	port.PackShelf
}

// PackShelf runs the suite of port.PackShelf. Two calls of open may share a store; the suite's pack names are its own.
func PackShelf(t *testing.T, open func(t testing.TB) Shelf) { Run(t, PackShelfChecks(), open) }

// PackShelfChecks are the promises of port.PackShelf.
func PackShelfChecks() []Check[Shelf] {
	return []Check[Shelf]{
		{"weighs and removes the packs of one prefix, and no other", shelfRemoves},
		{"removes more packs than one request takes", shelfMany},
		{"refuses to remove everything", shelfEverything},
	}
}

func shelfWeighs(t testing.TB, s Shelf, prefix string, want port.PackWeight) {
	t.Helper()
	if got, err := s.Weigh(t.Context(), prefix); err != nil || got != want {
		t.Errorf("%s weighs %+v (%v), want %+v", prefix, got, err, want)
	}
}

func shelfRemoves(t testing.TB, open func(testing.TB) Shelf) {
	s, entries := open(t), packEntries(21, 100, 50)
	gone := mustPut(t, s, "2031-11/000001-ab", entries)
	mustPut(t, s, "2031-11/000002-cd", entries[:1])
	kept := mustPut(t, s, "2031-1/000001-ab", entries)
	shelfWeighs(t, s, "2031-11/", port.PackWeight{Packs: 2, Bytes: 250})
	mustGet(t, s, gone, entries)
	var told []port.PackWeight
	for _, want := range []port.PackWeight{{Packs: 2, Bytes: 250}, {}} {
		told = nil
		got, err := s.Remove(t.Context(), "2031-11/", func(w port.PackWeight) { told = append(told, w) })
		if err != nil || got != want || want.Packs > 0 && (len(told) == 0 || told[len(told)-1] != want) {
			t.Errorf("removed %+v (told %+v, %v), want %+v", got, told, err, want)
		}
		shelfWeighs(t, s, "2031-11/", port.PackWeight{})
	}
	if _, err := s.Get(t.Context(), gone[0], nil); !errors.Is(err, port.ErrContent) {
		t.Errorf("what is removed: %v, want ErrContent", err)
	}
	mustGet(t, s, kept, entries)
}

func shelfMany(t testing.TB, open func(testing.TB) Shelf) {
	s, entries := open(t), packEntries(22, 10)
	const many = 1005
	for i := range many {
		mustPut(t, s, fmt.Sprintf("2031-12/%06d", i), entries)
	}
	shelfWeighs(t, s, "2031-12/", port.PackWeight{Packs: many, Bytes: 10 * many})
	if got, err := s.Remove(t.Context(), "2031-12/", nil); err != nil || got.Packs != many {
		t.Errorf("removed %+v, %v", got, err)
	}
	shelfWeighs(t, s, "2031-12/", port.PackWeight{})
}

func shelfEverything(t testing.TB, open func(testing.TB) Shelf) {
	s := open(t)
	if _, err := s.Remove(t.Context(), "", nil); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
}
