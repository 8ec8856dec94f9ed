package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Ledger is the store as port.Ledger. Operations: ledger.claim, ledger.close, ledger.record, ledger.find.
func (s *Store) Ledger() port.Ledger { return ledger{s} }

type ledger struct{ s *Store }

func byKey(a, b attempt.Row) int { return a.Key.Compare(b.Key) }

// row returns a committed row.
func (s *Store) row(k key.Delivery) (attempt.Row, bool) {
	row, ok := s.ledger[k.Target()][k]
	return row, ok
}

func (s *Store) put(row attempt.Row) {
	rows := s.ledger[row.Key.Target()]
	if rows == nil {
		rows = map[key.Delivery]attempt.Row{}
		s.ledger[row.Key.Target()] = rows
	}
	rows[row.Key] = row
}

// settled waits until no transaction holds one of the keys uncommitted. The caller holds nothing meanwhile, so it
// cannot be part of a deadlock. Called and left with mu held.
func (s *Store) settled(ctx context.Context, keys []key.Delivery) error {
	return s.wait(ctx, nil, func() *tx {
		for _, k := range keys {
			if by := s.pending[k]; by != nil {
				return by
			}
		}
		return nil
	})
}

// prepared checks that every key's month is opened and waits for whoever holds a key.
func (s *Store) prepared(ctx context.Context, keys []key.Delivery) error {
	for _, k := range keys {
		if err := s.opened(k.Month); err != nil {
			return err
		}
	}
	return s.settled(ctx, keys)
}

func (p ledger) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	keys := make([]key.Delivery, len(claims))
	for i, c := range claims {
		keys[i] = c.Key
	}
	return read(ctx, p.s, "ledger.claim", func() ([]key.Delivery, error) {
		if err := distinct(keys); err != nil {
			return nil, err
		}
		if err := p.s.prepared(ctx, keys); err != nil {
			return nil, err
		}
		var mine []key.Delivery
		for _, c := range claims {
			if c.Token.IsZero() {
				return nil, fmt.Errorf("%w: %s is claimed without a token", port.ErrInvalid, c.Key)
			}
		}
		for _, c := range claims {
			if p.s.claim(c) {
				mine = append(mine, c.Key)
			}
		}
		slices.SortFunc(mine, key.Delivery.Compare)
		return mine, nil
	})
}

// claim reports whether the key now belongs to the claim's token.
func (s *Store) claim(c attempt.Claim) bool {
	now := s.now()
	if row, ok := s.row(c.Key); ok {
		mine := row.State == attempt.Claimed && row.Owner == c.Token && now.Before(row.LeaseUntil)
		if mine {
			row.Provider, row.Earlier, row.ChangedAt = c.Provider, c.Earlier, now
			s.put(row)
		}
		return mine
	}
	s.put(attempt.Row{
		Key: c.Key, State: attempt.Claimed, Facts: c.Facts, Owner: c.Token, Provider: c.Provider, Earlier: c.Earlier,
		ClaimedAt: now, LeaseUntil: instant(now.Add(c.Lease)), ChangedAt: now,
	})
	return true
}

// distinct refuses a key that is named twice: who of the two won could not be told.
func distinct(keys []key.Delivery) error {
	seen := make(map[key.Delivery]bool, len(keys))
	for _, k := range keys {
		if seen[k] {
			return fmt.Errorf("%w: %s is named twice in one call", port.ErrInvalid, k)
		}
		seen[k] = true
	}
	return nil
}

func (p ledger) Close(ctx context.Context, closings []attempt.Closing) ([]key.Delivery, error) {
	keys := make([]key.Delivery, len(closings))
	for i, c := range closings {
		keys[i] = c.Key
	}
	return read(ctx, p.s, "ledger.close", func() ([]key.Delivery, error) {
		for _, c := range closings {
			if !attempt.Allowed("", c.State, attempt.ByDelivery) {
				return nil, fmt.Errorf("%w: %w: %s cannot be closed as %s", port.ErrInvalid, attempt.ErrNotClosing, c.Key, c.State)
			}
		}
		if err := p.s.prepared(ctx, keys); err != nil {
			return nil, err
		}
		var inserted []key.Delivery
		for _, c := range closings {
			if _, ok := p.s.row(c.Key); ok {
				continue
			}
			p.s.put(attempt.Row{
				Key: c.Key, State: c.State, Facts: c.Facts, Class: c.Class, Reason: c.Reason,
				NotBefore: instant(c.NotBefore), FinishedAt: instant(c.FinishedAt), ChangedAt: p.s.now(),
			})
			inserted = append(inserted, c.Key)
		}
		slices.SortFunc(inserted, key.Delivery.Compare)
		return inserted, nil
	})
}

func (p ledger) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	return read(ctx, p.s, "ledger.record", func() ([]key.Delivery, error) {
		keys := make([]key.Delivery, len(outcomes))
		for i, o := range outcomes {
			keys[i] = o.Key
		}
		if err := p.s.settled(ctx, keys); err != nil {
			return nil, err
		}
		var hold []key.Delivery
		for _, o := range outcomes {
			row, ok := p.s.row(o.Key)
			if !ok {
				continue
			}
			if changed, accepted := p.s.applied(row, o); accepted {
				p.s.put(changed)
				row = changed
			}
			if row.State == o.State {
				hold = append(hold, o.Key)
			}
		}
		slices.SortFunc(hold, key.Delivery.Compare)
		return slices.Compact(hold), nil
	})
}

// applied is a row with an outcome, where it accepts it.
func (s *Store) applied(row attempt.Row, o attempt.Outcome) (attempt.Row, bool) {
	changed, accepted := row.Apply(o)
	changed.NotBefore, changed.FinishedAt, changed.ChangedAt = instant(o.NotBefore), instant(o.FinishedAt), s.now()
	return changed, accepted
}

func (p ledger) Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error) {
	return read(ctx, p.s, "ledger.find", func() ([]attempt.Row, error) {
		var rows []attempt.Row
		for _, k := range slices.Compact(slices.SortedFunc(slices.Values(keys), key.Delivery.Compare)) {
			if row, ok := p.s.row(k); ok {
				rows = append(rows, row)
			}
		}
		return rows, nil
	})
}
