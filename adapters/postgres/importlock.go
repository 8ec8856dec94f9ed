package postgres

import (
	"context"
	"database/sql/driver"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

const (
	// A moment is enough for the server to see that an import that was killed is gone.
	lockBrieflySQL = `/* lock_briefly */ SELECT set_config('lock_timeout', '1000', false)`
	lockMonthSQL   = `/* lock_month */ SELECT pg_advisory_lock($1::int, $2::int)`
)

// TryLockMonth implements port.Imports: by a lock of a connection of its own, which ends with it.
func (p *Imports) TryLockMonth(ctx context.Context, month key.Month) (release func(), other port.ImportRecord, err error) {
	p.resize(1) // the import has all of the pool's other connections
	conn, err := p.db.Connx(ctx)
	release = func() {
		if conn != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it for good
			_ = conn.Close()
		}
		p.resize(-1)
	}
	if err == nil {
		err = lockMonth(ctx, conn, month)
	}
	if err == nil {
		return release, other, nil
	}
	release()
	err = wrapped(ctx, "claim the month for an import", err)
	if stateOf(err) != "55P03" { // else another import has it
		return nil, other, err
	}
	records, err := Report{p.db}.Imports(ctx, month)
	for _, record := range records {
		if record.FinishedAt.IsZero() {
			other = record
		}
	}
	return nil, other, err
}

// resize changes how many connections the pool may open.
func (p *Imports) resize(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.db.SetMaxOpenConns(p.db.Stats().MaxOpenConnections + by)
}

func lockMonth(ctx context.Context, conn *sqlx.Conn, month key.Month) error {
	var ignored any
	if err := conn.QueryRowContext(ctx, lockBrieflySQL).Scan(&ignored); err != nil {
		return err
	}
	return conn.QueryRowContext(ctx, lockMonthSQL, lockImports, int32(month)).Scan(&ignored)
}
