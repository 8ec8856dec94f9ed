package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Retention is the store as port.Retention. Operations: retention.size, retention.drop, retention.audit_size,
// retention.drop_audit. Bytes are a hundred a row.
func (s *Store) Retention() port.Retention { return retention{s} }

type retention struct{ s *Store }

func (p retention) Size(ctx context.Context, month key.Month) (port.MonthSize, error) {
	return read(ctx, p.s, "retention.size", func() (port.MonthSize, error) {
		w := port.MonthSize{Rejects: len(p.s.rejects[month])}
		for k := range p.s.bills {
			if k.Month == month {
				w.Bills++
			}
		}
		for k, rows := range p.s.ledger {
			if k.Month == month {
				w.Ledger += len(rows)
			}
		}
		w.Bytes = int64(w.Bills+w.Ledger+w.Rejects) * 100
		return w, nil
	})
}

func (p retention) Drop(ctx context.Context, month key.Month, by port.Act) error {
	return p.s.audited(ctx, "retention.drop", func() error {
		state, known := p.s.months[month]
		switch {
		case !known:
			return fmt.Errorf("%w: %s: %w", port.ErrNotFound, month, errNotOpened)
		case state.Open:
			return fmt.Errorf("%w: %s is open", port.ErrInvalid, month)
		}
		maps.DeleteFunc(p.s.bills, func(k key.Target, _ bill) bool { return k.Month == month })
		maps.DeleteFunc(p.s.ledger, func(k key.Target, _ map[key.Delivery]attempt.Row) bool { return k.Month == month })
		maps.DeleteFunc(p.s.inquiries, func(k key.Delivery, _ inquiry) bool { return k.Month == month })
		maps.DeleteFunc(p.s.reports, func(k key.Target, _ []report.Report) bool { return k.Month == month })
		maps.DeleteFunc(p.s.strays, func(r strayReport, _ port.Stray) bool { return r.month == month })
		delete(p.s.rejects, month)
		if state.DroppedAt.IsZero() {
			state.DroppedAt = p.s.now()
			p.s.months[month] = state
			p.s.note(port.ActionDropMonth, month.String(), by)
		}
		return nil
	})
}

// ended tells whether a month's records may go.
func (s *Store) ended(month, before key.Month) bool {
	return month < before && !s.months[month].DroppedAt.IsZero()
}

func (p retention) AuditSize(ctx context.Context, before key.Month) (port.AuditSize, error) {
	return read(ctx, p.s, "retention.audit_size", func() (port.AuditSize, error) { return p.s.auditSize(before), nil })
}

func (s *Store) auditSize(before key.Month) (w port.AuditSize) {
	for _, record := range s.imports {
		if s.ended(record.Month, before) {
			w.Imports++
		}
	}
	for _, run := range s.runs {
		if s.ended(run.Month, before) {
			w.Runs++
		}
	}
	for month := range s.months {
		if s.ended(month, before) {
			w.Months++
		}
	}
	for _, note := range s.notes {
		if note.By.At.Before(before.Start(time.UTC)) {
			w.Acts++
		}
	}
	return w
}

func (p retention) DropAudit(ctx context.Context, before key.Month, by port.Act) error {
	return p.s.audited(ctx, "retention.drop_audit", func() error {
		size := p.s.auditSize(before)
		for i, record := range p.s.imports { // the id is the place: a hole stays
			if p.s.ended(record.Month, before) {
				p.s.imports[i] = port.ImportRecord{}
			}
		}
		maps.DeleteFunc(p.s.mappings, func(month key.Month, _ []port.MonthMapping) bool { return p.s.ended(month, before) })
		maps.DeleteFunc(p.s.templateSets, func(month key.Month, _ []port.TemplateSet) bool { return p.s.ended(month, before) })
		maps.DeleteFunc(p.s.strays, func(r strayReport, _ port.Stray) bool { return r.month < before })
		maps.DeleteFunc(p.s.runs, func(_ int64, run port.Run) bool { return p.s.ended(run.Month, before) })
		maps.DeleteFunc(p.s.months, func(month key.Month, _ port.MonthState) bool { return p.s.ended(month, before) })
		p.s.notes = slices.DeleteFunc(p.s.notes, func(n port.AuditEntry) bool { return n.By.At.Before(before.Start(time.UTC)) })
		if size != (port.AuditSize{}) {
			entry := port.DropAuditEntry(before, size, by)
			p.s.note(entry.Action, entry.Subject, by)
		}
		return nil
	})
}
