package memory

import (
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
)

// Suppressions is the store as port.Suppressions. Operations: suppressions.suppressed, suppressions.suppress,
// suppressions.lift.
func (s *Store) Suppressions() port.Suppressions { return suppressions{s} }

type suppressions struct{ s *Store }

func (p suppressions) Suppressed(ctx context.Context, contacts []port.Contact) ([]port.Contact, error) {
	return read(ctx, p.s, "suppressions.suppressed", func() ([]port.Contact, error) {
		var listed []port.Contact
		for _, c := range contacts {
			if _, ok := p.s.suppressed[c]; ok && !slices.Contains(listed, c) {
				listed = append(listed, c)
			}
		}
		return listed, nil
	})
}

func (p suppressions) Suppress(ctx context.Context, contacts []port.Contact, reason string) error {
	return p.s.do(ctx, "suppressions.suppress", func() error {
		for _, c := range contacts {
			if _, ok := p.s.suppressed[c]; !ok {
				p.s.suppressed[c] = reason
			}
		}
		return nil
	})
}

func (p suppressions) Lift(ctx context.Context, contacts []port.Contact) error {
	return p.s.do(ctx, "suppressions.lift", func() error {
		for _, c := range contacts {
			delete(p.s.suppressed, c)
		}
		return nil
	})
}
