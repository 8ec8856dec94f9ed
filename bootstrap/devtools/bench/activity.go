package bench

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const activitySQL = `SELECT coalesce(nullif(application_name, '') || ' ', '') || backend_type || ' ' ||
	coalesce(substring(query from '/\* (\w+) \*/'), left(query, 40), '') || ' ' || coalesce(wait_event_type || '/' || wait_event, 'on a processor')
FROM pg_stat_activity WHERE state IS DISTINCT FROM 'idle' AND pid <> pg_backend_pid() AND coalesce(wait_event_type, '') <> 'Activity'`

// activity looks every 20 ms at what the database's sessions do, and writes how often each was seen doing what: where
// there is no profiler for PostgreSQL, this tells which statements take the time.
func (b *bench) activity(ctx context.Context, l *line, lasts time.Duration) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	seen, looks := map[string]int{}, 0
	for until := time.Now().Add(lasts); time.Now().Before(until); looks++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		var busy []string
		if err := l.db.SelectContext(ctx, &busy, activitySQL); err != nil {
			return
		}
		for _, what := range busy {
			seen[what]++
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "seen in %d looks\n", looks)
	for _, what := range slices.SortedFunc(maps.Keys(seen), func(x, y string) int { return cmp.Or(seen[y]-seen[x], strings.Compare(x, y)) }) {
		fmt.Fprintf(&text, "%6d  %s\n", seen[what], what)
	}
	_ = os.WriteFile(filepath.Join(b.Profiles, "postgres.activity.txt"), []byte(text.String()), 0o644)
}
