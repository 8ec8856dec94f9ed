// Package verp writes the delivery key of a message into the address that its bounces go to, and reads it back from there:
// a variable envelope return path. So a bounce finds its bill whatever its text says. What is read was written with a secret
// of ours: nobody else can make an address that names a delivery key.
package verp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// ErrForeign is returned for an address that names no delivery key of ours.
var ErrForeign = errors.New("the address names no delivery key of this installation")

// ErrSecret is wrapped by the errors of New.
var ErrSecret = errors.New("the secret of bounce addresses")

// The token: 15 bytes of key and 10 bytes (80 bits) of their HMAC, five bits in a character. The letters and digits of base32
// survive servers that change case or that take nothing but letters and digits.
const (
	keySize   = 3 + 8 + 2 + 2 // month, user id, attempt, round
	macSize   = 10
	TokenSize = (keySize + macSize) * 8 / 5

	minSecret = 32 // characters
	maxLocal  = 64 // octets (RFC 5321, 4.5.3.1.1)

	label = "balsong bounce address 1" // tells these HMACs from those of any other use of the secret
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Tokens writes and reads the tokens of an installation. Safe for concurrent use.
type Tokens struct {
	secrets      [][]byte
	installation string
}

// New returns the tokens of an installation. The first secret signs; all verify, so that a secret can be changed while
// bounces of the last one arrive. ErrSecret.
func New(installation string, secrets ...string) (*Tokens, error) {
	t := &Tokens{installation: installation}
	for _, secret := range secrets {
		if secret = strings.TrimSpace(secret); len(secret) < minSecret {
			return nil, fmt.Errorf("%w has %d characters, want at least %d", ErrSecret, len(secret), minSecret)
		}
		t.secrets = append(t.secrets, []byte(secret))
	}
	if len(t.secrets) == 0 {
		return nil, fmt.Errorf("%w is not set", ErrSecret)
	}
	return t, nil
}

// Token returns the token that stands for a delivery key.
func (t *Tokens) Token(d key.Delivery) string {
	var token [keySize + macSize]byte
	month := uint32(d.Month)
	token[0], token[1], token[2] = byte(month>>16), byte(month>>8), byte(month)
	binary.BigEndian.PutUint64(token[3:], uint64(d.UserID))
	binary.BigEndian.PutUint16(token[11:], uint16(d.Attempt))
	binary.BigEndian.PutUint16(token[13:], uint16(d.Round))
	copy(token[keySize:], t.mac(t.secrets[0], token[:keySize]))
	return encoding.EncodeToString(token[:])
}

// mac returns the HMAC of the key's bytes, shortened. Another installation's is another one, although it may have the secret.
func (t *Tokens) mac(secret, of []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(label + "\x00" + t.installation + "\x00"))
	h.Write(of)
	return h.Sum(nil)[:macSize]
}

// Read finds the delivery key in an address: wherever the token stands in the local part, and in whatever case, because
// servers on the way may have changed both. ErrForeign.
func (t *Tokens) Read(address string) (key.Delivery, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		at = len(address)
	}
	if at > 4*maxLocal { // rewriting (SRS) makes it longer than it may be, within bounds
		return key.Delivery{}, ErrForeign
	}
	local := strings.ToLower(address[:at])
	for i := 0; i+TokenSize <= len(local); i++ {
		if found, ok := t.read(local[i : i+TokenSize]); ok {
			return found, nil
		}
	}
	return key.Delivery{}, ErrForeign
}

// read reads a token; false where it is none, was signed by nobody of us, or holds no key of a bill.
func (t *Tokens) read(text string) (key.Delivery, bool) {
	token, err := encoding.DecodeString(text)
	if err != nil || len(token) != keySize+macSize { // the decoder skips line ends
		return key.Delivery{}, false
	}
	signed := false
	for _, secret := range t.secrets {
		signed = signed || hmac.Equal(t.mac(secret, token[:keySize]), token[keySize:])
	}
	if !signed {
		return key.Delivery{}, false
	}
	number := int(token[0])<<16 | int(token[1])<<8 | int(token[2])
	month, err := key.NewMonth(number/12, time.Month(number%12+1))
	d := key.Delivery{
		Month: month, UserID: int64(binary.BigEndian.Uint64(token[3:])),
		Attempt: int16(binary.BigEndian.Uint16(token[11:])), Round: int16(binary.BigEndian.Uint16(token[13:])),
	}
	return d, err == nil && d.UserID > 0 && d.Attempt >= 0 && d.Round >= 0
}
