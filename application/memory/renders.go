package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Renders is the store as port.Renders. Operations: renders.find, renders.next, renders.again,
// renders.mark.
func (s *Store) Renders() port.Renders { return renders{s} }

type renders struct{ s *Store }

func (p renders) Find(ctx context.Context, month key.Month, customer string) (port.Bill, error) {
	return read(ctx, p.s, "renders.find", func() (port.Bill, error) {
		k := key.Target{Month: month, UserID: p.s.customers[customer]}
		b, ok := p.s.bills[k]
		if !ok {
			return port.Bill{}, fmt.Errorf("%w: the customer has no bill of %s", port.ErrNotFound, month)
		}
		return port.Bill{Target: k, Data: slices.Clone(b.data), Reachable: b.state.Reachable, Version: b.version}, nil
	})
}

func (p renders) Next(ctx context.Context, month key.Month, after port.Cursor, limit int) ([]port.Bill, port.Cursor, error) {
	var bills []port.Bill
	err := p.s.do(ctx, "renders.next", func() error {
		keys := p.s.ordered(month, after, func(k key.Target) (time.Time, bool) {
			state := p.s.bills[k].state
			return state.AvailableAt, state.Batch == billing.Imported
		})
		for _, k := range keys[:min(limit, len(keys))] {
			b := p.s.bills[k]
			bills = append(bills, port.Bill{
				Target: k, Data: slices.Clone(b.data), Reachable: b.state.Reachable, Version: b.version,
			})
			after = port.Cursor{AvailableAt: b.state.AvailableAt, UserID: k.UserID}
		}
		return nil
	})
	return bills, after, err
}

func (p renders) Again(ctx context.Context, month key.Month, after int64, limit int) (last int64, err error) {
	err = p.s.do(ctx, "renders.again", func() error {
		var failed []key.Target
		for k, b := range p.s.bills {
			if k.Month == month && k.UserID > after && b.state.Batch == billing.RenderFailed {
				failed = append(failed, k)
			}
		}
		slices.SortFunc(failed, key.Target.Compare)
		for _, k := range failed[:min(limit, len(failed))] {
			b := p.s.bills[k]
			b.state.Batch, last = billing.Imported, k.UserID
			p.s.bills[k] = b
		}
		return nil
	})
	return last, err
}

func (p renders) Mark(ctx context.Context, rendered []port.RenderedBill, set int16, at time.Time) (int, error) {
	return read(ctx, p.s, "renders.mark", func() (int, error) {
		// An update of a locked row waits for its lock, though it writes other columns.
		err := p.s.wait(ctx, nil, func() *tx {
			for _, r := range rendered {
				if by := p.s.locks[r.Target]; by != nil {
					return by
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		marked := 0
		for _, r := range rendered {
			b, ok := p.s.bills[r.Target]
			if !ok || b.version != r.Version {
				continue
			}
			b.state.Batch, b.statement, b.renderFailure, b.renderedAt, b.templateSet = billing.Rendered, slices.Clone(r.Statement), r.Failed, instant(at), set
			if r.Failed != "" {
				b.state.Batch, b.statement = billing.RenderFailed, nil
			}
			p.s.bills[r.Target] = b
			marked++
		}
		return marked, nil
	})
}

// Corrections is the store as port.Corrections. Operations: corrections.within, corrections.commit, and those of the
// transaction's statements: targets.lock, targets.ledger, targets.revoke.
func (s *Store) Corrections() port.Corrections { return corrections{s} }

type corrections struct{ s *Store }

func (p corrections) Correct(ctx context.Context, source port.ImportedBill, seal func(plain []byte, purpose port.Purpose) ([]byte, error), decide port.CorrectionDecision, by port.Act) error {
	return p.s.within(ctx, "corrections", func(ctx context.Context, t *tx) error {
		k := p.s.targetOf(source.State.Key.Month, source.Customer)
		locked, err := t.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		if len(locked) == 0 {
			return fmt.Errorf("%w: the customer has no bill of %s", port.ErrNotFound, source.State.Key.Month)
		}
		target := locked[0]
		rows, err := t.Ledger(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		said, err := t.Reports(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		err = decide(&target, target.ForCorrection(attempt.RowOf(rows[k], target.Delivery()), said[k]), func(r attempt.Revocation) (bool, error) {
			revoked, err := t.Revoke(ctx, []attempt.Revocation{r})
			return len(revoked) > 0, err
		})
		if err != nil {
			return err
		}
		if err := t.correct(target, source, seal); err != nil {
			return err
		}
		return t.Audit(ctx, port.CorrectEntry(source, by))
	})
}

// correct keeps a corrected target with its new data, to be rendered again.
func (t *tx) correct(target billing.Target, source port.ImportedBill, seal sealing) error {
	t.s.mu.Lock()
	b, _ := t.bill(target.Key())
	t.s.mu.Unlock()
	if err := b.take(target.Key(), source, seal); err != nil {
		return err
	}
	b.state = kept(target.State())
	b.state.Batch, b.statement, b.renderFailure = billing.Imported, nil, ""
	b.renderedAt, b.templateSet = time.Time{}, 0
	b.version++
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.saved[target.Key()] = b
	t.corrected = append(t.corrected, source)
	return nil
}

// targetOf finds a customer's target of a month; a key that nothing has where there is none.
func (s *Store) targetOf(month key.Month, customer string) key.Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	return key.Target{Month: month, UserID: s.customers[customer]}
}
