package memory

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/balsong/balsong/application/port"
)

// ciphers numbers the memory ciphers of this process, so that no two have the same key unless they are asked to.
var ciphers atomic.Uint32

// cipherHead is a key id and a nonce, 4 and 8 bytes; cipherTag ends a ciphertext.
const (
	cipherHead = 12
	cipherTag  = sha256.Size
)

// Cipher is port.Cipher for tests: it keeps every promise of the port but secrecy, since its keys are small numbers.
type Cipher struct {
	id    uint32
	key   [sha256.Size]byte
	nonce atomic.Uint64
}

var _ port.Cipher = (*Cipher)(nil)

// NewCipher returns a cipher whose key no other one of this process has.
func NewCipher() *Cipher {
	c := &Cipher{id: ciphers.Add(1)}
	c.key = sha256.Sum256(binary.BigEndian.AppendUint32([]byte("memory cipher"), c.id))
	return c
}

// Seal encrypts and authenticates; it never fails.
func (c *Cipher) Seal(plain []byte, purpose port.Purpose) ([]byte, error) {
	sealed := make([]byte, 0, cipherHead+len(plain)+cipherTag)
	sealed = binary.BigEndian.AppendUint32(sealed, c.id)
	sealed = binary.BigEndian.AppendUint64(sealed, c.nonce.Add(1))
	sealed = append(sealed, plain...)
	c.mask(sealed[:cipherHead], sealed[cipherHead:])
	return append(sealed, c.tag(sealed, purpose)...), nil
}

// Open decrypts. ErrUnknownKey where another cipher sealed, ErrContent where the bytes do not authenticate.
func (c *Cipher) Open(sealed []byte, purpose port.Purpose) ([]byte, error) {
	if len(sealed) < cipherHead+cipherTag {
		return nil, fmt.Errorf("open a %s: %w: it is too short", purpose.Kind, port.ErrContent)
	}
	if id := binary.BigEndian.Uint32(sealed); id != c.id {
		return nil, fmt.Errorf("open a %s: %w: key %d", purpose.Kind, port.ErrUnknownKey, id)
	}
	body, tag := sealed[:len(sealed)-cipherTag], sealed[len(sealed)-cipherTag:]
	if !hmac.Equal(tag, c.tag(body, purpose)) {
		return nil, fmt.Errorf("open a %s: %w: it does not authenticate", purpose.Kind, port.ErrContent)
	}
	plain := append([]byte{}, body[cipherHead:]...)
	c.mask(body[:cipherHead], plain)
	return plain, nil
}

// mask hides text, or shows it again, under a stream that key and head give.
func (c *Cipher) mask(head, text []byte) {
	seed := append(c.key[:], head...)
	for block := 0; len(text) > 0; block++ {
		stream := sha256.Sum256(binary.BigEndian.AppendUint32(seed[:len(seed):len(seed)], uint32(block)))
		n := min(len(text), len(stream))
		for i := range n {
			text[i] ^= stream[i]
		}
		text = text[n:]
	}
}

func (c *Cipher) tag(body []byte, purpose port.Purpose) []byte {
	mac := hmac.New(sha256.New, c.key[:])
	fmt.Fprintf(mac, "%q %d %d %q ", purpose.Kind, purpose.Target.Month, purpose.Target.UserID, purpose.Channel)
	mac.Write(body)
	return mac.Sum(nil)
}
