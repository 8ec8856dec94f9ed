package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/lib/pq"

	"github.com/balsong/balsong/application/port"
)

// translate turns an error of the driver into one of the port's. Of the server's answer only the SQLSTATE and the name
// of a violated constraint are kept, because its texts contain values of rows.
func translate(err error) error {
	if err == nil || translated(err) {
		return err
	}
	if answer, ok := errors.AsType[*pq.Error](err); ok {
		return fromServer(answer)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: no such row", port.ErrNotFound)
	case lost(err):
		return fmt.Errorf("%w: the database's connection failed: %w", port.ErrUnavailable, err)
	default:
		return fmt.Errorf("database: %w", err)
	}
}

// translated reports whether an error is one of the port's already.
func translated(err error) bool {
	for _, sentinel := range []error{port.ErrUnavailable, port.ErrConflict, port.ErrCommitUnknown, port.ErrNotFound, port.ErrInvalid} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// lost reports whether the connection is gone, could not be opened, or leads to something else. sql.ErrTxDone and sql.ErrConnDone count, because
// database/sql returns them for a transaction whose connection broke.
func lost(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, errNotPostgreSQL) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// sqlState is an error of the server without its texts.
type sqlState struct {
	code       string // five characters, PostgreSQL's appendix A
	constraint string
}

func (e sqlState) Error() string {
	if e.constraint != "" {
		return "SQLSTATE " + e.code + " (" + e.constraint + ")"
	}
	return "SQLSTATE " + e.code
}

// fromServer turns an error of the server into one of the port's.
func fromServer(answer *pq.Error) error {
	state := sqlState{code: string(answer.Code), constraint: answer.Constraint}
	sentinel := sentinelOf(state.code)
	if state.code == protocolViolation {
		return refusedSetting(answer.Message, state)
	}
	if strings.HasPrefix(state.code, "28") {
		return fmt.Errorf("the database refuses the user or the password of its URL: %w", state)
	}
	if sentinel == nil {
		return fmt.Errorf("database: %w", state)
	}
	if strings.HasPrefix(state.code, "42") {
		return fmt.Errorf("%w: the database's schema is not up to date (run `batch migrate`): %w", sentinel, state)
	}
	return fmt.Errorf("%w: database: %w", sentinel, state)
}

// sentinelOf returns the port's error for a SQLSTATE; nil if only a person can help (a mistake in a statement, a
// missing right).
func sentinelOf(code string) error {
	switch code {
	case protocolViolation:
		return nil
	case "40001", "40P01", "55P03": // serialization, deadlock, lock timeout
		return port.ErrConflict
	case "57014": // statement timeout, or the context's end, which the caller looks at first
		return port.ErrUnavailable
	case "25006", "25P03", "25P04": // a standby; ended while idle in a transaction
		return port.ErrUnavailable
	case undefinedTable, "42703", "3D000": // no such table, column or database: not migrated yet
		return port.ErrUnavailable
	}
	switch code[:min(2, len(code))] {
	case "57", "08", "53", "58": // operator intervention, connection, resources, system
		return port.ErrUnavailable
	case "22", "23": // data, constraint
		return port.ErrInvalid
	case "40":
		return port.ErrConflict
	}
	return nil
}

// undefinedTable is the SQLSTATE of a statement that names a table that is not there.
const undefinedTable = "42P01"

// stateOf returns the SQLSTATE inside a translated error; "" where there is none.
func stateOf(err error) string {
	if state, ok := errors.AsType[sqlState](err); ok {
		return state.code
	}
	return ""
}

// commitError turns the error of a COMMIT into one of the port's. The transaction is known not to be committed only if
// the server itself said that it rolled back; otherwise it is ErrCommitUnknown.
func commitError(err error) error {
	if answer, ok := errors.AsType[*pq.Error](err); ok {
		switch string(answer.Code)[:2] {
		case "40", "23", "22", "25":
			return translate(err)
		}
	}
	if errors.Is(err, pq.ErrInFailedTransaction) {
		return fmt.Errorf("%w: a statement of the transaction had failed", port.ErrConflict)
	}
	if answer, ok := errors.AsType[*pq.Error](err); ok {
		return fmt.Errorf("%w: database: %w", port.ErrCommitUnknown, sqlState{code: string(answer.Code)})
	}
	return fmt.Errorf("%w: %w", port.ErrCommitUnknown, err)
}

// protocolViolation is the SQLSTATE with which PgBouncer refuses a connection for a parameter that it does not know. No
// waiting helps, so it is no outage.
const protocolViolation = "08P01"

// refusedSetting is the error about a connection that a pooler refuses. Its text may name one of our own settings; nothing
// else of it is kept.
func refusedSetting(text string, state sqlState) error {
	if name := settingIn(text); name != "" {
		return fmt.Errorf("the pooler in front of the database refuses the setting %s (`balsong doctor` says what to do): %w", name, state)
	}
	return fmt.Errorf("the pooler in front of the database refuses the connection (an unknown setting in its URL, or no such database): %w", state)
}

// settingIn returns which of our settings a text names; "" where it is none.
func settingIn(text string) string {
	for _, name := range startupSettings {
		if strings.Contains(text, name) {
			return name
		}
	}
	return ""
}
