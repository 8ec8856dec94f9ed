package postgres

import (
	"context"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/domain/key"
)

// monthUsers is a page of user ids of one month as a table v, made of a statement's first two parameters.
const monthUsers = `(SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v`

// byKey makes a statement that joins a page of keys with a month's rows go by the primary key, whatever the planner
// believes. That takes two things. The partition is named, so that pruning needs no constant month. And the month comes
// with the keys (v.billing_month, behind OFFSET 0, which the planner does not look through): if it were a constant, the
// planner might read the whole partition by the index's first column alone. Without statistics it expects that to match
// one row in 200, and in a partition of some thousand rows it reads all of them for each page of a few keys (seen: 335
// ms for ten keys).
func byKey(statement string, month key.Month) string {
	return strings.NewReplacer(
		"delivery_attempts l", partition("delivery_attempts", month)+" l",
		"billing_targets t", partition("billing_targets", month)+" t",
		"billing_data d", partition("billing_data", month)+" d",
	).Replace(statement)
}

// opened remembers which months of a database have partitions. A partition, once there, stays for the life of this
// process.
var opened sync.Map // openedMonth → true

type openedMonth struct {
	db    *sqlx.DB
	month key.Month
}

// isOpened reports whether a month has partitions. Nothing has ever happened in a month that has none, and a statement
// that names a missing partition would end the transaction.
func (s *session) isOpened(ctx context.Context, month key.Month) (bool, error) {
	if _, ok := opened.Load(openedMonth{s.db, month}); ok {
		return true, nil
	}
	there := false
	err := s.one(ctx, "look for a month", `/* opened */ SELECT to_regclass($1) IS NOT NULL`, []any{partition("delivery_attempts", month)}, &there)
	if there {
		opened.Store(openedMonth{s.db, month}, true)
	}
	return there, err
}

// eachOpenedMonth is eachMonth for the months that have partitions; there is nothing to be found in the others.
func eachOpenedMonth[T any](ctx context.Context, s *session, items []T, keyOf func(*T) key.Delivery, fn func(month key.Month, items []T) error) error {
	return eachMonth(items, keyOf, func(month key.Month, items []T) error {
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return fn(month, items)
	})
}
