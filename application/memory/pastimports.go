package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// PastImports is the store as port.PastImports. Operations: past_imports.elsewhere, past_imports.begin, past_imports.page,
// past_imports.end, past_imports.customers.
func (s *Store) PastImports() port.PastImports { return pastImports{s} }

type pastImports struct{ s *Store }

func (p pastImports) Elsewhere(ctx context.Context, month key.Month, bills []port.ImportedBill) (map[key.Month]int, error) {
	return read(ctx, p.s, "past_imports.elsewhere", func() (map[key.Month]int, error) {
		found := map[key.Month]int{}
		for other := range p.s.months {
			for _, source := range bills {
				id, known := p.s.customers[source.Customer]
				if b, there := p.s.bills[key.Target{Month: other, UserID: id}]; known && there && other != month && b.fingerprint == source.Fingerprint {
					found[other]++
				}
			}
		}
		return found, nil
	})
}

func (p pastImports) Customers(ctx context.Context, month key.Month, after int64, limit int) ([]port.MonthCustomer, error) {
	return read(ctx, p.s, "past_imports.customers", func() (list []port.MonthCustomer, err error) {
		for k, b := range p.s.bills {
			if k.Month == month && k.UserID > after && p.s.customers[b.customer] == k.UserID {
				list = append(list, port.MonthCustomer{UserID: k.UserID, Customer: b.customer})
			}
		}
		slices.SortFunc(list, func(a, b port.MonthCustomer) int { return cmp.Compare(a.UserID, b.UserID) })
		return list[:min(limit, len(list))], nil
	})
}

func (p pastImports) BeginUndo(ctx context.Context, month key.Month, id int64, by port.Act) (record port.ImportRecord, err error) {
	err = p.s.audited(ctx, "past_imports.begin", func() error {
		kept, err := p.s.importOf(month, id)
		if err != nil {
			return err
		}
		if !p.s.months[month].DroppedAt.IsZero() {
			return fmt.Errorf("%w: the bills of %s were removed", billing.ErrRefused, month)
		}
		if err := p.s.standing(*kept, p.s.broughtBy(month, id)).Err(); err != nil {
			return err
		}
		if kept.UndoneAt.IsZero() {
			kept.UndoneAt = p.s.now()
			p.s.note(port.UndoImportEntry(*kept, by).Action, month.String(), by)
		}
		record = *kept
		return nil
	})
	return record, err
}

// importOf returns the record of a month's import.
func (s *Store) importOf(month key.Month, id int64) (*port.ImportRecord, error) {
	if id < 1 || id > int64(len(s.imports)) || s.imports[id-1].Month != month {
		return nil, fmt.Errorf("%w: import %d of %s", port.ErrNotFound, id, month)
	}
	return &s.imports[id-1], nil
}

// broughtBy returns the bills that an import brought, by user id.
func (s *Store) broughtBy(month key.Month, id int64) (keys []key.Target) {
	for k, b := range s.bills {
		if k.Month == month && b.importID == id {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key.Target) int { return int(a.UserID - b.UserID) })
	return keys
}

// standing finds out how far bills have gone.
func (s *Store) standing(record port.ImportRecord, keys []key.Target) (u port.UndoStanding) {
	u.Bills = len(keys)
	for _, k := range keys {
		b := s.bills[k]
		called := slices.ContainsFunc(s.rowsOf(k), func(r attempt.Row) bool { return r.State != attempt.Revoked })
		untouched := b.state.Dispatch == billing.Ready || b.state.Dispatch == billing.Paused || b.state.Dispatch == billing.Cancelled
		switch {
		case called || !untouched || b.state.Attempt != 0 || !b.state.RequestedAt.IsZero():
			u.Requested++
		case b.state.Dispatch != billing.Ready || b.state.Round != 0 || b.state.Requeues != 0 || b.state.PendingEnd != "" || len(s.ledger[k]) > 0:
			u.Changed++
		case !b.renderedAt.IsZero():
			u.Exposed++
		}
	}
	for _, run := range s.runs {
		since := run.FinishedAt.IsZero() || !run.FinishedAt.Before(record.StartedAt.Add(-5*time.Minute)) && (run.Status != port.RunFinished || run.Published > 0 || run.Failed > 0)
		if since && (run.Month == 0 || run.Month == record.Month) {
			u.Run = max(u.Run, run.ID)
		}
	}
	return u
}

func (p pastImports) UndoPage(ctx context.Context, month key.Month, id, after int64, limit int) (page port.UndonePage, err error) {
	err = p.s.do(ctx, "past_imports.page", func() error {
		kept, err := p.s.importOf(month, id)
		if err != nil {
			return err
		}
		keys := slices.DeleteFunc(p.s.broughtBy(month, id), func(k key.Target) bool { return k.UserID <= after })
		if keys = keys[:min(limit, len(keys))]; len(keys) == 0 {
			return nil
		}
		page.Last = keys[len(keys)-1].UserID
		err = p.s.wait(ctx, nil, func() *tx {
			for _, k := range keys {
				if by := p.s.locks[k]; by != nil {
					return by
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(k key.Target) bool { return p.s.bills[k].importID != id })
		if err := p.s.standing(*kept, keys).Err(); err != nil {
			page = port.UndonePage{}
			return err
		}
		for _, k := range keys {
			p.s.firstVersion[month] = max(p.s.firstVersion[month], p.s.bills[k].version+1)
			delete(p.s.bills, k)
		}
		page.Removed = len(keys)
		kept.Undone += page.Removed
		return nil
	})
	return page, err
}

func (p pastImports) EndUndo(ctx context.Context, month key.Month, id int64) error {
	return p.s.do(ctx, "past_imports.end", func() error {
		for row, r := range p.s.rejects[month] {
			_, there := p.s.bills[key.Target{Month: month, UserID: p.s.customers[r.Customer]}]
			switch {
			case r.Import == id:
				delete(p.s.rejects[month], row)
			case r.resolved && !r.dismissed && r.Customer != "" && !there:
				r.resolved = false
				p.s.rejects[month][row] = r
			}
		}
		return nil
	})
}
