package settle

import (
	"context"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/domain/key"
)

// SweepLeases turns claims of the open months whose leases have ended into UNKNOWN and settles their targets. It
// returns the number of claims.
func (s *Settler) SweepLeases(ctx context.Context) (int, error) {
	return s.eachMonth(ctx, func(month key.Month) (total int, err error) {
		for {
			var expired []key.Delivery
			err := s.database(ctx, func(ctx context.Context) (err error) {
				expired, err = s.Sweeps.ExpireLeases(ctx, month, s.config.Batch)
				return err
			})
			if err != nil {
				return total, err
			}
			total += len(expired)
			metric.LeasesExpired.Add(s.Metrics, len(expired))
			s.traceExpired(ctx, expired)
			keys := make([]key.Target, len(expired))
			for i, k := range expired {
				keys[i] = k.Target()
			}
			if _, err := s.Settle(ctx, keys); err != nil || len(expired) < s.config.Batch {
				return total, err
			}
		}
	})
}
