package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Imports is the store as port.Imports. Operations: imports.store, imports.compare,
// imports.alone, imports.begin, imports.end, imports.reject.
func (s *Store) Imports() port.Imports { return imports{s} }

type imports struct{ s *Store }

type sealing = func(plain []byte, purpose port.Purpose) ([]byte, error)

// chunk is what an import is about to store.
type chunk struct {
	report    port.ImportReport
	customers map[string]int64
	bills     map[key.Target]bill
	sources   map[key.Target]port.ImportedBill
	unchanged []port.ImportedBill
}

func (p imports) Store(ctx context.Context, month key.Month, bills []port.ImportedBill, seal func(plain []byte, purpose port.Purpose) ([]byte, error)) (port.ImportReport, error) {
	const op = "imports.store"
	if err := p.s.fault(ctx, op); err != nil {
		return port.ImportReport{}, err
	}
	p.s.importing.Lock()
	defer p.s.importing.Unlock()
	c, err := p.s.plan(month, bills)
	if err != nil {
		return port.ImportReport{}, fmt.Errorf("%s: %w", op, err)
	}
	for k, source := range c.sources {
		b := c.bills[k]
		if err := b.take(k, source, seal); err != nil {
			return port.ImportReport{}, fmt.Errorf("%s: %w", op, err)
		}
		c.bills[k] = b
	}
	p.s.mu.Lock()
	maps.Copy(p.s.customers, c.customers)
	p.s.lastUser += int64(len(c.customers))
	maps.Copy(p.s.bills, c.bills)
	for _, source := range c.sources {
		p.s.resolve(month, source, true)
	}
	for _, source := range c.unchanged {
		p.s.resolve(month, source, false)
	}
	p.s.mu.Unlock()
	return c.report, p.s.hooked(Done(op))
}

func (p imports) Compare(ctx context.Context, month key.Month, bills []port.ImportedBill) (port.ImportReport, error) {
	if err := p.s.fault(ctx, "imports.compare"); err != nil {
		return port.ImportReport{}, err
	}
	c, err := p.s.plan(month, bills)
	if err != nil {
		return port.ImportReport{}, fmt.Errorf("imports.compare: %w", err)
	}
	c.report.Inserted = 0
	for _, source := range bills {
		for _, fresh := range c.sources {
			if fresh.Customer == source.Customer && fresh.Line == source.Line {
				c.report.New = append(c.report.New, port.ImportConflict{Customer: source.Customer, Line: source.Line})
			}
		}
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, source := range c.unchanged {
		p.s.resolve(month, source, false)
	}
	return c.report, nil
}

func (p imports) TryLockMonth(ctx context.Context, month key.Month) (release func(), other port.ImportRecord, err error) {
	err = p.s.do(ctx, "imports.alone", func() error {
		if p.s.alone[month] {
			for _, record := range p.s.imports {
				if record.Month == month && record.FinishedAt.IsZero() {
					other = record
				}
			}
			return nil
		}
		p.s.alone[month] = true
		release = func() {
			p.s.mu.Lock()
			defer p.s.mu.Unlock()
			delete(p.s.alone, month)
		}
		return nil
	})
	return release, other, err
}

// plan finds out what is new in a chunk, and numbers it.
func (s *Store) plan(month key.Month, bills []port.ImportedBill) (chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := chunk{customers: map[string]int64{}, bills: map[key.Target]bill{}, sources: map[key.Target]port.ImportedBill{}}
	if err := s.opened(month); err != nil {
		return c, err
	}
	for _, source := range bills {
		id, known := s.customers[source.Customer]
		if !known {
			id, known = c.customers[source.Customer]
		}
		if !known {
			id = s.lastUser + int64(len(c.customers)) + 1
			c.customers[source.Customer] = id
		}
		k := key.Target{Month: month, UserID: id}
		there, ok := s.bills[k]
		if !ok {
			there, ok = c.bills[k]
		}
		switch {
		case !ok:
			b := bill{state: kept(source.State), customer: source.Customer, fingerprint: source.Fingerprint, version: max(s.firstVersion[month], 1)}
			b.state.Key, b.state.Batch, b.state.Dispatch = k, billing.Imported, billing.Ready
			c.bills[k], c.sources[k] = b, source
			c.report.Inserted++
		case there.fingerprint == source.Fingerprint:
			c.report.Unchanged++
			c.unchanged = append(c.unchanged, source)
		default:
			c.report.Conflicts = append(c.report.Conflicts, port.ImportConflict{Customer: source.Customer, Line: source.Line})
		}
	}
	return c, nil
}

// take seals what a row of billing data says into the bill.
func (b *bill) take(k key.Target, source port.ImportedBill, seal sealing) error {
	data, err := seal(source.Data, port.Purpose{Kind: port.KindBillingData, Target: k})
	if err != nil {
		return fmt.Errorf("seal the data of %s: %w", k, err)
	}
	var destinations []port.Destination
	for _, kind := range channel.All {
		plain, ok := source.Destinations[kind]
		if !ok {
			continue
		}
		sealed, err := seal([]byte(plain), port.Purpose{Kind: port.KindDestination, Target: k, Channel: kind})
		if err != nil {
			return fmt.Errorf("seal the %s destination of %s: %w", kind, k, err)
		}
		destinations = append(destinations, port.Destination{Channel: kind, Sealed: slices.Clone(sealed)})
	}
	b.data, b.destinations, b.fingerprint = slices.Clone(data), destinations, source.Fingerprint
	b.file, b.line, b.importID = source.File, source.Line, source.Import
	return nil
}

func (p imports) Begin(ctx context.Context, record port.ImportRecord, entries ...port.AuditEntry) (id int64, err error) {
	err = p.s.audited(ctx, "imports.begin", func() error {
		record.ID = int64(len(p.s.imports)) + 1
		p.s.imports = append(p.s.imports, keptImport(record))
		for _, entry := range entries {
			p.s.note(entry.Action, entry.Subject, entry.By)
		}
		id = record.ID
		return nil
	})
	return id, err
}

func (p imports) End(ctx context.Context, record port.ImportRecord) error {
	return p.s.do(ctx, "imports.end", func() error {
		if record.ID < 1 || record.ID > int64(len(p.s.imports)) {
			return fmt.Errorf("%w: import %d", port.ErrNotFound, record.ID)
		}
		before := p.s.imports[record.ID-1]
		record.UndoneAt, record.Undone = before.UndoneAt, before.Undone
		p.s.imports[record.ID-1] = keptImport(record)
		return nil
	})
}

func keptImport(r port.ImportRecord) port.ImportRecord {
	r.By.At, r.StartedAt, r.FinishedAt = instant(r.By.At), instant(r.StartedAt), instant(r.FinishedAt)
	return r
}

func (p imports) Reject(ctx context.Context, month key.Month, rejects []port.Reject) (resolved []port.RejectedRow, err error) {
	err = p.s.do(ctx, "imports.reject", func() error {
		if p.s.rejects[month] == nil {
			p.s.rejects[month] = map[port.RejectedRow]rejected{}
		}
		for _, r := range rejects {
			row := port.RejectedRow{File: r.File, Line: r.Line}
			known, ok := p.s.rejects[month][row]
			switch {
			case !ok:
				p.s.rejects[month][row] = rejected{Reject: r}
			case known.resolved && known.Customer == r.Customer && known.Field == r.Field && known.Reason == r.Reason:
				resolved = append(resolved, row)
			}
		}
		return nil
	})
	return resolved, err
}

// resolve notes which refused rows a stored bill resolves; by its customer too where it is new.
func (s *Store) resolve(month key.Month, source port.ImportedBill, isNew bool) {
	for row, r := range s.rejects[month] {
		if row == source.Resolves || isNew && r.Customer == source.Customer {
			r.resolved = true
			s.rejects[month][row] = r
		}
	}
}

// Rejects returns the refused rows of a month that were not resolved, by file and line.
func (s *Store) Rejects(month key.Month) []port.Reject {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []port.Reject
	for _, r := range s.rejects[month] {
		if !r.resolved {
			open = append(open, r.Reject)
		}
	}
	slices.SortFunc(open, func(a, b port.Reject) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return open
}
