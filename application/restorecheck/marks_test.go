package restorecheck

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

func TestATallyCountsEachKeyByItsLastState(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	counted, want := newTally(), map[key.Delivery]attempt.State{}
	for range 20_000 {
		k := key.Delivery{Month: key.Month(24_000 + random.IntN(2)), UserID: 1 + random.Int64N(300) + key.CopyStep*random.Int64N(2), Attempt: int16(random.IntN(3)), Round: int16(random.IntN(2))}
		if got := counted.state(k); got != want[k] {
			t.Fatalf("%s is %q, want %q", k, got, want[k])
		}
		want[k] = attempt.States[random.IntN(len(attempt.States))]
		counted.set(k, want[k])
	}
	rows := map[attempt.State]int{}
	for _, state := range want {
		rows[state]++
	}
	for _, state := range attempt.States {
		if counted.rows[state] != rows[state] {
			t.Errorf("%d are %s, want %d", counted.rows[state], state, rows[state])
		}
	}
}

// BenchmarkTally tells what a key takes (ADR 0055).
func BenchmarkTally(b *testing.B) {
	for name, apart := range map[string]int64{"neighbours": 1, "far apart": 1000} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				const keys = 1_000_000
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				counted := newTally()
				for n := range int64(keys) {
					counted.set(key.Delivery{Month: 24_000, UserID: 1 + n*apart}, attempt.Succeeded)
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/keys, "B/key")
				runtime.KeepAlive(counted)
			}
		})
	}
}
