package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// monthUsers is a page of user ids of one month as a table v, made of a statement's first two parameters.
const monthUsers = `(SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v`

// partitions are the names of one month's partitions. Statements that join a page of keys with a month's rows are made
// with them, and so go by the primary key, whatever the planner believes. That takes two things. The partition is named,
// so that pruning needs no constant month. And the month comes with the keys (v.billing_month, behind OFFSET 0, which the
// planner does not look through): if it were a constant, the planner might read the whole partition by the index's first
// column alone. Without statistics it expects that to match one row in 200, and in a partition of some thousand rows it
// reads all of them for each page of a few keys (seen: 335 ms for ten keys).
type partitions struct{ targets, attempts, data, reports string }

func partitionsOf(month key.Month) partitions {
	return partitions{
		targets: partition("billing_targets", month), attempts: partition("delivery_attempts", month), data: partition("billing_data", month),
		reports: partition("delivery_reports", month),
	}
}

// partition returns the name of a month's partition of a table.
func partition(table string, month key.Month) string {
	return fmt.Sprintf("%s_%04d_%02d", table, month.Year(), int(month.Month()))
}

// pool is a database's connections with what is known of its partitions, and of the time zones.
type pool struct {
	*sqlx.DB
	opened *openedMonths
	zones  *port.Zones
}

func newPool(db *sqlx.DB) pool { return pool{DB: db, opened: &openedMonths{}, zones: &port.Zones{}} }

// openedMonths remembers which months had partitions, to save a query in each transaction. Retention drops partitions,
// in another process as a rule: a transaction that trusted this and found a partition gone forgets it (session.fail).
type openedMonths struct{ months sync.Map } // key.Month → true

// isOpened reports whether a month has partitions. Nothing has happened in a month that has none, or nothing of it is
// left, and a statement that names a missing partition would end the transaction.
func (s *session) isOpened(ctx context.Context, month key.Month) (bool, error) {
	if _, known := s.db.opened.months.Load(month); known {
		s.trusted = append(s.trusted, month)
		return true, nil
	}
	there := false
	err := s.one(ctx, "look for a month", `/* opened */ SELECT to_regclass($1) IS NOT NULL`, []any{partition("delivery_attempts", month)}, &there)
	if there {
		s.db.opened.months.Store(month, true)
	}
	return there, err
}

// dropped reports whether an error may come from a month that was dropped since it was remembered, and forgets the
// months that the transaction trusted: the next try looks.
func (s *session) dropped(err error) bool {
	if stateOf(err) != undefinedTable || len(s.trusted) == 0 {
		return false
	}
	for _, month := range s.trusted {
		s.db.opened.months.Delete(month)
	}
	return true
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
