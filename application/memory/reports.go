package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// Reports is the store as port.Reports. Operations: reports.store, which is audited where a report rejects its channel,
// reports.about, reports.count.
func (s *Store) Reports() port.Reports { return reports{s} }

type reports struct{ s *Store }

// strayReport names a report that is kept apart.
type strayReport struct {
	provider, id string
	month        key.Month
}

func (p reports) Store(ctx context.Context, said []report.Report) (stored port.StoredReports, err error) {
	do := p.s.do
	if slices.ContainsFunc(said, report.Report.Rejects) {
		do = p.s.audited
	}
	err = do(ctx, "reports.store", func() error {
		if len(said) > port.MaxReports {
			return fmt.Errorf("%w: %d reports at once", port.ErrInvalid, len(said))
		}
		for _, r := range said {
			if err := r.Validate(); err != nil {
				return fmt.Errorf("%w: %w", port.ErrInvalid, err)
			}
		}
		stored = port.StoredReports{Stray: map[port.Stray]int{}}
		for _, r := range said {
			row, there := p.s.row(r.Key)
			if why := p.s.stray(r, row, there); why != "" {
				stored.Stray[why]++
				p.s.strays[strayReport{r.Provider, r.ID, r.Key.Month}] = why
				continue
			}
			known := port.KnownReport{Report: r, Channel: row.Channel, Policy: policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}}
			k := r.Key.Target()
			known.New = !slices.ContainsFunc(p.s.reports[k], func(x report.Report) bool {
				return x.Key == r.Key && x.Provider == r.Provider && x.ID == r.ID
			})
			if known.New {
				r.SaidAt, r.StoredAt = instant(r.SaidAt), p.s.now()
				p.s.reports[k] = append(p.s.reports[k], r)
				if known.Rejects() && p.s.suppress(r.Suppresses(p.s.classOf(known.Policy)), known.Contact(), port.ActOf(r)) {
					stored.Suppressed++
				}
			}
			stored.Known = append(stored.Known, known)
		}
		return nil
	})
	return stored, err
}

// classOf is the class of a policy version's messages; of one that is not known any more a bill.
func (s *Store) classOf(ref policy.Ref) policy.MessageClass {
	if version, there := s.policies[ref]; there {
		return version.Class()
	}
	return policy.Transactional
}

// stray tells why a report is kept apart; "" where it is not.
func (s *Store) stray(r report.Report, row attempt.Row, there bool) port.Stray {
	switch month, opened := s.months[r.Key.Month]; {
	case opened && !month.Open:
		return port.StrayMonth
	case !there:
		return port.StrayKey
	case row.Provider != "" && row.Provider != r.Provider:
		return port.StrayProvider
	default:
		return ""
	}
}

func (p reports) About(ctx context.Context, keys []key.Target) ([]report.Report, error) {
	return read(ctx, p.s, "reports.about", func() (about []report.Report, err error) {
		for _, k := range sortedTargets(keys) {
			about = append(about, p.s.about(k)...)
		}
		return about, nil
	})
}

// about returns the reports about a target, sorted.
func (s *Store) about(k key.Target) []report.Report {
	return slices.SortedFunc(slices.Values(s.reports[k]), func(a, b report.Report) int {
		return cmp.Or(a.Key.Compare(b.Key), a.StoredAt.Compare(b.StoredAt), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
	})
}

func (p reports) Count(ctx context.Context, month key.Month) (port.ReportCounts, error) {
	return read(ctx, p.s, "reports.count", func() (port.ReportCounts, error) {
		counts := port.ReportCounts{Kinds: map[report.Kind]int{}, Strays: map[port.Stray]int{}}
		taken := map[key.Delivery]bool{}
		for k, said := range p.s.reports {
			for _, r := range said {
				if k.Month != month {
					continue
				}
				counts.Kinds[r.Kind]++
				if r.StoredAt.After(counts.LastAt) {
					counts.LastAt = r.StoredAt
				}
				if r.Kind == report.Undelivered && r.Definitive {
					taken[r.Key] = true
				}
			}
		}
		counts.Undelivered = len(taken)
		for stray, why := range p.s.strays {
			if stray.month == month {
				counts.Strays[why]++
			}
		}
		for k, bill := range p.s.bills {
			if k.Month == month && k.CopyNumber() == 0 && bill.state.Dispatch == billing.Succeeded {
				count(&counts.Bills, bill.state, p.s.reports[k])
			}
		}
		return counts, nil
	})
}

func (t *tx) Reports(ctx context.Context, keys []key.Target) (map[key.Target][]report.Report, error) {
	found := map[key.Target][]report.Report{}
	err := t.do(ctx, "targets.reports", func() error {
		for _, k := range sortedTargets(keys) {
			if about := t.s.about(k); len(about) > 0 {
				found[k] = about
			}
		}
		return nil
	})
	return found, err
}

func (p sweeps) Reported(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, int64, error) {
	since, until := instant(when.Since), instant(when.Until)
	reported, err := read(ctx, p.s, "sweeps.reported", func() ([]key.Target, error) {
		var reported []key.Target
		for k, said := range p.s.reports {
			b, ok := p.s.bills[k]
			if !ok || k.Month != month || k.UserID <= after {
				continue
			}
			if slices.ContainsFunc(said, func(r report.Report) bool {
				in := !r.StoredAt.Before(since) && (when.Until.IsZero() || r.StoredAt.Before(until))
				return in && r.Decides() && (r.Kind == report.Undelivered || b.state.Dispatch != billing.Succeeded)
			}) {
				reported = append(reported, k)
			}
		}
		slices.SortFunc(reported, key.Target.Compare)
		return reported[:min(limit, len(reported))], nil
	})
	return reported, behind(reported, limit), err
}

// count counts a SUCCEEDED bill by what was reported about it.
func count(bills *port.ReportedBills, state billing.State, said []report.Report) {
	switch delivered, undelivered := reportedAs(state, said); {
	case delivered:
		bills.Delivered++
	case undelivered:
		bills.NotDelivered++
	}
}

// reportedAs says whether a delivery of a bill arrived and nothing contradicts that, or else that of its current key for certain did not.
func reportedAs(state billing.State, said []report.Report) (delivered, undelivered bool) {
	is := func(k key.Delivery, kind report.Kind) bool {
		return slices.ContainsFunc(said, func(r report.Report) bool { return r.Key == k && r.Kind == kind && r.Decides() })
	}
	current := key.Delivery{Month: state.Key.Month, UserID: state.Key.UserID, Attempt: state.Attempt, Round: state.Round}
	delivered = slices.ContainsFunc(said, func(r report.Report) bool { return r.Kind == report.Delivered && !is(r.Key, report.Undelivered) })
	return delivered, !delivered && is(current, report.Undelivered)
}
