package rendering

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// chunk renders bills into one pack and marks them. The month keeps the templates with the first bill that they render.
func (r *renderRun) chunk(ctx context.Context, number int, bills []port.Bill) error {
	began := r.ports.Clock.Now()
	chosen := r.chosen()
	made, err := r.entries(ctx, chosen.templates, bills)
	for err == nil && len(made.entries) > 0 && !chosen.kept {
		before := chosen.set.Fingerprint
		if chosen, err = r.keep(ctx); err == nil && chosen.set.Fingerprint != before {
			made, err = r.entries(ctx, chosen.templates, bills) // another process gave the month its templates meanwhile
		}
	}
	if err != nil {
		return err
	}
	r.tell(made)
	if err := r.store(ctx, number, made.entries, made.owners, made.results); err != nil {
		return err
	}
	used := int16(0) // none that the month keeps
	if chosen.kept {
		used = chosen.set.Number
	}
	marked := 0
	err = r.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		marked, err = r.ports.Renders.Mark(ctx, made.results, used, r.ports.Clock.Now())
		return err
	})
	if err != nil {
		return err
	}
	r.count(made.entries, made.results, marked)
	r.trace(made, began)
	return nil
}

// made is what a chunk of bills became.
type made struct {
	results []port.RenderedBill
	entries [][]byte
	owners  []int // the result of each entry
	failed  []Unrendered
	large   []oversized
}

// oversized is a bill with more HTML than MaxHTML.
type oversized struct {
	customer string
	bytes    int
}

// entries renders and encrypts bills, each for itself.
func (r *renderRun) entries(ctx context.Context, templates *Templates, bills []port.Bill) (made, error) {
	m := made{results: make([]port.RenderedBill, len(bills)), entries: make([][]byte, 0, len(bills)), owners: make([]int, 0, len(bills))}
	for i, next := range bills {
		m.results[i] = port.RenderedBill{Target: next.Target, Version: next.Version}
		entry, size, customer, err := r.entry(ctx, templates, next)
		switch {
		case err == nil:
			m.entries, m.owners = append(m.entries, entry), append(m.owners, i)
			if size > MaxHTML {
				m.large = append(m.large, oversized{customer, size})
			}
		case ctx.Err() != nil:
			return m, ctx.Err()
		default:
			m.results[i].Failed = err.Error()
			m.failed = append(m.failed, Unrendered{next.Target, customer, err.Error()})
		}
	}
	return m, nil
}

// entry renders and encrypts one bill. Its error becomes the reason why the bill could not be rendered, so it contains
// no personal data. size is that of the HTML of a bill that has an e-mail address.
func (r *renderRun) entry(ctx context.Context, templates *Templates, imported port.Bill) (sealed []byte, size int, customer string, err error) {
	var decoded bill.Bill
	if err := r.keyed(ctx, func() (err error) { decoded, err = bill.Open(imported, r.ports.Cipher); return err }); err != nil {
		return nil, 0, decoded.Customer, err
	}
	if r.options.Class == policy.Advertising && decoded.Unsubscribe == "" && imported.Reachable.Has(channel.Email) {
		return nil, 0, decoded.Customer, errors.New("render: the bill has no unsubscribe_url, which an e-mail of the class ADVERTISING needs")
	}
	shown, err := templates.Statement(decoded, imported.Target.Month, r.options.Class)
	if err != nil {
		return nil, 0, decoded.Customer, err
	}
	if imported.Reachable.Has(channel.Email) {
		size = len(shown[channel.Email].HTML)
	}
	err = r.keyed(ctx, func() (err error) {
		sealed, err = statement.Seal(port.Statement{Target: imported.Target, Variants: shown}, r.ports.Cipher)
		return err
	})
	return sealed, size, decoded.Customer, err
}

// keyed runs do, which needs a key. An unknown key means that this process has not received the newest keyset yet:
// keyed waits and tries again.
func (r *renderRun) keyed(ctx context.Context, do func() error) error {
	return r.ports.Watch.Retry(ctx, port.ComponentKeys, func(context.Context) error {
		err := do()
		if errors.Is(err, port.ErrUnknownKey) {
			return fmt.Errorf("%w: %w", port.ErrUnavailable, err)
		}
		return err
	})
}

// entryEnd is how many bytes at the end of a sealed entry distinguish it from every other one.
const entryEnd = 32

// store writes the pack, and sets each bill's encrypted reference into it. The pack's name is made from its content, so
// that a run that was killed, or runs at the same time, never replaces a pack to which references point.
func (r *renderRun) store(ctx context.Context, number int, entries [][]byte, owners []int, results []port.RenderedBill) error {
	if len(entries) == 0 {
		return nil
	}
	hash := sha256.New()
	for _, entry := range entries {
		hash.Write(entry[max(0, len(entry)-entryEnd):]) // its end is what authenticates it whole
	}
	name := fmt.Sprintf("%s/%06d-%s", r.month, number, hex.EncodeToString(hash.Sum(nil)[:12]))
	var refs []port.StatementRef
	err := r.ports.Watch.Retry(ctx, "packs", func(ctx context.Context) (err error) {
		r.requested()
		refs, err = r.ports.Packs.Put(ctx, name, entries)
		return err
	})
	if err != nil {
		return err
	}
	for i, ref := range refs {
		owner := &results[owners[i]]
		err := r.keyed(ctx, func() (err error) {
			owner.Statement, err = statement.SealReference(ref, owner.Target, r.ports.Cipher)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tell reports what of a chunk needs a person's look.
func (r *renderRun) tell(m made) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range m.failed {
		r.options.Reporter.Failed(u)
	}
	for _, large := range m.large {
		r.summary.Oversized++
		r.options.Reporter.Oversized(large.customer, large.bytes)
	}
}
