package kafka

import (
	"math/rand/v2"
	"testing"
)

func TestTheTrackerCommitsTheContiguousPrefixAlone(t *testing.T) {
	t.Parallel()
	tr := &tracker{}
	if _, risen := tr.committable(); risen {
		t.Fatal("something is to be committed before anything was done")
	}
	first, second, third := tr.add(10), tr.add(11), tr.add(17) // 12 to 16 were compacted away
	third.finish()
	second.finish()
	if offset, risen := tr.committable(); risen {
		t.Fatalf("would commit %d although offset 10 is not done", offset)
	}
	first.finish()
	if offset, risen := tr.committable(); !risen || offset != 18 {
		t.Fatalf("committable %d (risen: %v), want 18", offset, risen)
	}
	if _, risen := tr.committable(); risen {
		t.Fatal("the same offset is to be committed twice")
	}
	first.finish()
	if offset, _ := tr.committable(); offset != 18 {
		t.Fatalf("done twice moved the offset to %d", offset)
	}
}

// In any order of finishing, with gaps, the committable offset lies behind the longest done prefix and never falls.
func TestTheTrackerHoldsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		tr := &tracker{}
		var offsets []int64
		var handed []*pending
		done := make(map[int]bool)
		next := random.Int64N(1000)
		for len(done) < 200 {
			if len(handed) < 200 && (len(done) == len(handed) || random.IntN(2) == 0) {
				offsets, handed = append(offsets, next), append(handed, tr.add(next))
				next += 1 + random.Int64N(3)
				continue
			}
			pick := random.IntN(len(handed))
			handed[pick].finish()
			done[pick] = true
			want := int64(0)
			for i := 0; done[i]; i++ {
				want = offsets[i] + 1
			}
			if got, _ := tr.committable(); got != want {
				t.Fatalf("seed %d: committable %d, want %d", seed, got, want)
			}
		}
		if tr.unfinished() != 0 {
			t.Fatalf("seed %d: %d messages are still held", seed, tr.unfinished())
		}
	}
}
