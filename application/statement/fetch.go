package statement

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Fetch reads the stored statement that a target's sealed reference names, with the variants of the given channels, or of all.
// It also returns where the statement lies, as far as that could be read. Its errors are those of OpenReference, port.Packs
// and Open; it waits for nothing.
func Fetch(ctx context.Context, sealed []byte, target key.Target, packs port.Packs, cipher port.Cipher, kinds ...channel.Kind) (port.Statement, port.StatementRef, error) {
	ref, err := OpenReference(sealed, target, cipher)
	if err != nil {
		return port.Statement{}, ref, err
	}
	entry, err := packs.Get(ctx, ref, nil)
	if err != nil {
		return port.Statement{}, ref, fmt.Errorf("read the statement of %s: %w", target, err)
	}
	stored, err := Open(entry, target, cipher, kinds...)
	return stored, ref, err
}
