package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// session runs the statements of one transaction.
type session struct {
	db      pool
	tx      *sqlx.Tx
	conn    *sqlx.Conn  // of a transaction made by copying; nil in others
	trusted []key.Month // remembered to have partitions
	failed  error       // the first failure: the server refuses every statement after it
}

// observer is called before each statement runs, and with "COMMIT" before that is sent. Tests use it to read plans and
// to hold transactions open.
type observer func(ctx context.Context, tx *sqlx.Tx, statement string, args []any) error

type observerKey struct{}

// within runs fn in a transaction and commits it. The end of the context cancels the transaction until COMMIT is sent;
// then its answer is waited for.
func within(ctx context.Context, db pool, what string, options *sql.TxOptions, fn func(ctx context.Context, s *session) error) error {
	return transaction(ctx, db, db.BeginTxx, what, options, fn)
}

// beginner begins a transaction.
type beginner = func(ctx context.Context, options *sql.TxOptions) (*sqlx.Tx, error)

// transaction is within with another way to begin. what names the work in errors.
func transaction(ctx context.Context, db pool, begin beginner, what string, options *sql.TxOptions, fn func(ctx context.Context, s *session) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	txCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	tx, err := begin(txCtx, options)
	if err != nil {
		return wrapped(ctx, what, err)
	}
	defer func() { _ = tx.Rollback() }() // for an error of fn, and for its panic; after a commit it does nothing
	s := &session{db: db, tx: tx}
	if err := fn(ctx, s); err != nil {
		return err
	}
	if s.failed != nil {
		return s.failed // fn went on after a failure: nothing can be committed
	}
	if err := s.before(ctx, "COMMIT", nil); err != nil {
		return err
	}
	if !stop() {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	if err := tx.Commit(); err != nil && !readOnly(options) {
		return fmt.Errorf("%s: commit: %w", what, commitError(err))
	}
	return nil
}

// write runs fn in a transaction; what names the work in errors.
func write(ctx context.Context, db pool, what string, fn func(ctx context.Context, s *session) error) error {
	return within(ctx, db, what, nil, fn)
}

func readOnly(options *sql.TxOptions) bool { return options != nil && options.ReadOnly }

// read runs fn in a read-only transaction. An error of its commit is ignored, since everything has been read by then.
func read(ctx context.Context, db pool, what string, fn func(ctx context.Context, s *session) error) error {
	return within(ctx, db, what, &sql.TxOptions{ReadOnly: true}, fn)
}

// wrapped translates an error and puts what in front. If the context has ended, that is the error, because the driver
// reports it in many ways.
func wrapped(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	return fmt.Errorf("%s: %w", what, translate(err))
}

// before calls the observer, and refuses statements after a failure.
func (s *session) before(ctx context.Context, statement string, args []any) error {
	if s.failed != nil {
		return s.failed
	}
	if observe, ok := ctx.Value(observerKey{}).(observer); ok && observe != nil {
		return observe(ctx, s.tx, statement, args)
	}
	return nil
}

// fail notes that the transaction has failed and returns the error to report.
func (s *session) fail(ctx context.Context, what string, err error) error {
	s.failed = wrapped(ctx, what, err)
	if s.dropped(s.failed) {
		s.failed = fmt.Errorf("%s: %w: a month was dropped meanwhile", what, port.ErrConflict)
	}
	return s.failed
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(ctx context.Context, what, statement string, args ...any) (int, error) {
	if err := s.before(ctx, statement, args); err != nil {
		return 0, err
	}
	result, err := s.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, s.fail(ctx, what, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, s.fail(ctx, what, err)
	}
	return int(n), nil
}

// query runs a statement and calls row for each row of its result.
func (s *session) query(ctx context.Context, what, statement string, args []any, row func(scan func(...any) error) error) error {
	if err := s.before(ctx, statement, args); err != nil {
		return err
	}
	rows, err := s.tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return s.fail(ctx, what, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return s.fail(ctx, what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.fail(ctx, what, err)
	}
	return nil
}

// one runs a statement that returns one row and scans its columns. ErrNotFound if it returns none.
func (s *session) one(ctx context.Context, what, statement string, args []any, columns ...any) error {
	found := false
	err := s.query(ctx, what, statement, args, func(scan func(...any) error) error {
		found = true
		return scan(columns...)
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", what, translate(sql.ErrNoRows))
	}
	return err
}
