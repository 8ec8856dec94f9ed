package postgres

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

const lockMonthSQL = `/* lock_month */ SELECT pg_advisory_xact_lock(%d, %d)`

// TryLockMonth implements port.Imports.
func (p *Imports) TryLockMonth(ctx context.Context, month key.Month) (release func(), other port.ImportRecord, err error) {
	release, err = p.lock.try(ctx, "claim the month for an import", fmt.Sprintf(lockMonthSQL, lockImports, int32(month)))
	if release != nil || err != nil {
		return release, other, err
	}
	records, err := Report{p.db}.Imports(ctx, month)
	for _, record := range records {
		if record.FinishedAt.IsZero() {
			other = record
		}
	}
	return nil, other, err
}
