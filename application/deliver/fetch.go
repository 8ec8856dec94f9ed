package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
)

// rooms holds memory for sealed statements. It is given back once they are opened: nothing that is opened lies in it.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// fetch reads and decrypts the destination and the statement's variant for the channel. It waits while the storage is
// down or a key is not known yet; nothing is claimed at that point, so waiting costs no attempt. Its error wraps
// port.ErrContent or port.ErrInvalid if the content cannot be delivered.
func (f *flight) fetch(ctx context.Context) (port.Delivery, error) {
	d := port.Delivery{Key: f.request.Delivery(), Channel: f.request.Channel}
	target := d.Key.Target()
	var destination []byte
	sealed, _ := rooms.Get().(*[]byte)
	defer rooms.Put(sealed)
	var ref port.StatementRef
	var content port.Statement
	steps := []func() error{
		func() error {
			return f.keyed(ctx, func() (err error) {
				destination, err = f.Cipher.Open(f.request.Destination, port.Purpose{Kind: port.KindDestination, Target: target, Channel: f.request.Channel})
				return err
			})
		},
		func() error {
			return f.keyed(ctx, func() (err error) {
				ref, err = statement.OpenReference(f.request.Statement, target, f.Cipher)
				return err
			})
		},
		func() error {
			return f.await(ctx, "statements", func(ctx context.Context) error {
				return inTurn(ctx, f.reads, func() error {
					entry, err := f.Packs.Get(ctx, ref, *sealed)
					if err == nil {
						*sealed = entry
					}
					return err
				})
			})
		},
		func() error {
			return f.keyed(ctx, func() error {
				return inTurn(ctx, f.desks, func() (err error) {
					content, err = statement.Open(*sealed, target, f.Cipher, f.request.Channel)
					return err
				})
			})
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return d, err
		}
	}
	variant, ok := content.Variants[f.request.Channel]
	if !ok {
		return d, fmt.Errorf("%w: the statement has no variant for %s", port.ErrContent, f.request.Channel)
	}
	d.Destination, d.Content = string(destination), variant
	return d, nil
}

// keyed runs do, which decrypts something. An unknown key means that this process has not received the newest keyset
// yet: keyed waits and tries again.
func (f *flight) keyed(ctx context.Context, do func() error) error {
	return f.await(ctx, "keys", func(ctx context.Context) error {
		err := do()
		if errors.Is(err, port.ErrUnknownKey) {
			return fmt.Errorf("%w: %w", port.ErrUnavailable, err)
		}
		return err
	})
}

// inTurn runs do while it holds one of places. If thousands fetched and decrypted at once, whatever has to be answered
// in time would wait too long for a processor: the database's connections, the group's heartbeats, the gateways'
// replies. No place is held while waiting for something that is down.
func inTurn(ctx context.Context, places chan struct{}, do func() error) error {
	if !enter(ctx, places) {
		return ctx.Err()
	}
	defer func() { <-places }()
	return do()
}
