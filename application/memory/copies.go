package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Copies is the store as port.Copies. Operations: copies.within, copies.commit, copies.list.
func (s *Store) Copies() port.Copies { return copies{s} }

type copies struct{ s *Store }

func (p copies) Add(ctx context.Context, copied port.NewCopy, decide func(bill billing.Target, copies []billing.Target) error, by port.Act) error {
	k := copied.State.Key
	return p.s.within(ctx, "copies", func(ctx context.Context, t *tx) error {
		locked, err := t.Lock(ctx, []key.Target{k.Bill()})
		if err != nil {
			return err
		}
		if len(locked) == 0 {
			return fmt.Errorf("%w: there is no bill %s", port.ErrNotFound, k.Bill())
		}
		t.s.mu.Lock()
		keys, open := t.s.copiesOf(port.CopyFilter{Month: k.Month, UserID: k.Bill().UserID}), t.s.months[k.Month].Open
		t.s.mu.Unlock()
		if !open {
			return fmt.Errorf("%w: %s is closed", port.ErrInvalid, k.Month)
		}
		others, err := t.Lock(ctx, keys)
		if err != nil {
			return err
		}
		if err := decide(locked[0], others); err != nil {
			return err
		}
		if err := t.add(copied); err != nil {
			return err
		}
		return t.Audit(ctx, port.CopyEntry(copied, by))
	})
}

// add keeps a copy of a bill that is locked.
func (t *tx) add(copied port.NewCopy) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	k := copied.State.Key
	if _, there := t.bill(k); there {
		return fmt.Errorf("%w: the copy %s is there already", port.ErrConflict, k)
	}
	original, _ := t.bill(k.Bill())
	t.saved[k] = bill{
		state: kept(copied.State), customer: original.customer, data: slices.Clone(copied.Data), destinations: cloneDestinations([]port.Destination{copied.Destination}),
		statement: slices.Clone(copied.Statement), renderedAt: original.renderedAt, fingerprint: original.fingerprint, version: original.version, templateSet: original.templateSet,
	}
	return nil
}

// copiesOf returns the copies that a filter chooses, sorted, without regard to its limit. Called with mu held.
func (s *Store) copiesOf(filter port.CopyFilter) (keys []key.Target) {
	for k := range s.bills {
		if k.Month == filter.Month && k.CopyNumber() > 0 && k.UserID > filter.After && (filter.UserID == 0 || k.Bill().UserID == filter.UserID) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, key.Target.Compare)
	return keys
}

func (p copies) List(ctx context.Context, filter port.CopyFilter) ([]port.CopyRecord, error) {
	return read(ctx, p.s, "copies.list", func() ([]port.CopyRecord, error) {
		keys := p.s.copiesOf(filter)
		var records []port.CopyRecord
		for _, k := range keys[:min(filter.Limit, len(keys))] {
			b := p.s.bills[k]
			target, err := p.s.restored(b)
			if err != nil {
				return nil, err
			}
			records = append(records, port.CopyRecord{Customer: b.customer, Target: target, Rows: p.s.rowsOf(k)})
		}
		return records, nil
	})
}
