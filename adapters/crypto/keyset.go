package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// ErrKeyset says that a keyset cannot be used. The text says why, without any part of the keyset.
var ErrKeyset = errors.New("the keyset cannot be used")

// maxKeyset bounds a keyset's JSON in bytes: about 150 keys.
const maxKeyset = 64 << 10

// NewKeyset returns a keyset in Tink's JSON form with one new AES-256-GCM key, which is primary. It is a secret.
func NewKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	return write(handle)
}

// AddKey returns the keyset with one more key, and that key's id. The primary key stays the same: give the new keyset
// to every process that decrypts, then Promote the new key.
func AddKey(keysetJSON []byte) (added []byte, id uint32, err error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, 0, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if id, err = manager.Add(aead.AES256GCMKeyTemplate()); err != nil {
		return nil, 0, fmt.Errorf("add a key: %w", err)
	}
	if handle, err = manager.Handle(); err != nil {
		return nil, 0, fmt.Errorf("add a key: %w", err)
	}
	added, err = write(handle)
	return added, id, err
}

// Disable returns the keyset with one key disabled. What that key encrypted waits, and can be opened again once the key
// is enabled. ErrKeyset if the key is not in the keyset, or primary.
func Disable(keysetJSON []byte, id uint32) ([]byte, error) {
	return changed(keysetJSON, id, "disable", (*keyset.Manager).Disable)
}

// Enable undoes Disable. ErrKeyset as for Disable.
func Enable(keysetJSON []byte, id uint32) ([]byte, error) {
	return changed(keysetJSON, id, "enable", (*keyset.Manager).Enable)
}

// Remove returns the keyset without one key. What that key encrypted can never be opened again, unless a copy of the
// key is kept elsewhere. ErrKeyset if the key is not in the keyset, or primary.
func Remove(keysetJSON []byte, id uint32) ([]byte, error) {
	return changed(keysetJSON, id, "remove", (*keyset.Manager).Delete)
}

// changed returns the keyset after a change of one key that is not primary.
func changed(keysetJSON []byte, id uint32, what string, change func(*keyset.Manager, uint32) error) ([]byte, error) {
	infos, err := Keys(keysetJSON)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(infos, func(k KeyInfo) bool { return k.ID == id })
	switch {
	case at < 0:
		return nil, fmt.Errorf("%w: key id %d is not in it", ErrKeyset, id)
	case infos[at].Primary:
		return nil, fmt.Errorf("%w: key id %d is its primary key: promote another one first", ErrKeyset, id)
	}
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := change(manager, id); err != nil {
		return nil, fmt.Errorf("%s key id %d: Tink refuses", what, id)
	}
	if handle, err = manager.Handle(); err != nil {
		return nil, fmt.Errorf("%s key id %d: Tink refuses", what, id)
	}
	return write(handle)
}

// Promote returns the keyset with another primary key. The older keys stay, to open what they encrypted. ErrKeyset if
// the key is not in the keyset, or not enabled.
func Promote(keysetJSON []byte, id uint32) ([]byte, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := manager.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("%w: key id %d is not in it, or not enabled", ErrKeyset, id)
	}
	if handle, err = manager.Handle(); err != nil {
		return nil, fmt.Errorf("promote key id %d: %w", id, err)
	}
	return write(handle)
}

// KeyInfo is what is not secret about one key of a keyset.
type KeyInfo struct {
	ID      uint32
	Primary bool
	Enabled bool
}

// Keys lists the keys of a keyset in their order.
func Keys(keysetJSON []byte) ([]KeyInfo, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	infos := make([]KeyInfo, 0, handle.Len())
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("%w: its key %d cannot be read", ErrKeyset, i+1)
		}
		infos = append(infos, KeyInfo{ID: entry.KeyID(), Primary: entry.IsPrimary(), Enabled: entry.KeyStatus() == keyset.Enabled})
	}
	return infos, nil
}

// load reads a keyset and refuses keys that are not AES-256-GCM with Tink's prefix: without the prefix, an unknown key
// could not be told from bad content.
func load(keysetJSON []byte) (*keys, error) {
	handle, err := read(keysetJSON)
	if err != nil {
		return nil, err
	}
	loaded := &keys{known: map[uint32]bool{}}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("%w: its key %d cannot be read", ErrKeyset, i+1)
		}
		parameters, ok := entry.Key().Parameters().(*aesgcm.Parameters)
		if !ok || parameters.KeySizeInBytes() != 32 || parameters.Variant() != aesgcm.VariantTink {
			return nil, fmt.Errorf("%w: key id %d is not AES-256-GCM with output prefix TINK", ErrKeyset, entry.KeyID())
		}
		if entry.KeyStatus() == keyset.Enabled {
			loaded.known[entry.KeyID()] = true
		}
	}
	if loaded.aead, err = aead.New(handle); err != nil {
		return nil, fmt.Errorf("%w: Tink makes no AEAD of it", ErrKeyset)
	}
	return loaded, nil
}

// read parses a keyset. It leaves the parser's error out, because that may quote the keyset.
func read(keysetJSON []byte) (*keyset.Handle, error) {
	if len(keysetJSON) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrKeyset)
	}
	if len(keysetJSON) > maxKeyset {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrKeyset, len(keysetJSON), maxKeyset)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keysetJSON)))
	if err != nil {
		return nil, fmt.Errorf("%w: it is no Tink keyset in JSON form with a primary key", ErrKeyset)
	}
	return handle, nil
}

// write returns a keyset in Tink's JSON form.
func write(handle *keyset.Handle) ([]byte, error) {
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
		return nil, fmt.Errorf("write a keyset: %w", err)
	}
	return out.Bytes(), nil
}
