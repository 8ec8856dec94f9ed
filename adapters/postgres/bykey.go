package postgres

import (
	"context"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/domain/key"
)

// monthUsers is a page of user ids of one month: the first two parameters of a statement.
const monthUsers = `(SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v`

// byKey makes a statement that joins a page of keys with a month's rows go by the primary key, whatever the planner
// believes. Two things are needed. The partition is named, so that pruning needs no constant month. And the month
// comes with the keys (v.billing_month, behind OFFSET 0, which the planner does not look through): were it a constant,
// the planner could read the whole partition by the index's first column alone. Without statistics it takes that for
// one row in 200, and in a partition of some thousand rows reads all of it for each page of a few keys
// (seen: 335 ms for ten keys).
func byKey(statement string, month key.Month) string {
	return strings.NewReplacer(
		"delivery_attempts l", partition("delivery_attempts", month)+" l",
		"billing_targets t", partition("billing_targets", month)+" t",
		"billing_data d", partition("billing_data", month)+" d",
	).Replace(statement)
}

// opened remembers which months of a database have partitions: what has one keeps it while this process lives.
var opened sync.Map // openedMonth → true

type openedMonth struct {
	db    *sqlx.DB
	month key.Month
}

// isOpened tells whether a month has partitions. A statement that names one that is not there would end the
// transaction; nothing has ever happened in such a month.
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

// eachOpenedMonth is eachMonth for the months that have partitions; nothing can be there in others.
func eachOpenedMonth[T any](ctx context.Context, s *session, items []T, keyOf func(*T) key.Delivery, fn func(month key.Month, items []T) error) error {
	return eachMonth(items, keyOf, func(month key.Month, items []T) error {
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		return fn(month, items)
	})
}
