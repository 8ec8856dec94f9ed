package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Report reads what people want to know about a month.
type Report struct{ db pool }

var _ port.Report = Report{}

// NewReport returns the report on a database.
func NewReport(db *sqlx.DB) Report { return Report{newPool(db)} }

var funnelSQL = `/* funnel */ SELECT t.user_id > ` + copyStep + `, t.batch_status, t.dispatch_status, coalesce(t.pause_reason, ''), count(*)
FROM billing_targets t WHERE t.billing_month = $1::date GROUP BY 1, 2, 3, 4`

// Funnel implements port.Report. It counts the whole month, so it allows the planner to scan the whole partition.
func (p Report) Funnel(ctx context.Context, month key.Month) (port.Funnel, error) {
	f := port.Funnel{
		Month: month, Batch: map[billing.BatchStatus]int{}, Dispatch: map[billing.Status]int{}, Paused: map[billing.PauseReason]int{},
		Copies: map[billing.Status]int{},
	}
	err := read(ctx, p.db, "count the month's targets", func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, "count the month's targets", `/* funnel */ SELECT set_config('enable_seqscan', 'on', true)`); err != nil {
			return err
		}
		err := s.query(ctx, "count the month's targets", funnelSQL, []any{day(month)}, func(scan func(...any) error) error {
			var batch billing.BatchStatus
			var status billing.Status
			var pause billing.PauseReason
			var n int
			isCopy := false
			err := scan(&isCopy, &batch, &status, &pause, &n)
			if isCopy {
				f.Copies[status] += n
				return err
			}
			f.Imported += n
			f.Batch[batch] += n
			f.Dispatch[status] += n
			if pause != "" {
				f.Paused[pause] += n
			}
			return err
		})
		if err != nil {
			return err
		}
		return s.one(ctx, "count the month's rejects", `/* rejects */ SELECT count(*) FILTER (WHERE r.resolved_at IS NULL), count(r.resolved_at) FROM import_rejects r WHERE r.billing_month = $1::date`,
			[]any{day(month)}, &f.Rejected, &f.Resolved)
	})
	return f, err
}

// refusedUs says that a row of the ledger l is a refusal that is not about its bill, answeredBy that it is an answer about one.
const (
	refusedUs = `l.state = 'NOT_SENT' AND (l.failure_class IN ('provider', 'throttled') OR l.reason = 'not_called') AND l.reason IS DISTINCT FROM 'provider_held'`
	// causeOfRefusal tells a provider that refuses from one that asks to wait and from one that cannot be called.
	causeOfRefusal = `(CASE WHEN l.reason = 'not_called' THEN 'not_called' ELSE l.failure_class END)`

	answeredBy = `(l.state = 'SUCCEEDED' OR l.state = 'FAILED' AND l.reason = 'refused')`
)

// refusingSQL reads the past hour of the ledger by the BRIN index of changed_at, which a volatile function
// (clock_timestamp) would not go by.
func refusingSQL(in partitions) string {
	const ofCause = `count(*) FILTER (WHERE l.state = 'NOT_SENT' AND ` + causeOfRefusal + ` = `
	return `/* refusing */ SELECT lower(r.channel) || '/' || r.provider, coalesce(l.failure_class, ''), coalesce(l.reason, ''), coalesce(l.detail, ''), r.refused_at,
  CASE ` + causeOfRefusal + ` WHEN 'provider' THEN r.provider_said WHEN 'throttled' THEN r.throttled ELSE r.not_called END
FROM (SELECT l.channel, l.provider, ` + ofCause + `'provider') AS provider_said, ` + ofCause + `'throttled') AS throttled, ` + ofCause + `'not_called') AS not_called,
    max(l.changed_at) FILTER (WHERE l.state = 'NOT_SENT') AS refused_at, max(l.changed_at) FILTER (WHERE l.state <> 'NOT_SENT') AS answered_at
  FROM ` + in.attempts + ` l WHERE l.changed_at > statement_timestamp() - interval '1 hour' AND l.provider IS NOT NULL AND (` + answeredBy + ` OR ` + refusedUs + `)
  GROUP BY l.channel, l.provider) AS r
CROSS JOIN LATERAL (SELECT l.failure_class, l.reason, l.detail FROM ` + in.attempts + ` l
  WHERE l.changed_at = r.refused_at AND l.channel = r.channel AND l.provider = r.provider AND ` + refusedUs + ` LIMIT 1) AS l
WHERE r.refused_at > coalesce(r.answered_at, '-infinity')`
}

// Refusing implements port.Report. Without sorts, the planner does not sort an hour's rows to group them by a few providers.
func (p Report) Refusing(ctx context.Context, month key.Month) ([]port.ProviderRefusal, error) {
	var list []port.ProviderRefusal
	err := read(ctx, p.db, "find providers that refuse", func(ctx context.Context, s *session) error {
		list = nil
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		if _, err := s.exec(ctx, "find providers that refuse", `/* settings */ SELECT set_config('enable_bitmapscan', 'on', true), set_config('enable_sort', 'off', true)`); err != nil {
			return err
		}
		return s.query(ctx, "find providers that refuse", refusingSQL(partitionsOf(month)), nil, func(scan func(...any) error) error {
			var r port.ProviderRefusal
			err := scan(&r.Provider, &r.Class, &r.Reason, &r.Said, utc(&r.Last), &r.Refused)
			list = append(list, r)
			return err
		})
	})
	slices.SortFunc(list, func(a, b port.ProviderRefusal) int { return cmp.Compare(a.Provider, b.Provider) })
	return list, err
}

var findTargetSQL = `/* find_target */ SELECT ` + targetColumns + `
FROM (SELECT $1::date AS billing_month, c.user_id FROM customers c WHERE c.customer = $2 OFFSET 0) AS v
JOIN billing_targets t ON t.billing_month = v.billing_month AND t.user_id = v.user_id`

// Find implements port.Report.
func (p Report) Find(ctx context.Context, month key.Month, customer string) (billing.Target, []attempt.Row, error) {
	var target billing.Target
	var rows []attempt.Row
	found := false
	err := read(ctx, p.db, "find a target", func(ctx context.Context, s *session) error {
		err := s.query(ctx, "find a target", findTargetSQL, []any{day(month), clean(customer)}, func(scan func(...any) error) (err error) {
			found = true
			target, err = s.db.readTarget(month, scan)
			return err
		})
		if err != nil || !found {
			return err
		}
		rows, err = s.ledgerOf(ctx, month, []int64{target.Key().UserID})
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: the customer has no bill in %s", port.ErrNotFound, month)
	}
	return target, rows, err
}

// The lower-case form is that of the collation C, so that the same letters are folded in every database: those of ASCII.
const alikeSQL = `/* alike */ SELECT c.customer FROM customers c
WHERE lower(regexp_replace(c.customer, '\s', '', 'g') COLLATE "C") = $1 ORDER BY c.customer COLLATE "C" LIMIT $2`

// Alike implements port.Report. It allows the planner to read the whole table.
func (p Report) Alike(ctx context.Context, customer string, limit int) (alike []string, err error) {
	what := "look for customer numbers alike"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if _, err := s.exec(ctx, what, `/* alike */ SELECT set_config('enable_seqscan', 'on', true)`); err != nil {
			return err
		}
		return s.query(ctx, what, alikeSQL, []any{port.FoldCustomer(clean(customer)), limit}, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			alike = append(alike, name)
			return err
		})
	})
	return alike, err
}

// Customers implements port.Report.
func (p Report) Customers(ctx context.Context, userIDs []int64) (map[int64]string, error) {
	const statement = `/* customer_numbers */ SELECT c.user_id, c.customer FROM customers c WHERE c.user_id = ANY($1::bigint[])`
	found := make(map[int64]string, len(userIDs))
	err := read(ctx, p.db, "read customer numbers", func(ctx context.Context, s *session) error {
		return s.query(ctx, "read customer numbers", statement, []any{bigints(userIDs)}, func(scan func(...any) error) error {
			var id int64
			var name string
			err := scan(&id, &name)
			found[id] = name
			return err
		})
	})
	return found, err
}
