package generate

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/balsong/balsong/domain/key"
)

// Bounds of a world.
const (
	MaxRows   = 100_000_000 // a month
	MaxFiles  = 10_000      // a month
	MaxMonths = 60          // from the first month of a world to its last
)

// How files are compressed.
const (
	None = "none"
	Gzip = "gzip"
	Zstd = "zstd"
)

// endings of file names, by compression.
var endings = map[string]string{None: ".csv", Gzip: ".csv.gz", Zstd: ".csv.zst"}

// ErrOptions is wrapped by errors that say why data cannot be generated as the options ask.
var ErrOptions = errors.New("cannot generate so")

// Options say what to generate.
type Options struct {
	Dir      string // where the files go; made if it is missing
	Seed     uint64
	Since    key.Month // the first month of the world: customers then are as old as in the sample data
	Month    key.Month // the first month to write
	Months   int       // how many, each following the one before
	Rows     int       // a month
	Files    int       // a month
	Compress string    // None, Gzip or Zstd
	Wishes   Wishes
	Workers  int            // how many goroutines make rows
	Sample   io.Reader      // the sample data
	Progress func(Progress) // told after each chunk, from one goroutine; may be nil
}

func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return fmt.Errorf("%w: no directory is named", ErrOptions)
	case o.Rows < 1 || o.Rows > MaxRows:
		return fmt.Errorf("%w: %d rows a month (want 1 to %d)", ErrOptions, o.Rows, MaxRows)
	case o.Files < 1 || o.Files > MaxFiles || o.Files > o.Rows:
		return fmt.Errorf("%w: %d files for %d rows (want 1 to %d files, and at least a row in each)", ErrOptions, o.Files, o.Rows, MaxFiles)
	case o.Months < 1 || o.Months > MaxMonths:
		return fmt.Errorf("%w: %d months (want 1 to %d)", ErrOptions, o.Months, MaxMonths)
	case o.Month < o.Since:
		return fmt.Errorf("%w: the month %s lies before %s, the first month of this world: name an earlier first month (--since)", ErrOptions, o.Month, o.Since)
	case int(o.Month-o.Since)+o.Months > MaxMonths:
		return fmt.Errorf("%w: the months up to %s go beyond %d months after %s, the first month of this world: name a later first month (--since)",
			ErrOptions, o.Month+key.Month(o.Months-1), MaxMonths, o.Since)
	case endings[o.Compress] == "":
		return fmt.Errorf("%w: compression %q (want %s, %s or %s)", ErrOptions, o.Compress, None, Gzip, Zstd)
	case o.Wishes.Quiet < 0 || o.Wishes.Quiet > 100 || o.Wishes.SendDay < 0 || o.Wishes.SendDay > 100:
		return fmt.Errorf("%w: shares of customers are 0 to 100 per cent", ErrOptions)
	}
	return nil
}

// part is one file.
type part struct {
	month      key.Month
	name       string
	from, rows int // slots
}

// parts lists all files, month after month. Rows are spread evenly.
func (o Options) parts() []part {
	var list []part
	for month := o.Month; month < o.Month+key.Month(o.Months); month++ {
		for n := range o.Files {
			from, to := n*o.Rows/o.Files, (n+1)*o.Rows/o.Files
			list = append(list, part{
				month: month, name: fmt.Sprintf("bills-%s-%0*d%s", month, max(3, len(fmt.Sprint(o.Files))), n+1, endings[o.Compress]), from: from, rows: to - from,
			})
		}
	}
	return list
}

func (o Options) path(name string) string { return filepath.Join(o.Dir, name) }
