package deliver_test

import (
	"errors"
	"sync"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

// ring is a cipher that more keys can be given to, as a reload of the keyset does. The newest key seals.
type ring struct {
	mu   sync.Mutex
	keys []*memory.Cipher
}

func newRing() *ring { return &ring{keys: []*memory.Cipher{memory.NewCipher()}} }

func (r *ring) add(c *memory.Cipher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, c)
}

// Seal implements port.Cipher.
func (r *ring) Seal(plain []byte, purpose port.Purpose) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[len(r.keys)-1].Seal(plain, purpose)
}

// Open implements port.Cipher.
func (r *ring) Open(sealed []byte, purpose port.Purpose) (plain []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.keys {
		if plain, err = c.Open(sealed, purpose); !errors.Is(err, port.ErrUnknownKey) {
			return plain, err
		}
	}
	return nil, err
}

// failing is a fault hook: each operation of its map answers so often with its error.
type failing struct {
	mu    sync.Mutex
	times map[string]int
	with  error
	seen  map[string]int
}

func failures(with error, times map[string]int) *failing {
	return &failing{times: times, with: with, seen: map[string]int{}}
}

func (f *failing) hook(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[op]++
	if f.times[op] == 0 {
		return nil
	}
	f.times[op]--
	return f.with
}

func (f *failing) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[op]
}
