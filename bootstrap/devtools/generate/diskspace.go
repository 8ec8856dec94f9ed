package generate

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrSpace says that the disk has too little free space for the data.
var ErrSpace = errors.New("not enough free disk space")

// spare is left free on the disk, in bytes.
const spare = 64 << 20

// checkSpace makes the first chunk of a missing file, estimates from it how much all missing files need, and checks that the disk
// has as much. The error is ErrSpace where it has not.
func (r *run) checkSpace(missing []part) error {
	if len(missing) == 0 {
		return nil
	}
	first := missing[len(missing)-1] // later rows have longer numbers, later months higher amounts
	rows := min(first.rows, chunkRows)
	var sample bytes.Buffer
	if err := r.makers[0].chunk(&sample, first.month, first.from+first.rows-rows, rows, true); err != nil {
		return err
	}
	left := 0
	for _, p := range missing {
		left += p.rows
	}
	needed := int64(float64(sample.Len()) / float64(rows) * float64(left))
	free, err := r.free(r.Dir)
	if err != nil {
		return fmt.Errorf("read the free space of %s: %w", r.Dir, err)
	}
	if needed+needed/50+spare > free {
		return fmt.Errorf("%w: %d rows need about %d MiB and %s has %d MiB free: free some, name another directory (--out), take fewer rows, or --compress zstd",
			ErrSpace, left, (needed+needed/50+spare)>>20, r.Dir, free>>20)
	}
	return nil
}
