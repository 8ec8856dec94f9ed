// Package copies makes a copy of a bill for a customer who asks for it: a target of its own with the words that went out,
// byte for byte, to the same or another address (R9).
package copies

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Ports are the driven ports that copies use.
type Ports struct {
	Copies      port.Copies
	SealedBills port.SealedBills
	Months      port.Months
	Policies    port.Policies
	Packs       port.Packs
	Cipher      port.Cipher
	Clock       port.Clock
	Log         port.Log
}

// Maker makes copies. Safe for concurrent use.
type Maker struct {
	Ports
	watch *outage.Watch
}

// New returns a maker of copies.
func New(ports Ports) *Maker { return &Maker{ports, outage.New(ports.Clock, ports.Log)} }

// Request asks for a copy of a bill.
type Request struct {
	Bill    billing.Target
	Rows    []attempt.Row // of the bill, in the ledger
	Channel channel.Kind  // "": the one by which the bill was accepted
	To      string        // an address that destination.Parse has accepted; "": the bill's own
	By      port.Act
}

// Made is a copy that was made.
type Made struct {
	Key     key.Target
	Number  int
	Channel channel.Kind
	To      string // masked
	// Decision is what a run would decide about it now.
	Decision billing.Decision
}

// Make makes the next copy of a bill. It is refused (billing.ErrRefused) unless the bill is SUCCEEDED, its month is open, none of
// its copies is open, and the ACTIVE policy can send it by the channel; the error says what to do instead. It may be called
// again after any error: a copy whose commit was not answered is found, and none is made twice.
func (m *Maker) Make(ctx context.Context, r Request) (Made, error) {
	if strings.TrimSpace(r.By.Actor) == "" || strings.TrimSpace(r.By.Reason) == "" {
		return Made{}, operate.ErrNoReason
	}
	r.By.At = m.Clock.Now()
	for tries := 1; ; tries++ {
		made, err := m.once(ctx, r)
		if tries == conflictTries || !errors.Is(err, port.ErrConflict) {
			return made, err
		}
	}
}

// conflictTries is how often a copy is tried that others are in the way of: the next try mostly is refused with their copy's number.
const conflictTries = 5

// once looks at what there is, stores the statement, and then the copy. What it looked at is looked at again under the bill's lock.
func (m *Maker) once(ctx context.Context, r Request) (Made, error) {
	if err := m.mayAdd(ctx, r.Bill.Key().Month); err != nil {
		return Made{}, err
	}
	others, err := m.others(ctx, r.Bill.Key())
	if err != nil {
		return Made{}, err
	}
	if err := r.Bill.MayCopy(others); err != nil {
		return Made{}, err
	}
	if r.Channel == "" {
		if r.Channel = AcceptedBy(r.Rows); r.Channel == "" {
			return Made{}, refused(r.Bill, "no try of it names a channel: choose one (--channel)")
		}
	}
	target := r.Bill.Copy(others, r.Channel, r.By.At)
	decision, err := m.decision(ctx, target, r.Channel)
	if err != nil {
		return Made{}, err
	}
	copied, to, err := m.seal(ctx, r, target)
	if err != nil {
		return Made{}, err
	}
	if err := m.add(ctx, copied, len(others), r.By); err != nil {
		return Made{}, err
	}
	return Made{Key: target.Key(), Number: target.Key().CopyNumber(), Channel: r.Channel, To: channel.Mask(to), Decision: decision}, nil
}

// add stores a copy. Where the answer to COMMIT was lost, it looks whether the copy is there.
func (m *Maker) add(ctx context.Context, copied port.NewCopy, others int, by port.Act) error {
	err := m.Copies.Add(ctx, copied, func(bill billing.Target, copies []billing.Target) error {
		if err := bill.MayCopy(copies); err != nil {
			return err
		}
		if len(copies) != others {
			return fmt.Errorf("%w: another copy was made meanwhile", port.ErrConflict)
		}
		return nil
	}, by)
	if !errors.Is(err, port.ErrCommitUnknown) {
		return err
	}
	var stored port.SealedBill
	err = m.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		stored, err = m.SealedBills.Sealed(ctx, copied.State.Key)
		return err
	})
	switch {
	case err == nil && bytes.Equal(stored.Statement, copied.Statement): // no other ciphertext is the same
		return nil
	case err == nil, errors.Is(err, port.ErrNotFound):
		return fmt.Errorf("%w: the copy was not stored", port.ErrConflict)
	default:
		return err
	}
}

// mayAdd refuses a copy in a month that is closed: no run would take it.
func (m *Maker) mayAdd(ctx context.Context, month key.Month) error {
	open, err := m.Months.List(ctx)
	if err != nil || slices.Contains(open, month) {
		return err
	}
	return fmt.Errorf("%w: %s is closed, so no run would take a copy: `balsong month reopen --month %s` opens it", billing.ErrRefused, month, month)
}

// others are the copies of a bill.
func (m *Maker) others(ctx context.Context, bill key.Target) ([]billing.Target, error) {
	records, err := m.Copies.List(ctx, port.CopyFilter{Month: bill.Month, UserID: bill.UserID, Limit: key.MaxCopies})
	targets := make([]billing.Target, 0, len(records))
	for _, record := range records {
		targets = append(targets, record.Target)
	}
	return targets, err
}

// AcceptedBy is the channel by which a gateway accepted a bill; "" where none did.
func AcceptedBy(rows []attempt.Row) channel.Kind {
	for _, row := range slices.Backward(rows) {
		if row.State == attempt.Succeeded {
			return row.Channel
		}
	}
	return ""
}

// decision is what a run would decide about the copy now; an error unless that lets it go out, now or later.
func (m *Maker) decision(ctx context.Context, target billing.Target, kind channel.Kind) (billing.Decision, error) {
	versions, err := m.Policies.Versions(ctx)
	if err != nil {
		return billing.Decision{}, err
	}
	snapshot, err := policy.NewSnapshot(versions)
	if err != nil {
		return billing.Decision{}, fmt.Errorf("%w: no policy is ACTIVE (`balsong policy activate`): no run would send the copy", billing.ErrRefused)
	}
	decision := billing.Decide(target, snapshot, m.Clock.Now())
	switch {
	case decision.Rule == billing.RuleSuppressed:
		return decision, fmt.Errorf("%w: the customer is on the suppression list for %s: choose another --channel, or lift the entry (`balsong suppress --lift`)", billing.ErrRefused, kind)
	case decision.Kind() == billing.Dispatch, decision.Kind() == billing.Deferral:
		return decision, nil
	default:
		return decision, fmt.Errorf("%w: the policy %s sends nothing by %s: choose another --channel of its route", billing.ErrRefused, decision.Policy.Ref(), kind)
	}
}

// seal stores the bill's words under the copy's own key, and returns the copy with its address in clear.
func (m *Maker) seal(ctx context.Context, r Request, target billing.Target) (port.NewCopy, string, error) {
	fail := func(err error) (port.NewCopy, string, error) { return port.NewCopy{}, "", err }
	from, to := r.Bill.Key(), target.Key()
	sealed, err := m.SealedBills.Sealed(ctx, from)
	if err != nil {
		return fail(err)
	}
	stored, _, err := statement.Fetch(ctx, sealed.Statement, from, m.Packs, m.Cipher, r.Channel)
	if err != nil {
		return fail(fmt.Errorf("%w (`balsong statement` says more)", err))
	}
	variant, there := stored.Variants[r.Channel]
	if !there {
		return fail(refused(r.Bill, "its statement has nothing for %s: choose another --channel", r.Channel))
	}
	address, err := m.address(r, sealed)
	if err != nil {
		return fail(err)
	}
	copied := port.NewCopy{State: target.State(), Destination: port.Destination{Channel: r.Channel}}
	if copied.Destination.Sealed, err = m.Cipher.Seal([]byte(address), port.Purpose{Kind: port.KindDestination, Target: to, Channel: r.Channel}); err != nil {
		return fail(err)
	}
	if copied.Data, err = m.resealed(sealed.Data, from, to); err != nil {
		return fail(err)
	}
	copied.Statement, err = m.put(ctx, port.Statement{Target: to, Variants: map[channel.Kind]port.Variant{r.Channel: variant}})
	return copied, address, err
}

// address is where the copy goes.
func (m *Maker) address(r Request, sealed port.SealedBill) (string, error) {
	if r.To != "" {
		return r.To, nil
	}
	for _, d := range sealed.Destinations {
		if d.Channel == r.Channel {
			plain, err := m.Cipher.Open(d.Sealed, port.Purpose{Kind: port.KindDestination, Target: r.Bill.Key(), Channel: d.Channel})
			return string(plain), err
		}
	}
	return "", refused(r.Bill, "the customer has no destination for %s: give one (--to-file), or choose another --channel", r.Channel)
}

// resealed binds a bill's data to its copy.
func (m *Maker) resealed(sealed []byte, from, to key.Target) ([]byte, error) {
	plain, err := m.Cipher.Open(sealed, port.Purpose{Kind: port.KindBillingData, Target: from})
	if err != nil {
		return nil, err
	}
	return m.Cipher.Seal(plain, port.Purpose{Kind: port.KindBillingData, Target: to})
}

// put stores a statement in a pack of its own and returns the sealed reference. The pack's name is made from its content; where
// the copy is refused after all, the pack stays until its month is removed.
func (m *Maker) put(ctx context.Context, words port.Statement) ([]byte, error) {
	entry, err := statement.Seal(words, m.Cipher)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(entry)
	refs, err := m.Packs.Put(ctx, fmt.Sprintf("%s/copy-%s", words.Target.Month, hex.EncodeToString(hash[:12])), [][]byte{entry})
	if err != nil {
		return nil, fmt.Errorf("store the statement of %s: %w", words.Target, err)
	}
	return statement.SealReference(refs[0], words.Target, m.Cipher)
}

// refused is a refusal about a bill.
func refused(bill billing.Target, why string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", billing.ErrRefused, bill.Key(), fmt.Sprintf(why, args...))
}
