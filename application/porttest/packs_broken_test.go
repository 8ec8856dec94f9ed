package porttest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

// trustingPacks is a store that checks nothing and keeps what it was given.
type trustingPacks struct {
	mu      sync.Mutex
	entries map[string][]byte
}

func (p *trustingPacks) Put(_ context.Context, name string, entries [][]byte) ([]port.StatementRef, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	refs := make([]port.StatementRef, len(entries))
	for i, entry := range entries {
		hash := sha256.Sum256(entry)
		refs[i] = port.StatementRef{Bucket: "b", Key: name, Offset: int64(i), Length: int64(len(entry)), SHA256: hash[:]}
		p.entries[fmt.Sprint(name, i)] = entry
	}
	return refs, nil
}

func (p *trustingPacks) Get(_ context.Context, ref port.StatementRef, _ []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entries[fmt.Sprint(ref.Key, ref.Offset)], nil
}

// brokenPacks breaks one promise of the store that it wraps.
type brokenPacks struct {
	port.Packs
	put func(name string, entries [][]byte) (string, [][]byte)
	get func(entry []byte, err error) ([]byte, error)
}

func (b brokenPacks) Put(ctx context.Context, name string, entries [][]byte) ([]port.StatementRef, error) {
	if b.put != nil {
		name, entries = b.put(name, entries)
	}
	return b.Packs.Put(ctx, name, entries)
}

func (b brokenPacks) Get(ctx context.Context, ref port.StatementRef, room []byte) ([]byte, error) {
	entry, err := b.Packs.Get(ctx, ref, room)
	if b.get != nil {
		return b.get(entry, err)
	}
	return entry, err
}

// neverReplacing keeps the first pack of a name, as a cache that is never told of the second would.
type neverReplacing struct {
	port.Packs
	cache sync.Map
}

func (n *neverReplacing) Get(ctx context.Context, ref port.StatementRef, room []byte) ([]byte, error) {
	at := fmt.Sprint(ref.Key, ref.Offset, ref.Length)
	if kept, ok := n.cache.Load(at); ok {
		entry := kept.([]byte)
		if hash := sha256.Sum256(entry); !bytes.Equal(hash[:], ref.SHA256) {
			return nil, port.ErrContent
		}
		return bytes.Clone(entry), ctx.Err()
	}
	entry, err := n.Packs.Get(ctx, ref, room)
	if err == nil {
		n.cache.Store(at, bytes.Clone(entry))
	}
	return entry, err
}

func TestThePacksSuiteRejectsBrokenStores(t *testing.T) {
	t.Parallel()
	checks := porttest.PacksChecks()
	opens := func(broken brokenPacks) func(testing.TB) port.Packs {
		return func(testing.TB) port.Packs {
			broken.Packs = memory.NewPacks()
			return broken
		}
	}
	porttest.Reject(t, checks, func(testing.TB) port.Packs { return &trustingPacks{entries: map[string][]byte{}} },
		"refuses what is not what the reference says", "refuses empty packs and entries out of bounds",
		"tells length and hash of each entry, in order",
		"keeps and changes nothing that was handed in, and gives bytes away", "stops when the context ends")
	porttest.Reject(t, checks, opens(brokenPacks{put: func(_ string, entries [][]byte) (string, [][]byte) { return "one", entries }}),
		"keeps packs apart", "serves many goroutines at once")
	porttest.Reject(t, checks, opens(brokenPacks{put: func(name string, entries [][]byte) (string, [][]byte) {
		if len(entries) > 1 {
			entries = append([][]byte{entries[1], entries[0]}, entries[2:]...)
		}
		return name, entries
	}}), "gives each entry back by its reference", "tells length and hash of each entry, in order")
	porttest.Reject(t, checks, opens(brokenPacks{get: func(entry []byte, err error) ([]byte, error) {
		return entry[:min(len(entry), 512<<10)], err
	}}), "reads entries of any size, wherever they lie")
	porttest.Reject(t, checks, opens(brokenPacks{get: func(entry []byte, err error) ([]byte, error) {
		if err != nil {
			err = errors.Join(port.ErrUnavailable)
		}
		return entry, err
	}}), "refuses what is not what the reference says")
	porttest.Reject(t, checks, func(testing.TB) port.Packs { return &neverReplacing{Packs: memory.NewPacks()} },
		"replaces a pack of the same name")
}

// greedy is a store that minds no slash, and counts what it was asked for.
type greedy struct{ *memory.Packs }

func (g greedy) Remove(ctx context.Context, prefix string, told func(port.PackSize)) (port.PackSize, error) {
	if prefix == "" {
		return port.PackSize{}, nil
	}
	return g.Packs.Remove(ctx, prefix[:6], told)
}

// short is a store that stops at what one request takes.
type short struct{ *memory.Packs }

func (s short) Remove(ctx context.Context, prefix string, told func(port.PackSize)) (port.PackSize, error) {
	if w, err := s.Packs.Size(ctx, prefix); err != nil || w.Packs > 1000 {
		return port.PackSize{Packs: 1000}, err
	}
	return s.Packs.Remove(ctx, prefix, told)
}

func TestThePackStoreSuiteRejectsBrokenStores(t *testing.T) {
	t.Parallel()
	porttest.Reject(t, porttest.PackStoreChecks(), func(testing.TB) porttest.PackStorage { return greedy{memory.NewPacks()} },
		"measures and removes the packs of one prefix, and no other", "refuses to remove everything")
	porttest.Reject(t, porttest.PackStoreChecks(), func(testing.TB) porttest.PackStorage { return short{memory.NewPacks()} },
		"removes more packs than one request takes")
}
