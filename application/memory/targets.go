package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Targets is the store as port.Targets. Operations: targets.within, targets.commit, targets.lock_page, targets.lock,
// targets.ledger, targets.reports, targets.revoke, targets.succeed, targets.save, targets.record, targets.recover, audit.record.
func (s *Store) Targets() port.Targets { return targets{s} }

type targets struct{ s *Store }

func (p targets) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	return p.s.within(ctx, "targets", func(ctx context.Context, t *tx) error { return fn(ctx, t) })
}

// within runs fn in a transaction; its faults are named family.within and family.commit.
func (s *Store) within(ctx context.Context, family string, fn func(ctx context.Context, t *tx) error) error {
	if err := s.fault(ctx, family+".within"); err != nil {
		return err
	}
	t := &tx{s: s, saved: map[key.Target]bill{}, written: map[key.Delivery]attempt.Row{}}
	defer t.end(false) // for an error of fn, and for its panic
	if err := fn(ctx, t); err != nil {
		return err
	}
	if t.broken != nil {
		// As in a database: what failed once is over, though fn went on.
		return fmt.Errorf("commit: %w", t.broken)
	}
	commit := family + ".commit"
	if err := s.fault(ctx, commit); err != nil {
		return err
	}
	t.end(true)
	return s.hooked(Done(commit))
}

// tx is one transaction. Its fields are guarded by the store's mu.
type tx struct {
	s         *Store
	waitsFor  *tx
	saved     map[key.Target]bill          // seen by others after the commit
	written   map[key.Delivery]attempt.Row // the same
	audited   []port.AuditEntry            // the same
	corrected []port.ImportedBill          // what was corrected resolves refused rows
	broken    error
	ended     bool
}

var errEnded = errors.New("the transaction has ended")

// end commits or rolls back, and lets everybody see that the locks are free.
func (t *tx) end(commit bool) {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	if commit {
		maps.Copy(s.bills, t.saved)
		for _, source := range t.corrected {
			s.resolve(source.State.Key.Month, source, true)
		}
		for _, row := range t.written {
			s.put(row)
		}
		s.notes = append(s.notes, t.audited...)
	}
	maps.DeleteFunc(s.locks, func(_ key.Target, by *tx) bool { return by == t })
	maps.DeleteFunc(s.pending, func(_ key.Delivery, by *tx) bool { return by == t })
	close(s.released)
	s.released = make(chan struct{})
}

// do runs one statement; its error breaks the transaction.
func (t *tx) do(ctx context.Context, op string, fn func() error) error {
	err := t.s.fault(ctx, op)
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	switch {
	case t.ended:
		return fmt.Errorf("%s: %w", op, errEnded)
	case t.broken != nil:
		return fmt.Errorf("%s: an earlier statement failed: %w", op, t.broken)
	case err == nil:
		if err = fn(); err != nil {
			err = fmt.Errorf("%s: %w", op, err)
		}
	}
	t.broken = err
	return err
}

// bill returns a bill as this transaction sees it.
func (t *tx) bill(k key.Target) (bill, bool) {
	if b, ok := t.saved[k]; ok {
		return b, true
	}
	b, ok := t.s.bills[k]
	return b, ok
}

func (t *tx) LockPage(ctx context.Context, page port.Page) ([]port.Candidate, error) {
	var candidates []port.Candidate
	err := t.do(ctx, "targets.lock_page", func() error {
		if page.Limit < 1 || page.Limit > 1000 {
			return fmt.Errorf("%w: a page of %d (want 1 to 1,000)", port.ErrInvalid, page.Limit)
		}
		for _, k := range t.s.due(page.Month, page.After, t.bill) {
			b, _ := t.bill(k)
			if len(candidates) == page.Limit || b.state.AvailableAt.After(page.PassNow) {
				return nil
			}
			if by := t.s.locks[k]; by != nil && by != t {
				continue // SKIP LOCKED
			}
			target, err := t.s.restored(b)
			if err != nil {
				return err
			}
			t.s.locks[k] = t
			candidates = append(candidates, port.Candidate{
				Target:       target,
				Destinations: cloneDestinations(b.destinations),
				Statement:    slices.Clone(b.statement),
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return candidates, nil
}

// due returns the candidates of a month behind a cursor in the order (available at, user id), as seen by look.
func (s *Store) due(month key.Month, after port.Cursor, look func(key.Target) (bill, bool)) []key.Target {
	return s.ordered(month, after, func(k key.Target) (time.Time, bool) {
		b, _ := look(k)
		waits := b.state.Dispatch == billing.Ready || b.state.Dispatch == billing.Failed
		return b.state.AvailableAt, waits && b.state.Batch == billing.Rendered
	})
}

// ordered returns the keys of a month that wanted returns true for, behind a cursor, by (available at, user id).
func (s *Store) ordered(month key.Month, after port.Cursor, wanted func(key.Target) (time.Time, bool)) []key.Target {
	type place struct {
		at  time.Time
		key key.Target
	}
	compare := func(a, b place) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key.UserID, b.key.UserID))
	}
	cursor := place{instant(after.AvailableAt), key.Target{UserID: after.UserID}}
	var places []place
	for k := range s.bills {
		if k.Month != month {
			continue
		}
		at, ok := wanted(k)
		if p := (place{at, k}); ok && (after == port.Cursor{} || compare(p, cursor) > 0) {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, compare)
	keys := make([]key.Target, len(places))
	for i, p := range places {
		keys[i] = p.key
	}
	return keys
}

func (t *tx) Lock(ctx context.Context, keys []key.Target) ([]billing.Target, error) {
	var locked []billing.Target
	err := t.do(ctx, "targets.lock", func() error {
		for _, k := range sortedTargets(keys) {
			if _, ok := t.bill(k); !ok {
				continue
			}
			if err := t.s.wait(ctx, t, func() *tx { return t.s.locks[k] }); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			t.s.locks[k] = t
			b, _ := t.bill(k)
			target, err := t.s.restored(b)
			if err != nil {
				return err
			}
			locked = append(locked, target)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return locked, nil
}

func (t *tx) Succeed(ctx context.Context, keys []key.Target) ([]key.Target, error) {
	var succeeded []key.Target
	err := t.do(ctx, "targets.succeed", func() error {
		for _, k := range sortedTargets(keys) {
			if !t.succeeds(k) {
				continue
			}
			if err := t.s.wait(ctx, t, func() *tx { return t.s.locks[k] }); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			if !t.succeeds(k) {
				continue // changed by whoever held it
			}
			t.s.locks[k] = t
			b, _ := t.bill(k)
			b.state.Dispatch = billing.Succeeded
			t.saved[k] = b
			succeeded = append(succeeded, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return succeeded, nil
}

// succeeds tells whether a target is one for Succeed.
func (t *tx) succeeds(k key.Target) bool {
	b, ok := t.bill(k)
	if !ok {
		return false
	}
	target, err := t.s.restored(b)
	if err != nil {
		return false
	}
	row, ok := t.s.row(target.Delivery())
	return ok && target.SucceedsPlainly(row, t.s.reports[k])
}

func (t *tx) Save(ctx context.Context, targets []billing.Target) error {
	return t.do(ctx, "targets.save", func() error {
		for _, target := range targets {
			if t.s.locks[target.Key()] != t {
				return fmt.Errorf("%w: %s is saved but was not locked", port.ErrInvalid, target.Key())
			}
			b, _ := t.bill(target.Key())
			batch := b.state.Batch // written by the batch alone
			b.state = kept(target.State())
			b.state.Batch = batch
			t.saved[target.Key()] = b
		}
		return nil
	})
}

// Record implements port.TargetTx.
func (t *tx) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	var hold []key.Delivery
	err := t.do(ctx, "targets.record", func() error {
		for _, o := range outcomes {
			if err := t.s.wait(ctx, t, func() *tx { return t.s.pending[o.Key] }); err != nil {
				return fmt.Errorf("%s: %w", o.Key, err)
			}
			row, ok := t.written[o.Key]
			if !ok {
				row, ok = t.s.row(o.Key)
			}
			if !ok {
				continue
			}
			if changed, accepted := t.s.applied(row, o); accepted {
				t.s.pending[o.Key], t.written[o.Key], row = t, changed, changed
			}
			if row.State == o.State {
				hold = append(hold, o.Key)
			}
		}
		return nil
	})
	slices.SortFunc(hold, key.Delivery.Compare)
	return slices.Compact(hold), err
}

// Recover implements port.TargetTx.
func (t *tx) Recover(ctx context.Context, recoveries []attempt.Recovery) ([]key.Delivery, error) {
	var written []key.Delivery
	err := t.do(ctx, "targets.recover", func() error {
		for _, r := range recoveries {
			if err := t.s.opened(r.Key.Month); err != nil {
				return err
			}
			if err := t.s.wait(ctx, t, func() *tx { return t.s.pending[r.Key] }); err != nil {
				return fmt.Errorf("%s: %w", r.Key, err)
			}
			row, ok := t.written[r.Key]
			if !ok {
				row, _ = t.s.row(r.Key)
			}
			if !r.Recovers(row.State) {
				continue
			}
			row = row.Recovered(r)
			row.FinishedAt, row.ChangedAt = instant(row.FinishedAt), t.s.now()
			t.s.pending[r.Key], t.written[r.Key] = t, row
			written = append(written, r.Key)
		}
		return nil
	})
	slices.SortFunc(written, key.Delivery.Compare)
	return written, err
}

// Audit implements port.TargetTx.
func (t *tx) Audit(ctx context.Context, entry port.AuditEntry) error {
	return t.do(ctx, "audit.record", func() error {
		entry.By = t.s.dated(entry.By)
		t.audited = append(t.audited, entry)
		return nil
	})
}

// kept is a state as the store keeps it.
func kept(state billing.State) billing.State {
	state.AvailableAt = instant(state.AvailableAt)
	state.RequestedAt = instant(state.RequestedAt)
	state.Deadline = instant(state.Deadline)
	state.Suppressed, state.OptedOut = 0, 0 // known at the moment of reading
	return state
}

func sortedTargets(keys []key.Target) []key.Target {
	return slices.Compact(slices.SortedFunc(slices.Values(keys), key.Target.Compare))
}

func cloneDestinations(destinations []port.Destination) []port.Destination {
	copies := slices.Clone(destinations)
	for i := range copies {
		copies[i].Sealed = slices.Clone(copies[i].Sealed)
	}
	return copies
}
