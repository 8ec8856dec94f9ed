// Package crypto encrypts what Balsong stores and sends, with Google Tink AEAD keysets: AES-256-GCM, several keys, one
// of them primary. New ciphertexts are made with the primary key; older ones can be opened as long as their key is in
// the keyset.
package crypto

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/balsong/balsong/application/port"
)

// Cipher is port.Cipher over a keyset, which Reload may replace at any time. It needs no key service, so Seal never
// returns ErrUnavailable. Safe for concurrent use.
type Cipher struct {
	current atomic.Pointer[keys]
}

var _ port.Cipher = (*Cipher)(nil)

// keys is one keyset, ready for use.
type keys struct {
	aead  tink.AEAD
	known map[uint32]bool // ids of the enabled keys
}

// Every ciphertext begins with prefixByte and the key's id in four bytes, big endian (Tink's wire format, prefix type
// TINK).
const (
	prefixByte   = 0x01
	prefixLength = 5
)

// New returns a cipher over a keyset in Tink's JSON form. ErrKeyset if it cannot be used. No error text contains any
// part of the keyset.
func New(keysetJSON []byte) (*Cipher, error) {
	c := &Cipher{}
	if err := c.Reload(keysetJSON); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload replaces the keyset; calls under way finish with the old one. After an error the old keyset stays. ErrKeyset.
func (c *Cipher) Reload(keysetJSON []byte) error {
	next, err := load(keysetJSON)
	if err != nil {
		return err
	}
	c.current.Store(next)
	return nil
}

// Seal encrypts with the primary key and binds the ciphertext to the purpose.
func (c *Cipher) Seal(plain []byte, purpose port.Purpose) ([]byte, error) {
	var buffer [96]byte
	sealed, err := c.current.Load().aead.Encrypt(plain, bind(buffer[:0], purpose))
	if err != nil {
		return nil, fmt.Errorf("seal a %s of %s: %w", purpose.Kind, purpose.Target, err)
	}
	return sealed, nil
}

// Open decrypts. ErrUnknownKey if the key named by the ciphertext is not in the keyset, or disabled; ErrContent if the
// ciphertext is malformed or does not authenticate for this purpose.
func (c *Cipher) Open(sealed []byte, purpose port.Purpose) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("open a %s of %s: %w", purpose.Kind, purpose.Target, err)
	}
	if len(sealed) < prefixLength || sealed[0] != prefixByte {
		return fail(fmt.Errorf("%w: it is no ciphertext of a keyset", port.ErrContent))
	}
	now := c.current.Load()
	if id := binary.BigEndian.Uint32(sealed[1:]); !now.known[id] {
		return fail(fmt.Errorf("%w: key id %d is not in the keyset", port.ErrUnknownKey, id))
	}
	var buffer [96]byte
	plain, err := now.aead.Decrypt(sealed, bind(buffer[:0], purpose))
	if err != nil {
		return fail(fmt.Errorf("%w: it does not authenticate", port.ErrContent))
	}
	return plain, nil
}

// bind appends the additional data for a purpose. Each part has a fixed length or is preceded by its length, so that no
// two purposes have the same bytes. Every stored ciphertext depends on this form: it must never change.
func bind(b []byte, purpose port.Purpose) []byte {
	b = append(b, "balsong.v1"...)
	b = binary.AppendUvarint(b, uint64(len(purpose.Kind)))
	b = append(b, purpose.Kind...)
	b = binary.BigEndian.AppendUint32(b, uint32(purpose.Target.Month))
	b = binary.BigEndian.AppendUint64(b, uint64(purpose.Target.UserID))
	b = binary.AppendUvarint(b, uint64(len(purpose.Channel)))
	return append(b, purpose.Channel...)
}
