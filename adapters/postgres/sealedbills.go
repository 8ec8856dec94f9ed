package postgres

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// SealedBills reads what is stored encrypted about bills.
type SealedBills struct {
	db   pool
	span int // targets that one statement of Unreached looks at, at most
}

var _ port.SealedBills = SealedBills{}

// NewSealedBills returns the sealedBills of a database.
func NewSealedBills(db *sqlx.DB) SealedBills { return SealedBills{newPool(db), unreachedSpan} }

func sealedSQL(in partitions) string {
	return `/* sealed */ SELECT d.user_id, c.customer, d.render_error, d.data, d.statement, ` + destinations("d.") + `
FROM ` + monthUsers + ` JOIN ` + in.data + ` d ON d.billing_month = v.billing_month AND d.user_id = v.user_id
JOIN customers c ON c.user_id = ` + customerID("v.user_id")
}

// sealed reads what is stored encrypted beside the targets of some users of a month, by user id.
func (s *session) sealed(ctx context.Context, month key.Month, users []int64) (map[int64]port.UnreachedBill, error) {
	found := make(map[int64]port.UnreachedBill, len(users))
	if there, err := s.isOpened(ctx, month); err != nil || !there {
		return found, err
	}
	err := s.query(ctx, "read sealed bills", sealedSQL(partitionsOf(month)), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
		var user int64
		var u port.UnreachedBill
		sealed := make([][]byte, len(channel.All))
		err := scan(scanned([]any{&user, &u.Customer, optional(&u.RenderError), &u.Data, &u.Statement}, sealed)...)
		for i, kind := range channel.All {
			if len(sealed[i]) > 0 {
				u.Destinations = append(u.Destinations, port.Destination{Channel: kind, Sealed: sealed[i]})
			}
		}
		found[user] = u
		return err
	})
	return found, err
}

// Sealed implements port.SealedBills.
func (p SealedBills) Sealed(ctx context.Context, target key.Target) (port.SealedBill, error) {
	var found map[int64]port.UnreachedBill
	err := read(ctx, p.db, "read a sealed bill", func(ctx context.Context, s *session) (err error) {
		found, err = s.sealed(ctx, target.Month, []int64{target.UserID})
		return err
	})
	bill, ok := found[target.UserID]
	if err == nil && !ok {
		err = fmt.Errorf("read a sealed bill: %w: there is no bill %s", port.ErrNotFound, target)
	}
	return bill.SealedBill, err
}

// unreachedSpan is SealedBills.span: each SUCCEEDED target is looked up in the reports, within the time that a statement has.
const unreachedSpan = 20_000

// unreachedUntilSQL is the last of the next $3 bills behind user id $2; NULL: there is none.
func unreachedUntilSQL(in partitions) string {
	return `/* unreached_until */ SELECT max(t.user_id) FROM (SELECT t.user_id FROM ` + in.targets + ` t
WHERE t.billing_month = $1::date AND t.user_id > $2::bigint AND t.user_id < ` + copyStep + ` ORDER BY t.user_id LIMIT $3::int) AS t`
}

// The condition is that of port.Ended, and that of countReportedSQL for one bill; the conformance suite compares them. Rows come in the
// order of the primary key, so that a page begins where the last one ended, however few rows match.
func unreachedSQL(in partitions) string {
	return `/* unreached */ SELECT ` + targetColumns + `
FROM ` + in.targets + ` t
WHERE t.billing_month = $1::date AND t.user_id > $2::bigint AND t.user_id <= $5::bigint
  AND CASE WHEN t.dispatch_status = 'SUCCEEDED' THEN ` + notDelivered(in) + `
    ELSE $4::boolean OR t.dispatch_status NOT IN ('READY', 'FAILED', 'REQUESTED') OR (t.batch_status = 'RENDER_FAILED' AND t.dispatch_status <> 'REQUESTED') END
ORDER BY t.user_id LIMIT $3::int`
}

// notDelivered is whether reports say that the delivery of the current key of the bill t for certain did not arrive, and of no other one that it did.
func notDelivered(in partitions) string {
	return `(SELECT bool_or(d.undelivered AND d.attempt = t.attempt AND d.round = t.round) AND NOT bool_or(d.delivered AND NOT d.undelivered)
    FROM (SELECT r.attempt, r.round, bool_or(r.kind = 'DELIVERED') AS delivered, bool_or(r.kind = 'UNDELIVERED' AND r.definitive) AS undelivered
      FROM ` + in.reports + ` r WHERE r.billing_month = t.billing_month AND r.user_id = t.user_id GROUP BY r.attempt, r.round) AS d)`
}

// Unreached implements port.SealedBills.
func (p SealedBills) Unreached(ctx context.Context, month key.Month, after int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
	var bills []port.UnreachedBill
	for more := true; more && len(bills) < limit; {
		err := read(ctx, p.db, "read the unreached", func(ctx context.Context, s *session) error {
			if there, err := s.isOpened(ctx, month); err != nil || !there {
				more = false
				return err
			}
			targets, until, err := s.unreachedTargets(ctx, month, after, p.span, limit-len(bills), onTheWay)
			if err != nil {
				return err
			}
			found, err := s.unreachedBills(ctx, month, targets)
			bills = append(bills, found...)
			more, after = until > 0, until
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return bills, nil
}

// unreachedTargets looks at the next targets behind a user id, span at most, and returns those that are unreached, limit at most,
// and up to which user id it has looked; 0: there are no more targets.
func (s *session) unreachedTargets(ctx context.Context, month key.Month, after int64, span, limit int, onTheWay bool) (targets []billing.Target, until int64, err error) {
	const what = "read the unreached"
	err = s.one(ctx, what, unreachedUntilSQL(partitionsOf(month)), []any{day(month), after, span}, optional(&until))
	if err != nil || until == 0 {
		return nil, 0, err
	}
	err = s.query(ctx, what, unreachedSQL(partitionsOf(month)), []any{day(month), after, limit, onTheWay, until}, func(scan func(...any) error) error {
		target, err := s.db.readTarget(month, scan)
		targets = append(targets, target)
		return err
	})
	return targets, until, err
}

// unreachedBills adds to targets what an export says of them.
func (s *session) unreachedBills(ctx context.Context, month key.Month, targets []billing.Target) ([]port.UnreachedBill, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	users := each(targets, func(t *billing.Target) int64 { return t.Key().UserID })
	sealed, err := s.sealed(ctx, month, users)
	if err != nil {
		return nil, err
	}
	rows, err := s.ledgerOf(ctx, month, users)
	if err != nil {
		return nil, err
	}
	for _, row := range rows { // sorted by key: the last one stays
		if row.Channel != "" {
			u := sealed[row.Key.UserID]
			u.Last = row
			sealed[row.Key.UserID] = u
		}
	}
	bills := make([]port.UnreachedBill, 0, len(targets))
	for _, t := range targets {
		u := sealed[t.Key().UserID]
		u.Target = t
		bills = append(bills, u)
	}
	return bills, nil
}

const refusedSQL = `/* refused */ SELECT r.file, r.line, r.field, r.reason, r.import_id FROM import_rejects r
WHERE r.billing_month = $1::date AND r.customer = $2 AND r.resolved_at IS NULL ORDER BY r.file COLLATE "C", r.line`

// Refused implements port.SealedBills.
func (p SealedBills) Refused(ctx context.Context, month key.Month, customer string) ([]port.Reject, error) {
	if customer == "" {
		return nil, ctx.Err()
	}
	var found []port.Reject
	err := read(ctx, p.db, "find refused rows", func(ctx context.Context, s *session) error {
		return s.query(ctx, "find refused rows", refusedSQL, []any{day(month), clean(customer)}, func(scan func(...any) error) error {
			r := port.Reject{Customer: customer}
			err := scan(&r.File, &r.Line, &r.Field, &r.Reason, optional(&r.Import))
			found = append(found, r)
			return err
		})
	})
	return found, err
}
