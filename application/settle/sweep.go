package settle

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// eachMonth does something for each open month and returns the sum of the counts.
func (s *Settler) eachMonth(ctx context.Context, do func(key.Month) (int, error)) (total int, err error) {
	var months []key.Month
	err = s.database(ctx, func(ctx context.Context) (err error) {
		months, err = s.Months.List(ctx)
		return err
	})
	for _, month := range months {
		if err != nil {
			break
		}
		var n int
		n, err = do(month)
		total += n
	}
	return total, err
}

// database does what needs the database, again after each outage.
func (s *Settler) database(ctx context.Context, do func(context.Context) error) error {
	return s.watch.Retry(ctx, port.ComponentDatabase, do)
}

// ledgerSweep returns a sweep over the ledger rows that changed since it was last called, which settles what no event
// reported; the first call reads everything. Later calls read what had changed before the call before them: what changed
// since is nearly always settled by its event, and reading it twice would be the most expensive statement of all.
func (s *Settler) ledgerSweep() func(context.Context) (int, error) {
	var since, until time.Time
	return func(ctx context.Context) (int, error) {
		var next time.Time // read before the sweep: what is written meanwhile is for a later one
		err := s.database(ctx, func(ctx context.Context) (err error) {
			next, err = s.Sweeps.Horizon(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		total, err := s.SweepLedger(ctx, port.Span{Since: since, Until: until})
		if err != nil {
			return total, err
		}
		if since, until = until, next; since.IsZero() {
			since = next
		}
		return total, nil
	}
}

// reportSweep returns a sweep over the reports stored since it was last called, which no event tells of; the first call reads
// everything.
func (s *Settler) reportSweep() func(context.Context) (int, error) {
	var since time.Time
	return func(ctx context.Context) (int, error) {
		var next time.Time // read before the sweep: what is stored meanwhile is for a later one
		err := s.database(ctx, func(ctx context.Context) (err error) {
			next, err = s.Sweeps.Horizon(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		total, err := s.SweepReports(ctx, port.Span{Since: since})
		if err == nil {
			since = next
		}
		return total, err
	}
}
