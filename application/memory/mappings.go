package memory

import (
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Mappings is the store as port.Mappings. Operations: mappings.add, mappings.of.
func (s *Store) Mappings() port.Mappings { return mappings{s} }

type mappings struct{ s *Store }

func (p mappings) Add(ctx context.Context, month key.Month, m port.MonthMapping) error {
	return p.s.do(ctx, "mappings.add", func() error {
		same := func(there port.MonthMapping) bool { return there.Fingerprint == m.Fingerprint }
		if m.AddedAt = instant(m.AddedAt); !slices.ContainsFunc(p.s.mappings[month], same) {
			p.s.mappings[month] = append(p.s.mappings[month], m)
		}
		return nil
	})
}

func (p mappings) Of(ctx context.Context, month key.Month) ([]port.MonthMapping, error) {
	return read(ctx, p.s, "mappings.of", func() ([]port.MonthMapping, error) {
		return slices.DeleteFunc(slices.Clone(p.s.mappings[month]), func(m port.MonthMapping) bool { return p.s.isGone(month, m) }), nil
	})
}

// isGone reports whether a mapping was used, and every import that used it had no bills or was taken back.
func (s *Store) isGone(month key.Month, m port.MonthMapping) bool {
	used := false
	for _, record := range s.imports {
		if record.Month == month && record.Mapping == m.Fingerprint {
			if used = true; !record.IsGone() && !record.HasNoBills() {
				return false
			}
		}
	}
	return used
}
