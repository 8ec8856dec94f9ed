// Package migrations holds the database's schema as pairs of SQL files, up and down, in the order of their numbers.
// Each file is one transaction and notes itself in applied_migrations, so that after a crash it is known whether it
// was applied. A file of several notes itself in the last one, and the others may be run again. Month partitions are made when a month is
// opened, and here where a table comes later than a month.
package migrations

import "embed"

// Files holds the SQL files at its root: 000001_name.up.sql and 000001_name.down.sql.
//
//go:embed *.sql
var Files embed.FS
