package batchapp

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/disk"
	"github.com/balsong/balsong/domain/key"
)

// What an import writes to the database's disk, measured with generated billing data: 3.7 bytes of tables and indexes and
// 2.5 bytes of write-ahead log for each byte of plain CSV. The log is given back, by default beyond 1 GiB.
const (
	tablesOfByte = 4
	logOfByte    = 3
	mostLog      = 1 << 30
	reserve      = 64 << 20
)

// checkDiskSpace refuses an import for which the database's disk has no space. csv is what goes into the month, in bytes.
func checkDiskSpace(usage postgres.DiskUsage, csv int64, free func(dir string) (int64, error)) error {
	if usage.Directory == "" {
		return nil // it is on another machine
	}
	needs := max(tablesOfByte*csv-usage.Used, 0) + min(logOfByte*csv, mostLog) + reserve
	if has, err := free(usage.Directory); err == nil && has < needs { // an error: the directory is not this machine's
		return fmt.Errorf("%w: not enough disk space: the import needs about %d MiB on the database's disk and %s has %d MiB free: free some space first; nothing was imported",
			port.ErrInvalid, needs>>20, usage.Directory, has>>20)
	}
	return nil
}

// checkDisk refuses files for which the database's disk has no space: the one whose size is known by now, and those that this
// command imported before it.
func (files importedFiles) checkDisk(ctx context.Context, b Import, month key.Month) error {
	csv := int64(0)
	for _, each := range files {
		csv += each.plain
	}
	var usage postgres.DiskUsage
	err := b.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		usage, err = b.Imports.DiskUsage(ctx, month)
		return err
	})
	if err != nil {
		return err
	}
	return checkDiskSpace(usage, csv, disk.Free)
}
