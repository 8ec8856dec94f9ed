package postgres

import (
	"cmp"
	"context"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// reportID is what a report is known again by.
type reportID struct {
	key          key.Delivery
	provider, id string
}

func idOf(r report.Report) reportID { return reportID{r.Key, r.Provider, r.ID} }

func compareIDs(a, b report.Report) int {
	return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
}

func targetReportsSQL(in partitions) string {
	return `/* reports */ SELECT r.user_id, r.attempt, r.round, r.provider, r.report_id, r.kind, r.failure_class, r.definitive, r.provider_message_id,
  r.code, r.detail, r.said_at, r.stored_at
FROM ` + monthUsers + ` JOIN ` + in.reports + ` r ON r.billing_month = v.billing_month AND r.user_id = v.user_id
ORDER BY r.user_id, r.attempt, r.round, r.stored_at, r.provider, r.report_id`
}

// reportsOf reads all reports about some users in a month, sorted.
func (s *session) reportsOf(ctx context.Context, month key.Month, users []int64) ([]report.Report, error) {
	var reports []report.Report
	err := s.query(ctx, "read reports", targetReportsSQL(partitionsOf(month)), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
		r := report.Report{Key: key.Delivery{Month: month}}
		err := scan(&r.Key.UserID, &r.Key.Attempt, &r.Key.Round, &r.Provider, &r.ID, &r.Kind, optional(&r.Class), &r.Definitive,
			optional(&r.MessageID), optional(&r.Code), optional(&r.Detail), utc(&r.SaidAt), utc(&r.StoredAt))
		reports = append(reports, r)
		return err
	})
	return reports, err
}

// Reports implements port.TargetTx.
func (t *targetTx) Reports(ctx context.Context, keys []key.Target) (map[key.Target][]report.Report, error) {
	found := map[key.Target][]report.Report{}
	err := eachTargetMonth(ctx, t.s, keys, func(month key.Month, users []int64) error {
		reports, err := t.s.reportsOf(ctx, month, users)
		for _, r := range reports {
			found[r.Key.Target()] = append(found[r.Key.Target()], r)
		}
		return err
	})
	return found, err
}

// About implements port.Reports.
func (p Reports) About(ctx context.Context, keys []key.Target) (about []report.Report, err error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	err = read(ctx, p.db, "read reports", func(ctx context.Context, s *session) error {
		about = nil
		return eachTargetMonth(ctx, s, keys, func(month key.Month, users []int64) error {
			reports, err := s.reportsOf(ctx, month, users)
			about = append(about, reports...)
			return err
		})
	})
	return about, err
}

// reportedSQL finds what was reported by the BRIN index, then looks at those targets only. A DELIVERED changes nothing of a target that
// is SUCCEEDED, as nearly all are.
func reportedSQL(in partitions) string {
	return `/* reported_since */ SELECT t.user_id FROM
  (SELECT $1::date AS billing_month, r.user_id, bool_or(r.kind = 'UNDELIVERED') AS undelivered FROM ` + in.reports + ` r
   WHERE r.stored_at >= $2::timestamptz AND r.stored_at < $5::timestamptz AND r.user_id > $3::bigint
     AND (r.kind = 'DELIVERED' OR (r.kind = 'UNDELIVERED' AND r.definitive)) GROUP BY r.user_id ORDER BY r.user_id OFFSET 0) AS c
JOIN ` + in.targets + ` t ON t.billing_month = c.billing_month AND t.user_id = c.user_id
WHERE c.undelivered OR t.dispatch_status <> 'SUCCEEDED'
ORDER BY t.user_id LIMIT $4::int`
}

// reportedEverSQL goes through all reports of a month, in the order of their keys: a page of them. The reports about a target may lie on
// two pages, so it looks at all of them.
func reportedEverSQL(in partitions) string {
	return `/* reported_ever */ WITH walked AS MATERIALIZED (
  SELECT r.user_id FROM ` + in.reports + ` r WHERE r.billing_month = $1::date AND r.user_id > $2::bigint ORDER BY r.user_id LIMIT $3::int)
SELECT w.walked, w.last, f.user_id FROM (SELECT count(*) AS walked, max(u.user_id) AS last FROM walked u) AS w
LEFT JOIN (SELECT t.user_id FROM (SELECT DISTINCT $1::date AS billing_month, u.user_id FROM walked u OFFSET 0) AS u
  JOIN ` + in.targets + ` t ON t.billing_month = u.billing_month AND t.user_id = u.user_id
  WHERE EXISTS (SELECT FROM ` + in.reports + ` r WHERE r.billing_month = t.billing_month AND r.user_id = t.user_id
    AND ((r.kind = 'UNDELIVERED' AND r.definitive) OR (r.kind = 'DELIVERED' AND t.dispatch_status <> 'SUCCEEDED')))) AS f ON true`
}

// Reported implements port.Sweeps.
func (p *Sweeps) Reported(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, int64, error) {
	const what = "find reported targets"
	if when == (port.Span{}) {
		return p.walk(ctx, what, reportedEverSQL, month, after, limit)
	}
	p.summarizeIndex(ctx, partition("delivery_reports", month)+"_stored_at_idx")
	return p.found(ctx, what, reportedSQL, month, when, after, limit)
}
