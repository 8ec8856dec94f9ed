package postgres

import (
	"context"
	"database/sql"

	"github.com/balsong/balsong/domain/key"
)

// DiskUsage is where a database keeps its rows, and how much of it a month takes.
type DiskUsage struct {
	Directory string // on this machine; "" where the server runs on another one, or does not tell
	Used      int64  // bytes of the month's partitions, indexes included
}

// The server tells its directory to superusers and pg_read_all_settings alone. A server in a container is not on a
// loopback address of its own.
const diskUsageSQL = `/* disk_usage */ SELECT (SELECT s.setting FROM pg_settings s WHERE s.name = 'data_directory'
    AND (inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1')),
  (SELECT coalesce(sum(pg_total_relation_size(to_regclass(n))), 0) FROM unnest($1::text[]) AS n)`

// DiskUsage tells where a month's rows lie.
func (p *Imports) DiskUsage(ctx context.Context, month key.Month) (usage DiskUsage, err error) {
	names := make([]string, len(partitioned))
	for i, t := range partitioned {
		names[i] = partition(t.table, month)
	}
	var directory sql.NullString
	err = read(ctx, p.db, "read the disk usage", func(ctx context.Context, s *session) error {
		return s.one(ctx, "read the disk usage", diskUsageSQL, []any{texts(names)}, &directory, &usage.Used)
	})
	usage.Directory = directory.String
	return usage, err
}
