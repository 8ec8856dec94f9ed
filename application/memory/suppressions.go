package memory

import (
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Suppressions is the store as port.Suppressions. Operations: suppressions.suppressed, suppressions.suppress,
// suppressions.lift, suppressions.list, suppressions.count.
func (s *Store) Suppressions() port.Suppressions { return suppressions{s} }

type suppressions struct{ s *Store }

func (p suppressions) Suppressed(ctx context.Context, uses []port.Use) ([]port.Use, error) {
	return read(ctx, p.s, "suppressions.suppressed", func() ([]port.Use, error) {
		var listed []port.Use
		for _, use := range uses {
			if entry, ok := p.s.suppressed[use.Contact]; ok && entry.Scope.Covers(use.Class) && !slices.Contains(listed, use) {
				listed = append(listed, use)
			}
		}
		return listed, nil
	})
}

func (p suppressions) Suppress(ctx context.Context, scope policy.Scope, contacts []port.Contact, by port.Act) error {
	return p.s.audited(ctx, "suppressions.suppress", func() error {
		for _, c := range contacts {
			p.s.suppress(scope, c, by)
		}
		return nil
	})
}

// suppress adds or widens an entry, and reports whether it did. Called with mu held.
func (s *Store) suppress(scope policy.Scope, c port.Contact, by port.Act) bool {
	there, ok := s.suppressed[c]
	if ok && (there.Scope != policy.ScopeAdvertising || scope != policy.ScopeAll) {
		return false
	}
	s.suppressed[c] = port.Suppression{Contact: c, Scope: scope, Reason: by.Reason, Since: s.now()}
	s.note(port.SuppressAction(scope), c.Subject(), by)
	return true
}

func (p suppressions) Lift(ctx context.Context, contacts []port.Contact, by port.Act) error {
	return p.s.audited(ctx, "suppressions.lift", func() error {
		for _, c := range contacts {
			if _, ok := p.s.suppressed[c]; ok {
				delete(p.s.suppressed, c)
				p.s.note(port.ActionUnsuppress, c.Subject(), by)
			}
		}
		return nil
	})
}

func (p suppressions) List(ctx context.Context, filter port.SuppressionFilter) ([]port.Suppression, error) {
	return read(ctx, p.s, "suppressions.list", func() ([]port.Suppression, error) {
		var entries []port.Suppression
		for _, entry := range p.s.suppressed {
			if filter.Chooses(entry) {
				entries = append(entries, entry)
			}
		}
		slices.SortFunc(entries, func(a, b port.Suppression) int { return a.Compare(b.Contact) })
		return entries[:min(len(entries), filter.Limit)], nil
	})
}

func (p suppressions) Count(ctx context.Context) (int, error) {
	return read(ctx, p.s, "suppressions.count", func() (int, error) { return len(p.s.suppressed), nil })
}
