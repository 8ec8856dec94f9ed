package postgres

import (
	"context"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

func costsSQL(in partitions) string {
	return `/* costs */ SELECT lower(coalesce(l.channel, '')) || '/' || coalesce(l.provider, ''), l.state, coalesce(l.cost_unit, ''), coalesce(l.cost_currency, ''),
  count(*), coalesce(sum(l.cost_units), 0), coalesce((sum(l.cost) * 1000000)::bigint, 0)
FROM ` + in.attempts + ` l WHERE l.state IN ('SUCCEEDED', 'UNKNOWN') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`
}

// Costs implements port.Report. It reads the month's ledger from end to end, which the planner may know.
func (p Report) Costs(ctx context.Context, month key.Month) ([]port.Cost, error) {
	const what = "add up costs"
	var all []port.Cost
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		all = nil
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		if _, err := s.exec(ctx, what, `/* costs */ SELECT set_config('enable_seqscan', 'on', true)`); err != nil {
			return err
		}
		return s.query(ctx, what, costsSQL(partitionsOf(month)), nil, func(scan func(...any) error) error {
			var c port.Cost
			err := scan(&c.Provider, &c.State, &c.Unit, &c.Currency, &c.Messages, &c.Units, &c.Amount)
			all = append(all, c)
			return err
		})
	})
	return all, err
}
