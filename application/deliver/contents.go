package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
)

// contents fetches and decrypts what is to be sent. If thousands fetched and decrypted at once, whatever has to be
// answered in time would wait too long for a processor: the database's connections, the group's heartbeats, the
// gateways' replies. So both are bounded; nobody counts against the bounds while waiting for something that is down.
type contents struct {
	packs       port.Packs
	cipher      port.Cipher
	watch       *outage.Watch
	metrics     port.Metrics
	fetches     chan struct{} // holds an element for each content that is being fetched
	decryptions chan struct{} // holds an element for each content that is being decrypted
}

func newContents(packs port.Packs, cipher port.Cipher, watch *outage.Watch, metrics port.Metrics, decryptions int) *contents {
	return &contents{
		packs: packs, cipher: cipher, watch: watch, metrics: metrics,
		fetches: make(chan struct{}, fetches), decryptions: make(chan struct{}, decryptions),
	}
}

// buffers holds memory for sealed statements. It is given back once they are opened: nothing that is opened lies in it.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// fetch sets the delivery's content: the destination and the statement's variant for the channel. It waits while the
// storage is down or a key is not known yet; nothing is claimed at that point, so waiting costs no attempt. Its error
// wraps port.ErrContent or port.ErrInvalid if the content cannot be delivered.
func (c *contents) fetch(ctx context.Context, d *delivery) error {
	sealed, _ := buffers.Get().(*[]byte)
	defer buffers.Put(sealed)
	destination, err := c.openDestination(ctx, d)
	if err != nil {
		return err
	}
	ref, err := c.openReference(ctx, d)
	if err != nil {
		return err
	}
	if *sealed, err = c.get(ctx, ref, *sealed); err != nil {
		return err
	}
	variant, err := c.openStatement(ctx, d, *sealed)
	if err != nil {
		return err
	}
	d.content = port.Delivery{Key: d.request.Delivery(), Channel: d.request.Channel, Destination: string(destination), Content: variant}
	return nil
}

func (c *contents) openDestination(ctx context.Context, d *delivery) (destination []byte, err error) {
	purpose := port.Purpose{Kind: port.KindDestination, Target: d.request.Delivery().Target(), Channel: d.request.Channel}
	err = c.awaitKey(ctx, func() error {
		destination, err = c.cipher.Open(d.request.Destination, purpose)
		return err
	})
	return destination, err
}

func (c *contents) openReference(ctx context.Context, d *delivery) (ref port.StatementRef, err error) {
	err = c.awaitKey(ctx, func() error {
		ref, err = statement.OpenReference(d.request.Statement, d.request.Delivery().Target(), c.cipher)
		return err
	})
	return ref, err
}

// get reads the sealed statement into buffer, or into a larger one that it returns instead; also where it fails.
func (c *contents) get(ctx context.Context, ref port.StatementRef, buffer []byte) ([]byte, error) {
	err := c.watch.Await(ctx, port.ComponentStatements, func(ctx context.Context) error {
		if !enter(ctx, c.fetches) {
			return ctx.Err()
		}
		defer func() { <-c.fetches }()
		entry, err := c.packs.Get(ctx, ref, buffer)
		if err == nil {
			buffer = entry
		}
		return err
	})
	return buffer, err
}

func (c *contents) openStatement(ctx context.Context, d *delivery, sealed []byte) (port.Variant, error) {
	var opened port.Statement
	err := c.awaitKey(ctx, func() (err error) {
		if !enter(ctx, c.decryptions) {
			return ctx.Err()
		}
		defer func() { <-c.decryptions }()
		opened, err = statement.Open(sealed, d.request.Delivery().Target(), c.cipher, d.request.Channel)
		return err
	})
	if err != nil {
		return port.Variant{}, err
	}
	variant, ok := opened.Variants[d.request.Channel]
	if !ok {
		return variant, fmt.Errorf("%w: the statement has no variant for %s", port.ErrContent, d.request.Channel)
	}
	return variant, nil
}

// awaitKey runs open, which decrypts something. An unknown key means that this process has not received the newest
// keyset yet: it waits and tries again.
func (c *contents) awaitKey(ctx context.Context, open func() error) error {
	counted := false
	return c.watch.Await(ctx, port.ComponentKeys, func(context.Context) error {
		err := open()
		if errors.Is(err, port.ErrUnknownKey) {
			if !counted {
				metric.UnknownKeys.Add(c.metrics, 1)
				counted = true
			}
			return fmt.Errorf("%w: %w", port.ErrUnavailable, err)
		}
		return err
	})
}
