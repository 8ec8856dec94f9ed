package crypto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

var november = key.Month(2026*12 + 10)

func purpose() port.Purpose {
	return port.Purpose{Kind: port.KindDestination, Target: key.Target{Month: november, UserID: 4711}, Channel: channel.Email}
}

func setup(t testing.TB) (*Cipher, []byte) {
	t.Helper()
	set, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	return c, set
}

func TestCipherKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Cipher(t, func(t testing.TB) port.Cipher {
		c, _ := setup(t)
		return c
	})
}

// sealedBy is the id of the key that seals now.
func sealedBy(c *Cipher) uint32 {
	sealed, _ := c.Seal([]byte("any"), purpose())
	return binary.BigEndian.Uint32(sealed[1:prefixLength])
}

func TestKeysRotateWithoutDowntime(t *testing.T) {
	t.Parallel()
	sender, set := setup(t)
	receiver, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := sender.Seal([]byte("old"), purpose())

	added, id, err := AddKey(set)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Reload(added); err != nil || sealedBy(sender) == id {
		t.Fatalf("a key that was only added seals already: %v", err)
	}
	promoted, err := Promote(added, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Reload(promoted); err != nil || sealedBy(sender) != id {
		t.Fatalf("the promoted key does not seal: %v", err)
	}
	fresh, _ := sender.Seal([]byte("new"), purpose())

	if _, err := receiver.Open(fresh, purpose()); !errors.Is(err, port.ErrUnknownKey) {
		t.Errorf("a process that is behind must wait: %v", err)
	}
	if err := receiver.Reload(added); err != nil {
		t.Fatal(err)
	}
	for want, sealed := range map[string][]byte{"old": old, "new": fresh} {
		if plain, err := receiver.Open(sealed, purpose()); err != nil || string(plain) != want {
			t.Errorf("%s does not open after the rotation: %v", want, err)
		}
	}
	infos, err := Keys(promoted)
	if err != nil || len(infos) != 2 || infos[0].Primary || infos[1] != (KeyInfo{ID: id, Primary: true, Enabled: true}) {
		t.Errorf("keys: %+v, %v", infos, err)
	}
}

func TestAKeysetThatCannotBeUsedIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	c, set := setup(t)
	chacha := keysetOf(t, aead.XChaCha20Poly1305KeyTemplate())
	small := keysetOf(t, aead.AES128GCMKeyTemplate())
	prefixless := keysetOf(t, aead.AES256GCMNoPrefixKeyTemplate())
	for name, bad := range map[string][]byte{
		"empty": nil, "no JSON": []byte("SECRETSECRET"), "no keys": []byte(`{}`),
		"cut":         set[:len(set)/2],
		"a wrong key": bytes.Replace(set, []byte(`"value":"`), []byte(`"value":"SECRETSECRET`), 1),
		"too long":    bytes.Repeat([]byte(" "), maxKeyset+1),
		"ChaCha":      chacha, "AES-128": small, "no prefix": prefixless,
	} {
		_, err := New(bad)
		if !errors.Is(err, ErrKeyset) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Reload(bad); err == nil {
			t.Errorf("%s: reloaded", name)
		}
	}
	if sealed, err := c.Seal([]byte("a"), purpose()); err != nil || len(sealed) == 0 {
		t.Errorf("a refused keyset took the old one away: %v", err)
	}
	if _, err := Promote(set, 1); !errors.Is(err, ErrKeyset) {
		t.Errorf("promoted a key that is not there: %v", err)
	}
}

func keysetOf(t *testing.T, kind *tinkpb.KeyTemplate) []byte {
	t.Helper()
	handle, err := keyset.NewHandle(kind)
	if err != nil {
		t.Fatal(err)
	}
	set, err := write(handle)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The additional data of stored ciphertexts never changes: this pins its bytes.
func TestTheBoundBytesAreTheOnesOfStoredCiphertexts(t *testing.T) {
	t.Parallel()
	want := "balsong.v1\x0bdestination\x00\x00\x5f\x02\x00\x00\x00\x00\x00\x00\x12\x67\x05EMAIL"
	if got := string(bind(nil, purpose())); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func BenchmarkSeal(b *testing.B) {
	c, _ := setup(b)
	plain := []byte("kim@example.com")
	for b.Loop() {
		if _, err := c.Seal(plain, purpose()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	c, _ := setup(b)
	sealed, _ := c.Seal([]byte("kim@example.com"), purpose())
	for b.Loop() {
		if _, err := c.Open(sealed, purpose()); err != nil {
			b.Fatal(err)
		}
	}
}
