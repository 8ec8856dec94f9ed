package postgres

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// copying runs fn in a transaction that can copy rows in (copyIn), on a connection reserved for it.
func copying(ctx context.Context, db pool, what string, fn func(ctx context.Context, s *session) error) error {
	conn, err := db.Connx(ctx)
	if err != nil {
		return wrapped(ctx, what, err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	return transaction(ctx, db, conn.BeginTxx, what, nil, func(ctx context.Context, s *session) error {
		s.conn = conn
		return fn(ctx, s)
	})
}

// copier is what the driver makes of a COPY FROM STDIN.
type copier interface {
	CopyData(ctx context.Context, rows string) (driver.Result, error)
	Close() error
}

// copyPiece is about how many bytes of rows are sent at a time.
const copyPiece = 64 << 10

// copyIn copies n rows in by a COPY statement. row writes the columns of the i-th row to line.
func (s *session) copyIn(ctx context.Context, what, statement string, n int, row func(line *copyLine, i int)) error {
	if err := s.before(ctx, statement, nil); err != nil {
		return err
	}
	err := s.conn.Raw(func(connection any) error {
		preparer, ok := connection.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T", connection)
		}
		prepared, err := preparer.PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		to, ok := prepared.(copier)
		if !ok {
			return errors.Join(fmt.Errorf("the driver copies with a %T", prepared), prepared.Close())
		}
		line := copyLine{text: make([]byte, 0, copyPiece+copyPiece/4)}
		for i := range n {
			line.begin()
			row(&line, i)
			if len(line.text) < copyPiece && i < n-1 {
				continue
			}
			if _, err := to.CopyData(ctx, string(line.text)); err != nil {
				return errors.Join(err, to.Close())
			}
			line.text = line.text[:0]
		}
		return to.Close()
	})
	if err != nil {
		return s.fail(ctx, what, err)
	}
	return nil
}

// copyLine collects rows in the text format of COPY: tabs between columns, line feeds between rows.
type copyLine struct {
	text  []byte
	first bool // no column of the row is written yet
}

func (l *copyLine) begin() {
	if len(l.text) > 0 {
		l.text = append(l.text, '\n')
	}
	l.first = true
}

func (l *copyLine) column() {
	if !l.first {
		l.text = append(l.text, '\t')
	}
	l.first = false
}

func (l *copyLine) null() {
	l.column()
	l.text = append(l.text, `\N`...)
}

func (l *copyLine) number(n int64) {
	l.column()
	l.text = strconv.AppendInt(l.text, n, 10)
}

var copyEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// words writes a text; an empty one stays empty.
func (l *copyLine) words(s string) {
	l.column()
	if strings.ContainsAny(s, "\\\n\r\t") {
		s = copyEscapes.Replace(s)
	}
	l.text = append(l.text, s...)
}

// optional writes a text; an empty one is NULL.
func (l *copyLine) optional(s string) {
	if s == "" {
		l.null()
		return
	}
	l.words(s)
}

// blob writes bytes; nil is NULL.
func (l *copyLine) blob(b []byte) {
	if b == nil {
		l.null()
		return
	}
	l.column()
	l.text = hex.AppendEncode(append(l.text, `\\x`...), b)
}

// instant writes a time; the zero time is NULL.
func (l *copyLine) instant(t time.Time) {
	if t.IsZero() {
		l.null()
		return
	}
	l.column()
	l.text = t.UTC().AppendFormat(l.text, timestamp)
}
