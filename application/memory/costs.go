package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Costs implements port.Report.
func (p monthReport) Costs(ctx context.Context, month key.Month) ([]port.Cost, error) {
	return read(ctx, p.s, "report.costs", func() ([]port.Cost, error) {
		sums := map[port.Cost]port.Cost{}
		for target, rows := range p.s.ledger {
			for _, r := range rows {
				if target.Month != month || r.State != attempt.Succeeded && r.State != attempt.Unknown {
					continue
				}
				c := port.Cost{
					Provider: port.Provider{Name: r.Provider, Channel: r.Channel}.Account(), State: r.State, Unit: r.Charge.Unit, Currency: r.Charge.Currency,
				}
				sum, ok := sums[c]
				if !ok {
					sum = c
				}
				sum.Messages, sum.Units, sum.Amount = sum.Messages+1, sum.Units+r.Charge.Count, sum.Amount+r.Charge.Amount
				sums[c] = sum
			}
		}
		var all []port.Cost
		for _, sum := range sums {
			all = append(all, sum)
		}
		slices.SortFunc(all, func(a, b port.Cost) int {
			return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.State, b.State), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Currency, b.Currency))
		})
		return all, nil
	})
}
