// Package reference writes the delivery key of a message into a short text that travels with it through a provider, and reads it
// back from what the provider reports: the variable part of a bounce address, a tag, a grouping key, a parameter of a status URL.
// So a report finds its bill whatever else it says. What is read was written with a secret of ours: nobody else can make a
// reference that names a delivery key.
package reference

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

// ErrForeign is returned for a text that names no delivery key of ours.
var ErrForeign = errors.New("the text names no delivery key of this installation")

// ErrSecret is wrapped by the errors of New.
var ErrSecret = errors.New("the secret of references")

// Size is the number of characters of a reference: 15 bytes of key and 10 bytes (80 bits) of their HMAC, five bits in a character.
// The letters and digits of base32 survive servers that change case or that take nothing but letters and digits.
const Size = (keySize + macSize) * 8 / 5

const (
	keySize = 3 + 8 + 2 + 2 // month, user id, attempt, round
	macSize = 10

	minSecret = 32  // characters
	maxText   = 256 // octets in which Read looks: four local parts of an address, because rewriting (SRS) makes it longer

	label = "balsong reference 1" // tells these HMACs from those of any other use of the secret
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// References writes and reads the references of an installation. Safe for concurrent use.
type References struct {
	secrets      [][]byte
	installation string
}

// Finder finds the delivery key in a text (References).
type Finder interface {
	Read(text string) (key.Delivery, error)
}

// New returns the references of an installation. The first secret signs; all verify, so that a secret can be changed while
// reports about what the last one signed arrive. ErrSecret.
func New(installation string, secrets ...string) (*References, error) {
	r := &References{installation: installation}
	for _, secret := range secrets {
		if secret = strings.TrimSpace(secret); len(secret) < minSecret {
			return nil, fmt.Errorf("%w has %d characters, want at least %d", ErrSecret, len(secret), minSecret)
		}
		r.secrets = append(r.secrets, []byte(secret))
	}
	if len(r.secrets) == 0 {
		return nil, fmt.Errorf("%w is not set", ErrSecret)
	}
	return r, nil
}

// To returns the reference to a delivery key.
func (r *References) To(d key.Delivery) string { return r.signed(r.secrets[0], d) }

// All returns the references that a delivery key has had: one for each secret, that of To first.
func (r *References) All(d key.Delivery) []string {
	all := make([]string, len(r.secrets))
	for i, secret := range r.secrets {
		all[i] = r.signed(secret, d)
	}
	return all
}

func (r *References) signed(secret []byte, d key.Delivery) string {
	var raw [keySize + macSize]byte
	month := uint32(d.Month)
	raw[0], raw[1], raw[2] = byte(month>>16), byte(month>>8), byte(month)
	binary.BigEndian.PutUint64(raw[3:], uint64(d.UserID))
	binary.BigEndian.PutUint16(raw[11:], uint16(d.Attempt))
	binary.BigEndian.PutUint16(raw[13:], uint16(d.Round))
	copy(raw[keySize:], r.mac(secret, raw[:keySize]))
	return encoding.EncodeToString(raw[:])
}

// mac returns the HMAC of the key's bytes, shortened. Another installation's is another one, although it may have the secret.
func (r *References) mac(secret, of []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(label + "\x00" + r.installation + "\x00"))
	h.Write(of)
	return h.Sum(nil)[:macSize]
}

// Read finds the delivery key in a text, such as an address: wherever the reference stands before its @, and in whatever case,
// because servers on the way may have changed both. ErrForeign.
func (r *References) Read(text string) (key.Delivery, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		at = len(text)
	}
	if at > maxText {
		return key.Delivery{}, ErrForeign
	}
	local := strings.ToLower(text[:at])
	for i := 0; i+Size <= len(local); i++ {
		if found, ok := r.read(local[i : i+Size]); ok {
			return found, nil
		}
	}
	return key.Delivery{}, ErrForeign
}

// read reads a reference; false where it is none, was signed by nobody of us, or holds no key of a bill.
func (r *References) read(text string) (key.Delivery, bool) {
	raw, err := encoding.DecodeString(text)
	if err != nil || len(raw) != keySize+macSize { // the decoder skips line ends
		return key.Delivery{}, false
	}
	signed := false
	for _, secret := range r.secrets {
		signed = signed || hmac.Equal(r.mac(secret, raw[:keySize]), raw[keySize:])
	}
	if !signed {
		return key.Delivery{}, false
	}
	number := int(raw[0])<<16 | int(raw[1])<<8 | int(raw[2])
	month, err := key.NewMonth(number/12, time.Month(number%12+1))
	d := key.Delivery{
		Month: month, UserID: int64(binary.BigEndian.Uint64(raw[3:])),
		Attempt: int16(binary.BigEndian.Uint16(raw[11:])), Round: int16(binary.BigEndian.Uint16(raw[13:])),
	}
	return d, err == nil && d.UserID > 0 && d.Attempt >= 0 && d.Round >= 0
}
