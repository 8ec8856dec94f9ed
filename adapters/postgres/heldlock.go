package postgres

import (
	"context"
	"fmt"
	"sync"
)

// holdLockSQL prepares a transaction that has a lock and nothing else to do: it waits for the lock so many milliseconds (0: for
// ever), and no setting of the server, the database or the role ends it while others work. Settings that a server does not
// have are left out.
const holdLockSQL = `/* hold_lock */ SELECT count(set_config(v.name, v.value, true))
FROM (VALUES ('lock_timeout', '%d'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0')) AS v(name, value)
JOIN pg_settings s ON s.name = v.name`

// lockPatience is how many milliseconds a lock is waited for: enough for the server to see that a process that was killed is gone.
const lockPatience = 1000

// heldLock holds an advisory lock while a process works: by a transaction of its own, which is open until release. A pooler that
// gives each transaction another connection to the server (PgBouncer's pool_mode transaction) can neither lose such a lock nor
// keep it when the process has gone (ADR 0047). The transaction has no snapshot, so it holds no vacuum back. Safe for
// concurrent use.
type heldLock struct {
	db pool
	mu sync.Mutex
}

// try runs a statement that waits for a lock. It must be without arguments, so that no portal is left open, which would keep a
// snapshot. release is nil where another has the lock.
func (l *heldLock) try(ctx context.Context, what, statement string) (release func(), err error) {
	l.resize(1) // the work has all of the pool's other connections
	unlock, err := l.hold(ctx, statement)
	if err == nil {
		return func() {
			unlock()
			l.resize(-1)
		}, nil
	}
	l.resize(-1)
	if err = wrapped(ctx, what, err); stateOf(err) == "55P03" {
		return nil, nil
	}
	return nil, err
}

// hold begins the transaction that has the lock; unlock ends it. The end of ctx ends the waiting, and not the
// transaction: an import that is stopped still stores what it has read.
func (l *heldLock) hold(ctx context.Context, statement string) (unlock func(), err error) {
	conn, err := l.db.DB.Conn(ctx)
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
		err = tx.QueryRowContext(ctx, statement).Scan(&ignored)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// resize changes how many connections the pool may open.
func (l *heldLock) resize(by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.db.SetMaxOpenConns(l.db.Stats().MaxOpenConnections + by)
}
