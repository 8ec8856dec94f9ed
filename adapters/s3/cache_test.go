package s3

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
)

func TestEntriesStayWhatTheyAreWhileTheRoomsOfTheirBlocksAreUsedAgain(t *testing.T) {
	t.Parallel()
	content := object(40 * 4096)
	s := &stub{object: content}
	p, _ := setup(t, s, func(c *Config) { c.Cache.Bytes = 2 * 4096 })
	var readers sync.WaitGroup
	for reader := range 8 {
		readers.Go(func() {
			for i := range 40 {
				offset, length := (reader*7919+i*5003)%(len(content)-9000), 1+(i*977)%9000 // within one block, or over up to four
				ctx, cancel := context.WithCancel(t.Context())
				if i%10 == 9 { // some do not wait for the block that they asked for
					go cancel()
				}
				entry, err := p.Get(ctx, refOf(content, offset, length), nil)
				cancel()
				if errors.Is(err, context.Canceled) {
					continue
				}
				if err != nil || !bytes.Equal(entry, content[offset:offset+length]) {
					t.Errorf("%d bytes at %d: wrong, or %v", length, offset, err)
					return
				}
				if i%10 == 5 {
					p.blocks.forget(packKey{p.config.Bucket, refOf(content, offset, length).Key})
				}
			}
		})
	}
	readers.Wait()
}

func TestRoomsAreGivenBackBeyondAFewSpareOnes(t *testing.T) {
	t.Parallel()
	const size = 4096
	c := newBlockCache(2 * size)
	var held []*block
	for number := range int64(20) {
		b, place := c.hold(blockKey{packKey{"bucket", "pack"}, number}, size)
		if place != missed {
			t.Fatalf("block %d is there already", number)
		}
		b.buffer.bytes[0] = byte(number)
		c.filled(b, 1, nil)
		held = append(held, b)
	}
	if len(c.spare) != 0 || len(c.byKey) != 2 {
		t.Errorf("%d buffers are spare and %d blocks kept while all are held: want none, and 2", len(c.spare), len(c.byKey))
	}
	for number, b := range held {
		if b.bytes[0] != byte(number) {
			t.Errorf("block %d holds what block %d did", number, b.bytes[0])
		}
		c.letGo(b)
	}
	if len(c.spare) != spareBuffers || len(c.byKey) != 2 || c.size != 2*size {
		t.Errorf("%d buffers are spare, %d blocks kept, of %d bytes", len(c.spare), len(c.byKey), c.size)
	}
}
