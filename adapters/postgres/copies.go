package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Copies stores the copies of bills.
type Copies struct{ db pool }

var _ port.Copies = Copies{}

// NewCopies returns the copies of a database.
func NewCopies(db *sqlx.DB) Copies { return Copies{newPool(db)} }

// copyStep is key.CopyStep in SQL. A user id below it is a bill's; modulo it, it is the customer's.
var copyStep = strconv.Itoa(key.CopyStep)

// customerID is key.CustomerID in SQL.
func customerID(column string) string { return column + " % " + copyStep }

// copiesSQL goes by the primary key: copies lie behind all bills of a month.
func copiesSQL(in partitions) string {
	return `/* copies */ SELECT t.user_id FROM ` + in.targets + ` t
WHERE t.billing_month = $1::date AND t.user_id > greatest($2::bigint, ` + copyStep + `) AND ($3::bigint = 0 OR ` + customerID("t.user_id") + ` = $3::bigint)
ORDER BY t.user_id LIMIT $4::int`
}

// copiesOf returns the user ids of copies.
func (s *session) copiesOf(ctx context.Context, filter port.CopyFilter) ([]int64, error) {
	return s.users(ctx, "find copies", copiesSQL(partitionsOf(filter.Month)), day(filter.Month), filter.After, filter.UserID, filter.Limit)
}

// openMonthSQL keeps a month from being closed until the transaction ends.
const openMonthSQL = `/* open_month_shared */ SELECT m.status FROM months m WHERE m.billing_month = $1::date FOR SHARE`

func addCopySQL(in partitions) string {
	return `/* add_copy */ INSERT INTO ` + in.targets + ` (billing_month, user_id, batch_status, available_at, deadline, reachable, quiet_from, quiet_to, quiet_zone)
VALUES ($1::date, $2, 'RENDERED', $3, $4, $5, $6::time, $7::time, $8)`
}

func addCopyDataSQL(in partitions) string {
	return `/* add_copy_data */ INSERT INTO ` + in.data + ` (billing_month, user_id, line, file, data_version, rendered_at, template_set, fingerprint, data, statement, ` + destinations("") + `)
SELECT d.billing_month, $3, 0, '', d.data_version, d.rendered_at, d.template_set, d.fingerprint, $4, $5, ` + eachChannel(func(i int, _ string) string { return fmt.Sprintf("$%d::bytea", 6+i) }) + `
FROM ` + in.data + ` d WHERE d.billing_month = $1::date AND d.user_id = $2`
}

// Add implements port.Copies. The bill is locked first, so that of two requests one waits for the other.
func (p Copies) Add(ctx context.Context, copied port.NewCopy, decide func(bill billing.Target, copies []billing.Target) error, by port.Act) error {
	const what = "add a copy"
	k := copied.State.Key
	err := write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		tx := &targetTx{s: s, locked: map[key.Target]billing.State{}}
		bills, err := tx.Lock(ctx, []key.Target{k.Bill()})
		if err != nil {
			return err
		}
		if len(bills) == 0 {
			return fmt.Errorf("%s: %w: there is no bill %s", what, port.ErrNotFound, k.Bill())
		}
		users, err := s.copiesOf(ctx, port.CopyFilter{Month: k.Month, UserID: k.Bill().UserID, Limit: key.MaxCopies})
		if err != nil {
			return err
		}
		copies, err := tx.Lock(ctx, targetsOf(k.Month, users))
		if err != nil {
			return err
		}
		status := ""
		if err := s.one(ctx, what, openMonthSQL, []any{day(k.Month)}, &status); err != nil {
			return err
		}
		if status != "OPEN" {
			return fmt.Errorf("%s: %w: %s is closed", what, port.ErrInvalid, k.Month)
		}
		if err := decide(bills[0], copies); err != nil {
			return err
		}
		if err := s.addCopy(ctx, copied); err != nil {
			return err
		}
		return s.audit(ctx, port.CopyEntry(copied, by))
	})
	if stateOf(err) == "23505" {
		return fmt.Errorf("%w: the copy %s is there already: %w", port.ErrConflict, k, err)
	}
	return err
}

func (s *session) addCopy(ctx context.Context, copied port.NewCopy) error {
	const what = "add a copy"
	state := copied.State
	sealed := make([][]byte, len(channel.All))
	sealed[slices.Index(channel.All, copied.Destination.Channel)] = copied.Destination.Sealed
	args := []any{day(state.Key.Month), state.Key.Bill().UserID, state.Key.UserID, copied.Data, copied.Statement}
	for _, destination := range sealed {
		args = append(args, destination)
	}
	if _, err := s.exec(ctx, what, addCopyDataSQL(partitionsOf(state.Key.Month)), args...); err != nil {
		return err
	}
	from, to, zone := ownQuietColumns(&state)
	_, err := s.exec(ctx, what, addCopySQL(partitionsOf(state.Key.Month)), day(state.Key.Month), state.Key.UserID, instant(state.AvailableAt), instant(state.Deadline), int16(state.Reachable),
		nullable(from), nullable(to), nullable(zone))
	return err
}

func targetsOf(month key.Month, users []int64) []key.Target {
	return each(users, func(user *int64) key.Target { return key.Target{Month: month, UserID: *user} })
}

func copyRecordsSQL(in partitions) string {
	return `/* copy_records */ SELECT c.customer, ` + targetColumns + `
FROM ` + monthUsers + ` JOIN ` + in.targets + ` t ON t.billing_month = v.billing_month AND t.user_id = v.user_id
JOIN customers c ON c.user_id = ` + customerID("v.user_id") + `
ORDER BY t.user_id`
}

// List implements port.Copies.
func (p Copies) List(ctx context.Context, filter port.CopyFilter) (records []port.CopyRecord, err error) {
	const what = "list copies"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		records = nil
		if there, err := s.isOpened(ctx, filter.Month); err != nil || !there {
			return err
		}
		users, err := s.copiesOf(ctx, filter)
		if err != nil || len(users) == 0 {
			return err
		}
		err = s.query(ctx, what, copyRecordsSQL(partitionsOf(filter.Month)), []any{day(filter.Month), bigints(users)}, func(scan func(...any) error) (err error) {
			var record port.CopyRecord
			record.Target, err = s.db.readTarget(filter.Month, func(columns ...any) error { return scan(append([]any{&record.Customer}, columns...)...) })
			records = append(records, record)
			return err
		})
		if err != nil {
			return err
		}
		rows, err := s.ledgerOf(ctx, filter.Month, users)
		of := make(map[key.Target][]attempt.Row, len(records))
		for _, row := range rows {
			of[row.Key.Target()] = append(of[row.Key.Target()], row)
		}
		for i := range records {
			records[i].Rows = of[records[i].Target.Key()]
		}
		return err
	})
	return records, err
}
