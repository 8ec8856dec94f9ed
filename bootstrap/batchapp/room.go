package batchapp

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/disk"
)

// What an import writes to the database's disk, measured with generated billing data: 3.7 bytes of tables and indexes and
// 2.5 bytes of write-ahead log for each byte of plain CSV. The log is given back, by default beyond 1 GiB.
const (
	tablesOfByte = 4
	logOfByte    = 3
	mostLog      = 1 << 30
	spareRoom    = 64 << 20
)

// checkRoom refuses an import for which the database's disk has no room. csv is what goes into the month, in bytes.
func checkRoom(room postgres.Room, csv int64, free func(dir string) (int64, error)) error {
	if room.Directory == "" {
		return nil // nobody here can know
	}
	needs := max(tablesOfByte*csv-room.Used, 0) + min(logOfByte*csv, mostLog) + spareRoom
	if has, err := free(room.Directory); err == nil && has < needs { // an error: the directory is not this machine's
		return fmt.Errorf("%w: not enough room: the import needs about %d MiB on the database's disk and %s has %d MiB free: give it room first; nothing was imported",
			port.ErrInvalid, needs>>20, room.Directory, has>>20)
	}
	return nil
}

// roomFor looks for room for a file whose plain size is known by now, behind those that this command imported before.
func (files importedFiles) roomFor(ctx context.Context, b Batch, f *importedFile) func(plain int64) error {
	return func(plain int64) error {
		f.plain = plain
		csv := int64(0)
		for _, each := range files {
			csv += each.plain
		}
		var room postgres.Room
		err := b.Watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
			room, err = b.Imports.Room(ctx, f.options.Month)
			return err
		})
		if err != nil {
			return err
		}
		return checkRoom(room, csv, disk.Free)
	}
}
