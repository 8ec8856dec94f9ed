package postgres

import (
	"context"

	"github.com/balsong/balsong/domain/key"
)

// firstAnalyze is after how many imported rows a month's partitions get their first statistics; then at each doubling.
const firstAnalyze = 5_000

// analyze gives a month's partitions statistics after a bulk load, long before autovacuum would. The plans here hold
// without them; the server's own queries and people's are better with them. Its error matters to nobody: the bills
// are stored.
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

// Analyze gives a month's partitions statistics. ErrUnavailable.
func (p *Imports) Analyze(ctx context.Context, month key.Month) error {
	return write(ctx, p.db, "analyze "+month.String(), func(ctx context.Context, s *session) error {
		for _, t := range partitioned {
			if _, err := s.exec(ctx, "analyze", "ANALYZE "+partition(t.table, month)); err != nil {
				return err
			}
		}
		return nil
	})
}
