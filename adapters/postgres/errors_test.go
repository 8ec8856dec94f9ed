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
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/balsong/balsong/application/port"
)

func TestErrorsAreTranslatedBySQLSTATE(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"40P01": port.ErrConflict, "40001": port.ErrConflict, "55P03": port.ErrConflict,
		"57P01": port.ErrUnavailable, "57P03": port.ErrUnavailable, "57014": port.ErrUnavailable, "08006": port.ErrUnavailable,
		"53300": port.ErrUnavailable, "53100": port.ErrUnavailable, "58030": port.ErrUnavailable, "25006": port.ErrUnavailable, "25P03": port.ErrUnavailable,
		"22021": port.ErrInvalid, "22003": port.ErrInvalid, "23505": port.ErrInvalid, "23514": port.ErrInvalid,
		"08P01": nil, "42601": nil, "42501": nil, "XX000": nil,
	} {
		err := translate(fmt.Errorf("wrapped: %w", &pq.Error{Code: pqerror.Code(code), Message: "hush", Detail: "Key (customer)=(hush)"}))
		if want != nil && !errors.Is(err, want) || want == nil && translated(err) {
			t.Errorf("%s became %v, want %v", code, err, want)
		}
		if strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), code) {
			t.Errorf("%s became %q: want the SQLSTATE and none of the server's words", code, err)
		}
	}
}

func TestALostConnectionIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, lost := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, sql.ErrTxDone, sql.ErrConnDone, net.ErrClosed, errNotPostgreSQL, &net.OpError{Op: "read", Err: errors.New("reset")}} {
		if err := translate(fmt.Errorf("wrapped: %w", lost)); !errors.Is(err, port.ErrUnavailable) {
			t.Errorf("%v became %v", lost, err)
		}
	}
	if err := translate(context.Canceled); translated(err) {
		t.Errorf("the context's end became %v", err)
	}
}

func TestOnlyTheServersOwnNoMakesACommitKnown(t *testing.T) {
	t.Parallel()
	for _, unknown := range []error{
		driver.ErrBadConn, io.EOF, &net.OpError{Op: "read", Err: errors.New("reset")}, context.Canceled, sql.ErrTxDone,
		&pq.Error{Code: "57P01"}, &pq.Error{Code: "08006"}, &pq.Error{Code: "XX000"},
	} {
		if err := commitError(unknown); !errors.Is(err, port.ErrCommitUnknown) {
			t.Errorf("%v at COMMIT became %v, want ErrCommitUnknown", unknown, err)
		}
	}
	for known, want := range map[error]error{
		&pq.Error{Code: "40001"}: port.ErrConflict, &pq.Error{Code: "23505"}: port.ErrInvalid, pq.ErrInFailedTransaction: port.ErrConflict,
	} {
		if err := commitError(known); !errors.Is(err, want) || errors.Is(err, port.ErrCommitUnknown) {
			t.Errorf("%v at COMMIT became %v, want %v", known, err, want)
		}
	}
}

func TestASettingThatAPoolerRefusesIsNamedAndIsNoOutage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"unsupported startup parameter: lock_timeout":             "refuses the setting lock_timeout",
		"unsupported startup parameter in options: enable_nested": "refuses the setting options",
		"no such database: hush":                                  "refuses the connection",
	} {
		err := translate(&pq.Error{Code: "08P01", Message: text})
		if errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q became %v", text, err)
		}
	}
	failure, ok := errors.AsType[*ExamineError](failureOf(&pq.Error{Code: "08P01", Message: "unsupported startup parameter: lock_timeout"}))
	if !ok || failure.Failure != FailureSetting || failure.Setting != "lock_timeout" {
		t.Errorf("doctor gets %+v", failure)
	}
}
