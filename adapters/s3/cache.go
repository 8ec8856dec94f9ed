package s3

import (
	"container/list"
	"sync"
)

// blockCache keeps the blocks that were used last, bounded by the size of their buffers in bytes, and knows those that are
// being read. A block's buffer is used again once the block is out of the cache and nobody holds it: so the buffers can lie
// outside of Go's heap, where they would let garbage grow to twice their size. Safe for concurrent use.
type blockCache struct {
	mu      sync.Mutex
	limit   int64
	size    int64
	byKey   map[blockKey]*block
	recent  *list.List // of *block, the most recently used in front
	reading map[blockKey]*block
	spare   []buffer
	forgets uint64 // raised by each forget
}

// spareBuffers is how many buffers wait for their next block; more are given back to the system.
const spareBuffers = 4

// block is a part of a pack that its holders share. Guarded by the cache's lock, but for what stands once read is
// closed: bytes and err.
type block struct {
	key        blockKey
	buffer     buffer
	bytes      []byte // of the buffer
	err        error  // why there are none
	read       chan struct{}
	generation uint64        // when its request began
	holders    int           // those who may look at the bytes, its reader included
	place      *list.Element // in the cache; nil: not there
}

// placing is where hold found a block.
type placing int

const (
	missed  placing = iota // nowhere: the caller must fill it
	awaited                // somebody reads it
	cached
)

func newBlockCache(limit int64) *blockCache {
	return &blockCache{limit: limit, byKey: map[blockKey]*block{}, recent: list.New(), reading: map[blockKey]*block{}}
}

// hold returns a block that letGo must be called for. If it was missed, the caller must also see to it that it is
// filled, with at most size bytes.
func (c *blockCache) hold(key blockKey, size int64) (*block, placing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.byKey[key]; ok {
		c.recent.MoveToFront(b.place)
		b.holders++
		return b, cached
	}
	if b, ok := c.reading[key]; ok {
		b.holders++
		return b, awaited
	}
	b := &block{key: key, buffer: c.buffer(size), read: make(chan struct{}), generation: c.forgets, holders: 2}
	c.reading[key] = b
	return b, missed
}

// buffer returns a buffer of size bytes, which is the same for all blocks of a cache.
func (c *blockCache) buffer(size int64) buffer {
	if last := len(c.spare) - 1; last >= 0 {
		r := c.spare[last]
		c.spare = c.spare[:last]
		return r
	}
	return newBuffer(int(size))
}

// filled ends the reading of a block whose first n bytes are there, or that could not be read. The block is kept, unless
// some pack was forgotten since the request began: it may be of that pack's old content.
func (c *blockCache) filled(b *block, n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.bytes, b.err = b.buffer.bytes[:n], err
	close(b.read)
	if c.reading[b.key] == b {
		delete(c.reading, b.key)
	}
	size := int64(len(b.buffer.bytes))
	if err == nil && n > 0 && c.forgets == b.generation && size <= c.limit {
		b.place = c.recent.PushFront(b)
		c.byKey[b.key] = b
		for c.size += size; c.size > c.limit; {
			c.drop(c.recent.Back().Value.(*block))
		}
	}
	c.release(b)
}

// letGo ends a hold.
func (c *blockCache) letGo(b *block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(b)
}

func (c *blockCache) release(b *block) {
	b.holders--
	c.reuse(b)
}

// drop takes a block out of the cache.
func (c *blockCache) drop(b *block) {
	c.recent.Remove(b.place)
	b.place = nil
	delete(c.byKey, b.key)
	c.size -= int64(len(b.buffer.bytes))
	c.reuse(b)
}

// reuse gives a block's buffer to another one if nobody can look at it any more.
func (c *blockCache) reuse(b *block) {
	switch {
	case b.holders > 0 || b.place != nil:
	case len(c.spare) < spareBuffers:
		c.spare = append(c.spare, b.buffer)
	default:
		b.buffer.free()
	}
}

// forget drops a pack's blocks. Those of it that are being read go to those who wait already, and to nobody else.
func (c *blockCache) forget(pack packKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	for element := c.recent.Front(); element != nil; {
		next := element.Next()
		if b := element.Value.(*block); b.key.packKey == pack {
			c.drop(b)
		}
		element = next
	}
	for key := range c.reading {
		if key.packKey == pack {
			delete(c.reading, key)
		}
	}
}
