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

// ErrKeyset says that the keyset cannot be used; the text says why and holds no part of it.
var ErrKeyset = errors.New("the keyset cannot be used")

// maxKeyset bounds a keyset's JSON, in bytes: about 150 keys.
const maxKeyset = 64 << 10

// NewKeyset makes a keyset with one fresh AES-256-GCM key, which is primary, in Tink's JSON form. It is a secret.
func NewKeyset() ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	return write(handle)
}

// AddKey returns the keyset with one fresh key more, and that key's id. The primary key stays: give the new keyset to
// every process that opens, then Promote the new key.
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

// Disable returns the keyset without the use of one key: what it sealed waits, and opens again once the key is enabled.
// ErrKeyset where the key is not there, or primary.
func Disable(keysetJSON []byte, id uint32) ([]byte, error) {
	return changed(keysetJSON, id, "disable", (*keyset.Manager).Disable)
}

// Enable takes Disable back.
func Enable(keysetJSON []byte, id uint32) ([]byte, error) {
	return changed(keysetJSON, id, "enable", (*keyset.Manager).Enable)
}

// Remove returns the keyset without one key: what it sealed can never be opened again, unless a copy of the key is
// kept elsewhere. ErrKeyset where the key is not there, or primary.
func Remove(keysetJSON []byte, id uint32) ([]byte, error) {
	return changed(keysetJSON, id, "remove", (*keyset.Manager).Delete)
}

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

// Promote returns the keyset with the key of that id as the primary one. The older keys stay, to open what they
// sealed. ErrKeyset where the key is not there or not enabled.
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

// KeyInfo tells about one key of a keyset what is no secret.
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

// load reads a keyset and refuses any key that is not AES-256-GCM with Tink's prefix: without the prefix an unknown
// key could not be told from bad content.
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
		if entry.IsPrimary() {
			loaded.primary = entry.KeyID()
		}
	}
	if loaded.aead, err = aead.New(handle); err != nil {
		return nil, fmt.Errorf("%w: Tink makes no AEAD of it", ErrKeyset)
	}
	return loaded, nil
}

// read leaves the parser's words out: they may quote the keyset.
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

func write(handle *keyset.Handle) ([]byte, error) {
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
		return nil, fmt.Errorf("write a keyset: %w", err)
	}
	return out.Bytes(), nil
}
