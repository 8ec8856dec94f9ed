package crypto

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Wrapped reports whether a keyset is encrypted with another key (Tink's encrypted keyset), so that it must be
// unwrapped before use.
func Wrapped(keysetJSON []byte) bool {
	var form struct {
		Encrypted *string `json:"encryptedKeyset"`
	}
	return len(keysetJSON) <= maxKeyset && json.Unmarshal(keysetJSON, &form) == nil && form.Encrypted != nil
}

// Wrap encrypts a keyset with another key, such as one of a key service. The result is no secret.
func Wrap(ctx context.Context, keysetJSON []byte, with tink.AEADWithContext) ([]byte, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	kept := &keeping{AEADWithContext: with}
	if err := handle.WriteWithContext(ctx, keyset.NewJSONWriter(&out), kept, nil); err != nil {
		return nil, kept.because("wrap the keyset")
	}
	return out.Bytes(), nil
}

// Unwrap decrypts what Wrap, or tinkey with the same key, has made. An error of the key service is passed on.
func Unwrap(ctx context.Context, wrapped []byte, with tink.AEADWithContext) ([]byte, error) {
	if len(wrapped) > maxKeyset {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrKeyset, len(wrapped), maxKeyset)
	}
	kept := &keeping{AEADWithContext: with}
	handle, err := keyset.ReadWithContext(ctx, keyset.NewJSONReader(bytes.NewReader(wrapped)), kept, nil)
	if err != nil {
		return nil, kept.because("unwrap the keyset")
	}
	return write(handle)
}

// keeping keeps the error of the key service, of which Tink passes on only the text.
type keeping struct {
	tink.AEADWithContext
	err error
}

func (k *keeping) EncryptWithContext(ctx context.Context, plain, associated []byte) ([]byte, error) {
	wrapped, err := k.AEADWithContext.EncryptWithContext(ctx, plain, associated)
	k.err = err
	return wrapped, err
}

func (k *keeping) DecryptWithContext(ctx context.Context, wrapped, associated []byte) ([]byte, error) {
	plain, err := k.AEADWithContext.DecryptWithContext(ctx, wrapped, associated)
	k.err = err
	return plain, err
}

// because returns the error for a keyset that could not be wrapped or unwrapped.
func (k *keeping) because(what string) error {
	if k.err != nil {
		return fmt.Errorf("%s: %w", what, k.err)
	}
	return fmt.Errorf("%s: %w: it is no Tink keyset that this key has wrapped", what, ErrKeyset)
}
