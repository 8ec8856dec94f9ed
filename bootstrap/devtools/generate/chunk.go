package generate

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/domain/key"
)

// chunkRows are made and compressed as one: a member of a gzip file, a frame of a zstd file. Readers of either take
// many of them as one text.
const chunkRows = 2048

// maker makes chunks; each worker has one of its own.
type maker struct {
	world *world
	rows  []byte
	gzip  *gzip.Writer
	zstd  *zstd.Encoder
}

func newMaker(w *world, compress string) (*maker, error) {
	m := &maker{world: w, rows: make([]byte, 0, chunkRows*600)}
	var err error
	switch compress {
	case Gzip:
		m.gzip, err = gzip.NewWriterLevel(nil, gzip.BestSpeed)
	case Zstd:
		m.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	}
	return m, err
}

// chunk makes the rows of slots from … from+rows-1 of a month, behind the header where that is asked for.
func (m *maker) chunk(into *bytes.Buffer, month key.Month, from, rows int, withHeader bool) error {
	into.Reset()
	m.rows = m.rows[:0]
	if withHeader {
		m.rows = append(m.rows, header...)
	}
	for slot := from; slot < from+rows; slot++ {
		c := m.world.customer(slot, month)
		m.rows = m.world.appendRow(m.rows, &c, month)
	}
	switch {
	case m.gzip != nil:
		m.gzip.Reset(into)
		if _, err := m.gzip.Write(m.rows); err != nil {
			return err
		}
		return m.gzip.Close()
	case m.zstd != nil:
		into.Write(m.zstd.EncodeAll(m.rows, into.AvailableBuffer()))
		return nil
	default:
		into.Write(m.rows)
		return nil
	}
}

// job is a chunk to be made.
type job struct {
	from, rows int
	bytes      bytes.Buffer
	done       chan error
}

// write makes a file's chunks side by side and writes them in their order. There are never more than twice as many
// chunks as workers.
func (r *run) write(ctx context.Context, out io.Writer, p part) error {
	group, ctx := errgroup.WithContext(ctx)
	free := make(chan *job, 2*len(r.makers))
	for range cap(free) {
		free <- &job{done: make(chan error, 1)}
	}
	todo, order := make(chan *job), make(chan *job, cap(free))
	group.Go(func() error {
		defer close(todo)
		defer close(order)
		for from := 0; from < p.rows; from += chunkRows {
			var next *job
			select {
			case next = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			next.from, next.rows = p.from+from, min(chunkRows, p.rows-from)
			select {
			case todo <- next:
			case <-ctx.Done():
				return ctx.Err()
			}
			order <- next // has room for all jobs
		}
		return nil
	})
	for _, m := range r.makers {
		group.Go(func() error {
			for next := range todo {
				next.done <- m.chunk(&next.bytes, p.month, next.from, next.rows, next.from == p.from)
			}
			return nil
		})
	}
	group.Go(func() error {
		for next := range order {
			if err := <-next.done; err != nil {
				return fmt.Errorf("make rows: %w", err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if _, err := out.Write(next.bytes.Bytes()); err != nil {
				return err
			}
			r.tell(next.rows, next.bytes.Len())
			free <- next // has room for all jobs
		}
		return nil
	})
	return group.Wait()
}
