package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Report is the store as port.Report. Operations: report.funnel, report.find, report.alike, report.customers, report.origin, report.imports,
// report.costs.
func (s *Store) Report() port.Report { return monthReport{s} }

type monthReport struct{ s *Store }

func (p monthReport) Refusing(ctx context.Context, month key.Month) ([]port.ProviderRefusal, error) {
	return read(ctx, p.s, "report.refusing", func() ([]port.ProviderRefusal, error) {
		type cause struct {
			provider string
			class    attempt.FailureClass
			called   bool
		}
		last, counts, accepted := map[string]port.ProviderRefusal{}, map[cause]int{}, map[string]time.Time{}
		causeOf := func(provider string, class attempt.FailureClass, reason attempt.Reason) cause {
			if reason == attempt.ReasonNotCalled {
				return cause{provider: provider}
			}
			return cause{provider, class, true}
		}
		for target, rows := range p.s.ledger {
			for _, r := range rows {
				aboutUs := r.State == attempt.NotSent && (r.Class == attempt.Provider || r.Class == attempt.Throttled || r.Reason == attempt.ReasonNotCalled) && r.Reason != attempt.ReasonHeld
				answered := r.State == attempt.Succeeded || r.State == attempt.Failed && r.Reason == attempt.ReasonRefused
				account := port.Provider{Name: r.Provider, Channel: r.Channel}.Account()
				switch {
				case target.Month != month || r.Provider == "" || !r.ChangedAt.After(p.s.now().Add(-time.Hour)):
				case answered && r.ChangedAt.After(accepted[account]):
					accepted[account] = r.ChangedAt
				case aboutUs:
					counts[causeOf(account, r.Class, r.Reason)]++
					if r.ChangedAt.After(last[account].Last) {
						last[account] = port.ProviderRefusal{Provider: account, Class: r.Class, Reason: r.Reason, Said: r.Detail, Last: r.ChangedAt}
					}
				}
			}
		}
		var list []port.ProviderRefusal
		for name, f := range last {
			if f.Last.After(accepted[name]) {
				f.Refused = counts[causeOf(name, f.Class, f.Reason)]
				list = append(list, f)
			}
		}
		slices.SortFunc(list, func(a, b port.ProviderRefusal) int { return strings.Compare(a.Provider, b.Provider) })
		return list, nil
	})
}

func (p monthReport) Funnel(ctx context.Context, month key.Month) (port.Funnel, error) {
	return read(ctx, p.s, "report.funnel", func() (port.Funnel, error) {
		f := port.Funnel{
			Month: month,
			Batch: map[billing.BatchStatus]int{}, Dispatch: map[billing.Status]int{}, Paused: map[billing.PauseReason]int{},
			Copies: map[billing.Status]int{},
		}
		for _, r := range p.s.rejects[month] {
			if r.resolved {
				f.Resolved++
			} else {
				f.Rejected++
			}
		}
		for k, b := range p.s.bills {
			if k.Month != month {
				continue
			}
			if k.CopyNumber() > 0 {
				f.Copies[b.state.Dispatch]++
				continue
			}
			f.Imported++
			f.Batch[b.state.Batch]++
			f.Dispatch[b.state.Dispatch]++
			if b.state.Dispatch == billing.Paused {
				f.Paused[b.state.Pause]++
			}
		}
		return f, nil
	})
}

func (p monthReport) Find(ctx context.Context, month key.Month, customer string) (target billing.Target, rows []attempt.Row, err error) {
	err = p.s.do(ctx, "report.find", func() error {
		k := key.Target{Month: month, UserID: p.s.customers[customer]}
		b, ok := p.s.bills[k]
		if !ok {
			return fmt.Errorf("%w: the customer has no bill of %s", port.ErrNotFound, month)
		}
		rows = p.s.rowsOf(k)
		target, err = p.s.restored(b)
		return err
	})
	return target, rows, err
}

func (p monthReport) Alike(ctx context.Context, customer string, limit int) ([]string, error) {
	return read(ctx, p.s, "report.alike", func() ([]string, error) {
		var alike []string
		for name := range p.s.customers {
			if port.FoldCustomer(name) == port.FoldCustomer(customer) {
				alike = append(alike, name)
			}
		}
		slices.Sort(alike)
		return alike[:min(limit, len(alike))], nil
	})
}

func (p monthReport) Customers(ctx context.Context, userIDs []int64) (map[int64]string, error) {
	return read(ctx, p.s, "report.customers", func() (map[int64]string, error) {
		found := map[int64]string{}
		for name, id := range p.s.customers {
			if slices.Contains(userIDs, id) {
				found[id] = name
			}
		}
		return found, nil
	})
}

func (p monthReport) Origin(ctx context.Context, target key.Target) (port.Origin, error) {
	return read(ctx, p.s, "report.origin", func() (port.Origin, error) {
		b, ok := p.s.bills[target]
		if !ok {
			return port.Origin{}, fmt.Errorf("%w: there is no bill %s", port.ErrNotFound, target)
		}
		o := port.Origin{File: b.file, Line: b.line, Version: b.version, RenderedAt: b.renderedAt, RenderError: b.renderFailure}
		if set := p.s.templateSet(target.Month, b.templateSet); set.Number != 0 {
			o.Templates = set.String()
		}
		if b.importID > 0 && b.importID <= int64(len(p.s.imports)) {
			o.Import = p.s.imports[b.importID-1]
		}
		return o, nil
	})
}

func (p monthReport) Imports(ctx context.Context, month key.Month) ([]port.ImportRecord, error) {
	return read(ctx, p.s, "report.imports", func() ([]port.ImportRecord, error) {
		var records []port.ImportRecord
		for _, r := range p.s.imports {
			if r.Month == month {
				records = append(records, r)
			}
		}
		return records, nil
	})
}

// rowsOf returns the committed rows of a target, sorted by key.
func (s *Store) rowsOf(k key.Target) []attempt.Row {
	return slices.SortedFunc(maps.Values(s.ledger[k]), byKey)
}
