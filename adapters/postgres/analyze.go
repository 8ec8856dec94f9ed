package postgres

import (
	"context"

	"github.com/balsong/balsong/domain/key"
)

// firstAnalyze is the number of imported rows after which a month's partitions are analyzed for the first time; each
// further time it has doubled.
const firstAnalyze = 5_000

// analyze gives a month's partitions statistics after a bulk load, long before autovacuum would. The statements of this
// package have good plans without them; other people's queries need them. Its error is ignored: the bills are stored.
func (p *Imports) analyze(ctx context.Context, month key.Month, inserted int) {
	p.mu.Lock()
	p.loaded[month] += inserted
	due := p.loaded[month] >= max(p.next[month], firstAnalyze)
	if due {
		p.next[month] = 2 * p.loaded[month]
	}
	p.mu.Unlock()
	if due {
		_ = p.Analyze(ctx, month)
	}
}

// sampleSQL lets ANALYZE look at 300 * 10 rows instead of 300 * 100: sealed columns are long, and full samples of
// three tables took 9% of the processors in an import of 300,000 rows. Autovacuum takes them once a month's rows change.
const sampleSQL = `/* sample */ SET LOCAL default_statistics_target = 10`

// Analyze updates the planner's statistics of a month's partitions. ErrUnavailable.
func (p *Imports) Analyze(ctx context.Context, month key.Month) error {
	return write(ctx, p.db, "analyze "+month.String(), func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, "analyze", sampleSQL); err != nil {
			return err
		}
		for _, t := range partitioned {
			if _, err := s.exec(ctx, "analyze", "ANALYZE "+partition(t.table, month)); err != nil {
				return err
			}
		}
		return nil
	})
}
