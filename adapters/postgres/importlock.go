package postgres

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// lockMonthSQL is without arguments, so that no portal is left open, which would keep a snapshot.
const lockMonthSQL = `/* lock_month */ SELECT pg_advisory_xact_lock(%d, %d)`

// holdLockSQL prepares a transaction that has a lock and nothing else to do: it waits for the lock so many milliseconds (0: for
// ever), and no setting of the server, the database or the role ends it while others work. Settings that a server does not
// have are left out.
const holdLockSQL = `/* hold_lock */ SELECT count(set_config(v.name, v.value, true))
FROM (VALUES ('lock_timeout', '%d'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0')) AS v(name, value)
JOIN pg_settings s ON s.name = v.name`

// lockPatience is how many milliseconds an import waits for its month: enough for the server to see that an import that was
// killed is gone.
const lockPatience = 1000

// TryLockMonth implements port.Imports: by a lock of a transaction of its own, which is open until release. A pooler that gives
// each transaction another connection to the server (PgBouncer's pool_mode transaction) can neither lose such a lock nor
// keep it when the import has gone (ADR 0047). The transaction has no snapshot, so it holds no vacuum back.
func (p *Imports) TryLockMonth(ctx context.Context, month key.Month) (release func(), other port.ImportRecord, err error) {
	p.resize(1) // the import has all of the pool's other connections
	unlock, err := p.lockMonth(ctx, month)
	if err == nil {
		return func() {
			unlock()
			p.resize(-1)
		}, other, nil
	}
	p.resize(-1)
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

// lockMonth begins the transaction that has the lock; unlock ends it. The end of ctx ends the waiting, and not the
// transaction: an import that is stopped still stores what it has read.
func (p *Imports) lockMonth(ctx context.Context, month key.Month) (unlock func(), err error) {
	conn, err := p.db.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	unlock = func() {
		_ = tx.Rollback() // where the connection has failed, the server ends the transaction
		_ = conn.Close()
	}
	var ignored any
	if err = tx.QueryRowContext(ctx, fmt.Sprintf(holdLockSQL, lockPatience)).Scan(&ignored); err == nil {
		err = tx.QueryRowContext(ctx, fmt.Sprintf(lockMonthSQL, lockImports, int32(month))).Scan(&ignored)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// resize changes how many connections the pool may open.
func (p *Imports) resize(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.db.SetMaxOpenConns(p.db.Stats().MaxOpenConnections + by)
}
