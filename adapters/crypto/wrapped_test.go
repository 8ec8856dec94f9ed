package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	tinkkeyset "github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/balsong/balsong/adapters/crypto"
)

// another is a key of somebody else's, as of a key service; it fails as it is told.
type another struct {
	tink.AEAD
	fails error
}

func newAnother(t *testing.T) another {
	t.Helper()
	handle, err := tinkkeyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	key, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return another{AEAD: key}
}

func (a another) EncryptWithContext(_ context.Context, plain, associated []byte) ([]byte, error) {
	if a.fails != nil {
		return nil, a.fails
	}
	return a.Encrypt(plain, associated)
}

func (a another) DecryptWithContext(_ context.Context, sealed, associated []byte) ([]byte, error) {
	if a.fails != nil {
		return nil, a.fails
	}
	return a.Decrypt(sealed, associated)
}

func TestAWrappedKeysetOpensWithTheKeyThatWrappedItAlone(t *testing.T) {
	t.Parallel()
	plain, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	with := newAnother(t)
	wrapped, err := crypto.Wrap(t.Context(), plain, with)
	if err != nil || !crypto.Wrapped(wrapped) || crypto.Wrapped(plain) || bytes.Contains(wrapped, []byte("AesGcmKey\",\"value")) {
		t.Fatalf("wrapped: %v", err)
	}
	if _, err := crypto.New(wrapped); !errors.Is(err, crypto.ErrKeyset) {
		t.Errorf("a wrapped keyset is used as it is: %v", err)
	}
	unwrapped, err := crypto.Unwrap(t.Context(), wrapped, with)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := crypto.Keys(plain)
	after, err := crypto.Keys(unwrapped)
	if err != nil || len(after) != 1 || after[0] != before[0] {
		t.Fatalf("unwrapped: %v, was %v: %v", after, before, err)
	}
	if _, err := crypto.Unwrap(t.Context(), wrapped, newAnother(t)); err == nil {
		t.Error("another key unwraps it")
	}
	if _, err := crypto.Unwrap(t.Context(), plain, with); !errors.Is(err, crypto.ErrKeyset) {
		t.Errorf("a keyset that is not wrapped: %v", err)
	}
}

func TestTheWrappingKeysOwnErrorComesThrough(t *testing.T) {
	t.Parallel()
	plain, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	with := newAnother(t)
	wrapped, err := crypto.Wrap(t.Context(), plain, with)
	if err != nil {
		t.Fatal(err)
	}
	with.fails = errors.New("the key service is on fire")
	if _, err := crypto.Unwrap(t.Context(), wrapped, with); !errors.Is(err, with.fails) {
		t.Errorf("unwrap: %v", err)
	}
	if _, err := crypto.Wrap(t.Context(), plain, with); !errors.Is(err, with.fails) {
		t.Errorf("wrap: %v", err)
	}
}

func TestAKeyIsTakenOutOfUseAndOutOfTheSetButNeverThePrimaryOne(t *testing.T) {
	t.Parallel()
	one, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := crypto.Keys(one)
	first := keys[0].ID
	two, second, err := crypto.AddKey(one)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte, uint32) ([]byte, error){"disable": crypto.Disable, "remove": crypto.Remove} {
		if _, err := change(two, first); !errors.Is(err, crypto.ErrKeyset) {
			t.Errorf("%s the primary key: %v", name, err)
		}
		if _, err := change(two, first+second+1); !errors.Is(err, crypto.ErrKeyset) {
			t.Errorf("%s a key that is not there: %v", name, err)
		}
	}
	disabled, err := crypto.Disable(two, second)
	if err != nil {
		t.Fatal(err)
	}
	if keys, _ = crypto.Keys(disabled); len(keys) != 2 || keys[1].Enabled {
		t.Errorf("disabled: %v", keys)
	}
	enabled, err := crypto.Enable(disabled, second)
	if err != nil {
		t.Fatal(err)
	}
	if keys, _ = crypto.Keys(enabled); !keys[1].Enabled {
		t.Errorf("enabled: %v", keys)
	}
	removed, err := crypto.Remove(enabled, second)
	if err != nil {
		t.Fatal(err)
	}
	if keys, _ = crypto.Keys(removed); len(keys) != 1 || keys[0].ID != first {
		t.Errorf("removed: %v", keys)
	}
}
