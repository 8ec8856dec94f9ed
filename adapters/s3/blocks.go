package s3

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// packKey names a pack.
type packKey struct{ bucket, key string }

// blockKey names a block: the part of a pack that begins at number × Config.BlockBytes.
type blockKey struct {
	packKey
	number int64
}

func (k blockKey) String() string {
	return k.bucket + "\x00" + k.key + "\x00" + strconv.FormatInt(k.number, 10)
}

// block returns one block of a pack, from the cache or by a request that all who ask for it at the same time share. The
// bytes are shared too: nobody may change them. read reports whether the request was made for this call alone.
func (p *Packs) block(ctx context.Context, at blockKey) (block []byte, read bool, err error) {
	if block, ok := p.blocks.get(at); ok {
		p.metrics.Count("s3_block_lookups_total", 1, "result", "hit")
		return block, false, nil
	}
	p.metrics.Count("s3_block_lookups_total", 1, "result", "miss")
	// The request belongs to all who wait for it: the end of one caller's context must not fail the others.
	shared := context.WithoutCancel(ctx)
	answer := p.reads.DoChan(at.String(), func() (any, error) {
		generation := p.blocks.generation()
		block, err := p.fetch(shared, at)
		if err == nil {
			p.blocks.put(at, block, generation)
		}
		return block, err
	})
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case result := <-answer:
		if result.Err != nil {
			return nil, true, result.Err
		}
		block, _ := result.Val.([]byte)
		// A shared request may have begun before this call.
		return block, !result.Shared, nil
	}
}

// fetch reads one block by a Range request. The block is shorter at the pack's end.
func (p *Packs) fetch(ctx context.Context, at blockKey) ([]byte, error) {
	size := p.config.BlockBytes
	first := at.number * size
	var block []byte
	err := p.call(ctx, "get_block", func(ctx context.Context) error {
		answer, err := p.client.GetObject(ctx, &s3.GetObjectInput{
			Bucket: aws.String(at.bucket), Key: aws.String(at.key),
			Range: aws.String(fmt.Sprintf("bytes=%d-%d", first, first+size-1)),
		})
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.ContentRange == nil && first > 0 {
			return errNoRange
		}
		block, err = readBlock(answer.Body, size, aws.ToInt64(answer.ContentLength))
		return err
	})
	if err != nil {
		return nil, err
	}
	p.metrics.Count("s3_bytes_total", len(block), "direction", "read")
	return block, nil
}

var errNoRange = errors.New("the store does not answer Range requests")

// readBlock reads at most size bytes of an answer that announced length bytes. An answer that ends early is an error.
func readBlock(body io.Reader, size, length int64) ([]byte, error) {
	want := min(size, length)
	if want <= 0 { // not announced
		return io.ReadAll(io.LimitReader(body, size))
	}
	block := make([]byte, want)
	if _, err := io.ReadFull(body, block); err != nil {
		return nil, fmt.Errorf("the answer was cut short: %w", err)
	}
	return block, nil
}

// blockCache keeps the blocks that were used last, bounded by their total size in bytes. Safe for concurrent use.
type blockCache struct {
	mu      sync.Mutex
	limit   int64
	size    int64
	byKey   map[blockKey]*list.Element
	recent  *list.List // of *cachedBlock, the most recently used in front
	forgets uint64     // raised by each forget
}

type cachedBlock struct {
	key   blockKey
	bytes []byte
}

func newBlockCache(limit int64) *blockCache {
	return &blockCache{limit: limit, byKey: map[blockKey]*list.Element{}, recent: list.New()}
}

func (c *blockCache) get(key blockKey) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byKey[key]
	if !ok {
		return nil, false
	}
	c.recent.MoveToFront(element)
	return element.Value.(*cachedBlock).bytes, true
}

// put keeps a block, unless some pack was forgotten since generation was read: the block may be of that pack's old
// content.
func (c *blockCache) put(key blockKey, block []byte, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, kept := c.byKey[key]; kept || c.forgets != generation || int64(len(block)) > c.limit || len(block) == 0 {
		return
	}
	c.byKey[key] = c.recent.PushFront(&cachedBlock{key: key, bytes: block})
	c.size += int64(len(block))
	for c.size > c.limit {
		c.drop(c.recent.Back())
	}
}

func (c *blockCache) drop(element *list.Element) {
	dropped := c.recent.Remove(element).(*cachedBlock)
	delete(c.byKey, dropped.key)
	c.size -= int64(len(dropped.bytes))
}

// generation returns what put must be given for a block whose request starts now.
func (c *blockCache) generation() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgets
}

// forget drops a pack's blocks, and keeps blocks that are being read from being put.
func (c *blockCache) forget(pack packKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	for element := c.recent.Front(); element != nil; {
		next := element.Next()
		if element.Value.(*cachedBlock).key.packKey == pack {
			c.drop(element)
		}
		element = next
	}
}
