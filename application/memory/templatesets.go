package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// TemplateSets is the store as port.TemplateSets. Operations: template_sets.add, template_sets.of.
func (s *Store) TemplateSets() port.TemplateSets { return templateSets{s} }

type templateSets struct{ s *Store }

func (p templateSets) Add(ctx context.Context, month key.Month, set port.TemplateSet, entries ...port.AuditEntry) (added bool, err error) {
	err = p.s.audited(ctx, "template_sets.add", func() error {
		if added = p.s.templateSet(month, set.Number).Number == 0; !added {
			return nil
		}
		set.AddedAt, set.Files = instant(set.AddedAt), maps.Clone(set.Files)
		p.s.templateSets[month] = append(p.s.templateSets[month], set)
		for _, entry := range entries {
			p.s.note(entry.Action, entry.Subject, entry.By)
		}
		return nil
	})
	return added, err
}

func (p templateSets) Of(ctx context.Context, month key.Month) ([]port.TemplateSet, error) {
	return read(ctx, p.s, "template_sets.of", func() ([]port.TemplateSet, error) {
		list := slices.Clone(p.s.templateSets[month])
		for i := range list {
			list[i].Gone = p.s.isSetGone(month, list[i])
		}
		slices.SortFunc(list, func(a, b port.TemplateSet) int { return int(a.Number) - int(b.Number) })
		return list, nil
	})
}

func (s *Store) isSetGone(month key.Month, set port.TemplateSet) bool {
	gone := false
	for _, record := range s.imports {
		if record.Month != month || record.StartedAt.After(set.AddedAt) || !record.FinishedAt.IsZero() && record.Error == "" && record.Inserted+record.Corrected == 0 {
			continue
		}
		if gone = record.IsGone(); !gone {
			return false
		}
	}
	for k, b := range s.bills {
		if k.Month == month && b.state.Batch == billing.Rendered {
			return false
		}
	}
	return gone
}

// templateSet returns a set of a month by its number; one without a number where there is none.
func (s *Store) templateSet(month key.Month, number int16) port.TemplateSet {
	for _, set := range s.templateSets[month] {
		if set.Number == number {
			return set
		}
	}
	return port.TemplateSet{}
}
