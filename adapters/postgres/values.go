package postgres

import (
	"cmp"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Arrays as parameters of unnest, one type for each column type, in PostgreSQL's text format. Where a column is
// nullable, the zero value ("", the zero time, nil, the zero token) is NULL.
type (
	bigints   []int64
	integers  []int32
	smallints []int16
	texts     []string
	instants  []time.Time
	blobs     [][]byte
	tokens    []attempt.Token
	booleans  []bool
)

// array writes an array of n elements of about width bytes each.
func array(n, width int, element func(b []byte, i int) []byte) (driver.Value, error) {
	b := append(make([]byte, 0, 2+n*(width+1)), '{')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, i)
	}
	return string(append(b, '}')), nil
}

// Value implements driver.Valuer.
func (a bigints) Value() (driver.Value, error) {
	return array(len(a), 10, func(b []byte, i int) []byte { return strconv.AppendInt(b, a[i], 10) })
}

// Value implements driver.Valuer.
func (a integers) Value() (driver.Value, error) {
	return array(len(a), 6, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(a[i]), 10) })
}

// Value implements driver.Valuer.
func (a smallints) Value() (driver.Value, error) {
	return array(len(a), 3, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(a[i]), 10) })
}

// Value implements driver.Valuer.
func (a texts) Value() (driver.Value, error) {
	return array(len(a), 16, func(b []byte, i int) []byte {
		if a[i] == "" {
			return append(b, "NULL"...)
		}
		b = append(b, '"')
		for _, c := range []byte(a[i]) {
			if c == '"' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
		return append(b, '"')
	})
}

// timestamp is PostgreSQL's text format of a timestamptz; what is below a microsecond is cut off.
const timestamp = "2006-01-02 15:04:05.000000Z07:00"

// Value implements driver.Valuer.
func (a instants) Value() (driver.Value, error) {
	return array(len(a), 30, func(b []byte, i int) []byte {
		if a[i].IsZero() {
			return append(b, "NULL"...)
		}
		b = append(b, '"')
		b = a[i].UTC().AppendFormat(b, timestamp)
		return append(b, '"')
	})
}

// Value implements driver.Valuer.
func (a blobs) Value() (driver.Value, error) {
	width := 8
	if len(a) > 0 {
		width += 2 * len(a[0])
	}
	return array(len(a), width, func(b []byte, i int) []byte {
		if a[i] == nil {
			return append(b, "NULL"...)
		}
		b = append(b, `"\\x`...)
		b = hex.AppendEncode(b, a[i])
		return append(b, '"')
	})
}

// Value implements driver.Valuer.
func (a tokens) Value() (driver.Value, error) {
	return array(len(a), 32, func(b []byte, i int) []byte {
		if a[i].IsZero() {
			return append(b, "NULL"...)
		}
		return hex.AppendEncode(b, a[i][:])
	})
}

// Value implements driver.Valuer.
func (a booleans) Value() (driver.Value, error) {
	return array(len(a), 5, func(b []byte, i int) []byte { return strconv.AppendBool(b, a[i]) })
}

// instant is a time as a parameter; the zero time is NULL.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(timestamp)
}

// nullable is a text as a parameter; "" is NULL.
func nullable[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// day returns a month as its column holds it: its first day.
func day(m key.Month) string { return m.String() + "-01" }

// clean makes text from outside storable: valid UTF-8, without NUL, at most 1,000 bytes. A provider's odd answer must
// not make an outcome impossible to store.
func clean(s string) string {
	const most = 1000
	if s = storable(s); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// storable is a text of any length as valid UTF-8 without NUL.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// optional scans a column that may be NULL into target, which is zero then.
func optional[T any](target *T) sql.Scanner { return scanner[T]{target} }

type scanner[T any] struct{ target *T }

// Scan implements sql.Scanner.
func (s scanner[T]) Scan(value any) error {
	var read sql.Null[T]
	if err := read.Scan(value); err != nil {
		return err
	}
	*s.target = read.V
	return nil
}

// utc scans a time that may be NULL into target, which is the zero time then.
func utc(target *time.Time) sql.Scanner { return utcScanner{target} }

type utcScanner struct{ target *time.Time }

// Scan implements sql.Scanner.
func (s utcScanner) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*s.target = time.Time{}
	case time.Time:
		*s.target = value.UTC()
	default:
		return fmt.Errorf("a time came as %T", value)
	}
	return nil
}

// eachMonth sorts a copy of items by key and calls fn with those of each month, oldest month first: a statement works
// on one partition.
func eachMonth[T any](items []T, keyOf func(*T) key.Delivery, fn func(month key.Month, items []T) error) error {
	order := make([]place, len(items))
	for i := range items {
		order[i] = place{keyOf(&items[i]), i}
	}
	slices.SortFunc(order, func(a, b place) int { return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.index, b.index)) })
	sorted := make([]T, len(items))
	for i, p := range order {
		sorted[i] = items[p.index]
	}
	for from, to := 0, 0; from < len(order); from = to {
		month := order[from].key.Month
		for to < len(order) && order[to].key.Month == month {
			to++
		}
		if err := fn(month, sorted[from:to]); err != nil {
			return err
		}
	}
	return nil
}

// place is an item's key and its index before sorting.
type place struct {
	key   key.Delivery
	index int
}

// each returns value of each item: one column of a page.
func each[T, V any](items []T, value func(*T) V) []V {
	column := make([]V, len(items))
	for i := range items {
		column[i] = value(&items[i])
	}
	return column
}
