package memory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"

	"github.com/balsong/balsong/application/port"
)

// packsBucket is the bucket that references of a memory store name.
const packsBucket = "memory"

// Packs is port.Packs in memory.
type Packs struct {
	mu    sync.RWMutex
	packs map[string][]byte
	puts  int
}

var (
	_ port.Packs     = (*Packs)(nil)
	_ port.PackStore = (*Packs)(nil)
)

// NewPacks returns an empty store.
func NewPacks() *Packs { return &Packs{packs: map[string][]byte{}} }

// Put stores one pack.
func (p *Packs) Put(ctx context.Context, name string, entries [][]byte) ([]port.StatementRef, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("put pack %s: %w: it has no entries", name, port.ErrInvalid)
	}
	refs := make([]port.StatementRef, 0, len(entries))
	offset := int64(0)
	for i, entry := range entries {
		if len(entry) == 0 || len(entry) > port.MaxEntry {
			return nil, fmt.Errorf("put pack %s: %w: entry %d has %d bytes", name, port.ErrInvalid, i, len(entry))
		}
		hash := sha256.Sum256(entry)
		refs = append(refs, port.StatementRef{
			Bucket: packsBucket, Key: name, Offset: offset, Length: int64(len(entry)), SHA256: hash[:],
		})
		offset += int64(len(entry))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packs[name] = bytes.Join(entries, nil)
	p.puts++
	return refs, nil
}

// Get reads one entry.
func (p *Packs) Get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.RLock()
	pack, ok := p.packs[ref.Key]
	p.mu.RUnlock()
	size := int64(len(pack))
	switch {
	case !ok || ref.Bucket != packsBucket:
		return nil, fmt.Errorf("get from pack %s: %w: the pack is gone", ref.Key, port.ErrContent)
	case ref.Offset < 0 || ref.Length <= 0 || ref.Length > port.MaxEntry || ref.Offset > size || ref.Length > size-ref.Offset:
		return nil, fmt.Errorf("get from pack %s: %w: no entry lies there", ref.Key, port.ErrContent)
	}
	entry := append(buffer[:0], pack[ref.Offset:ref.Offset+ref.Length]...)
	if hash := sha256.Sum256(entry); !bytes.Equal(hash[:], ref.SHA256) {
		return nil, fmt.Errorf("get from pack %s: %w: the hash differs", ref.Key, port.ErrContent)
	}
	return entry, nil
}

// Size implements port.PackStore.
func (p *Packs) Size(ctx context.Context, prefix string) (w port.PackSize, err error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for name, pack := range p.packs {
		if strings.HasPrefix(name, prefix) {
			w.Packs++
			w.Bytes += int64(len(pack))
		}
	}
	return w, ctx.Err()
}

// Remove implements port.PackStore.
func (p *Packs) Remove(ctx context.Context, prefix string, told func(port.PackSize)) (gone port.PackSize, err error) {
	if err := ctx.Err(); err != nil {
		return gone, err
	}
	if prefix == "" {
		return gone, fmt.Errorf("remove packs: %w: the prefix is empty", port.ErrInvalid)
	}
	p.mu.Lock()
	for name, pack := range p.packs {
		if strings.HasPrefix(name, prefix) {
			gone.Packs++
			gone.Bytes += int64(len(pack))
			delete(p.packs, name)
		}
	}
	p.mu.Unlock()
	if told != nil {
		told(gone)
	}
	return gone, nil
}

// Count returns how many packs there are, and how many times one was put.
func (p *Packs) Count() (packs, puts int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.packs), p.puts
}

// Drop removes a pack, as a lifecycle rule that is too short would.
func (p *Packs) Drop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.packs, name)
}

// Spoil changes one byte of a pack, as a failing disk would.
func (p *Packs) Spoil(name string, offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	spoiled := bytes.Clone(p.packs[name])
	spoiled[offset] ^= 1
	p.packs[name] = spoiled
}
