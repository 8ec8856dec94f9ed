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

// SweepReports settles the targets of the open months about which something was reported in a span (R11). It returns how many targets
// changed.
func (s *Settler) SweepReports(ctx context.Context, when port.Span) (int, error) {
	return s.sweepPages(ctx, when, s.Sweeps.Reported)
}

// SweepLedger settles the targets of the open months whose ledger rows changed in a span. It returns how many targets
// changed.
func (s *Settler) SweepLedger(ctx context.Context, when port.Span) (int, error) {
	return s.sweepPages(ctx, when, s.Sweeps.Changed)
}

// finder finds targets that may have to be settled, a page at a time.
type finder func(ctx context.Context, month key.Month, when port.Span, after int64, limit int) (found []key.Target, next int64, err error)

// sweepPage is how many targets of a sweep are found at once: each page of a span reads the whole of it.
const sweepPage = 10_000

// sweepPages settles the targets that find returns, page after page.
func (s *Settler) sweepPages(ctx context.Context, when port.Span, find finder) (int, error) {
	return s.eachMonth(ctx, func(month key.Month) (total int, err error) {
		for after, more := int64(0), true; more; {
			var keys []key.Target
			err := s.database(ctx, func(ctx context.Context) error {
				var next int64
				var err error
				if keys, next, err = find(ctx, month, when, after, sweepPage); err == nil {
					after, more = next, next > 0
				}
				return err
			})
			if err != nil {
				return total, err
			}
			n, err := s.Settle(ctx, keys)
			if total += n; err != nil {
				return total, err
			}
		}
		return total, nil
	})
}
