package generate

import (
	"bytes"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/domain/key"
)

// BenchmarkChunk makes a chunk of the twelfth month on one core; a row is one operation of 2,048.
func BenchmarkChunk(b *testing.B) {
	for _, compress := range []string{None, Gzip, Zstd} {
		b.Run(compress, func(b *testing.B) {
			w, err := newWorld(Options{Since: key.Month(24312)}, demodata.Telco())
			if err != nil {
				b.Fatal(err)
			}
			m, err := newMaker(w, compress)
			if err != nil {
				b.Fatal(err)
			}
			var into bytes.Buffer
			b.ReportAllocs()
			from := 0
			for b.Loop() {
				if err := m.chunk(&into, key.Month(24323), from, chunkRows, false); err != nil {
					b.Fatal(err)
				}
				from += chunkRows
			}
			b.ReportMetric(float64(chunkRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(into.Len())/chunkRows, "bytes/row")
		})
	}
}
