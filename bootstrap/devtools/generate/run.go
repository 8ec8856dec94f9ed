package generate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
	"github.com/balsong/balsong/bootstrap/disk"
)

// Progress tells how far a run is: rows of the files that were missing when it began.
type Progress struct{ Rows, OfRows int }

// Memory is what Go may use in a run before it collects garbage in earnest, in bytes: a process that does nothing else then
// stays below 64 MB with its program text.
const Memory = 20 << 20

// Summary is the result of a run.
type Summary struct {
	Files, Found int // written by this run; there already
	Rows         int // written by this run
	Bytes        int64
	Took         time.Duration
}

// run is one run under way.
type run struct {
	Options
	makers   []*maker
	began    time.Time
	progress Progress
	summary  Summary
	free     func(dir string) (bytes int64, err error)
}

// Run writes what the options ask for. It may be killed and repeated: finished files are recognised, an unfinished one
// is begun anew, and the bytes are the same. The error is ErrOptions where the options make no sense or the
// directory holds something else, and ErrSpace where the disk has too little free space; nothing is written then.
func Run(ctx context.Context, o Options) (Summary, error) {
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if err := o.validate(); err != nil {
		return Summary{}, err
	}
	r := &run{Options: o, began: time.Now(), free: disk.Free}
	w, err := newWorld(o, o.Sample)
	if err != nil {
		return r.summary, err
	}
	for range o.Workers {
		m, err := newMaker(w, o.Compress)
		if err != nil {
			return r.summary, err
		}
		r.makers = append(r.makers, m)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return r.summary, err
	}
	waiting, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	lock, err := lockfile.Acquire(waiting, o.path(lockName))
	if errors.Is(err, lockfile.ErrHeld) {
		return r.summary, fmt.Errorf("%w: another generate is writing to %s: wait for it, or name another directory", ErrOptions, o.Dir)
	}
	if err != nil {
		return r.summary, err
	}
	defer func() { _ = lock.Close() }() // gives the lock back
	err = r.all(ctx)
	r.summary.Took = time.Since(r.began)
	return r.summary, err
}

func (r *run) all(ctx context.Context) error {
	record, err := readRecord(r.Options)
	if err != nil {
		return err
	}
	var missing []part
	for _, p := range r.parts() {
		there, err := record.has(r.Options, p)
		switch {
		case err != nil:
			return err
		case there:
			r.summary.Found++
		default:
			missing = append(missing, p)
			r.progress.OfRows += p.rows
		}
	}
	if err := r.checkSpace(missing); err != nil {
		return err
	}
	if err := record.write(r.Options); err != nil {
		return err
	}
	for _, p := range missing {
		if err := r.file(ctx, record, p); err != nil {
			return fmt.Errorf("generate %s: %w", p.name, err)
		}
	}
	return record.writeSums(r.Options)
}

// file writes one file: under another name until it is whole and on the disk.
func (r *run) file(ctx context.Context, record *record, p part) (err error) {
	unfinished := r.path(p.name) + ".part"
	out, err := os.Create(unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = out.Close() // its error would say the same
			_ = os.Remove(unfinished)
		}
	}()
	sum := sha256.New()
	size := &counter{to: io.MultiWriter(out, sum)}
	if err := r.write(ctx, size, p); err != nil {
		return err
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(unfinished, r.path(p.name)); err != nil {
		return err
	}
	record.Files[p.name] = finished{Rows: p.rows, Bytes: size.bytes, SHA256: hex.EncodeToString(sum.Sum(nil))}
	if err := record.write(r.Options); err != nil {
		return err
	}
	r.summary.Files++
	return nil
}

// counter counts what passes.
type counter struct {
	to    io.Writer
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}

// tell counts a chunk that was written.
func (r *run) tell(rows, size int) {
	r.summary.Rows += rows
	r.summary.Bytes += int64(size)
	r.progress.Rows += rows
	if r.Progress != nil {
		r.Progress(r.progress)
	}
}
