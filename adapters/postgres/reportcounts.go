package postgres

import (
	"context"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

func countReportsSQL(in partitions) string {
	return `/* count_reports */ SELECT r.kind, count(*), count(DISTINCT (r.user_id, r.attempt, r.round)) FILTER (WHERE r.definitive), max(r.stored_at)
FROM ` + in.reports + ` r GROUP BY r.kind`
}

// countReportedSQL counts the SUCCEEDED bills that were reported: what is known of each delivery first, then of each bill.
func countReportedSQL(in partitions) string {
	return `/* count_reported */ SELECT count(*) FILTER (WHERE b.delivered), count(*) FILTER (WHERE b.undelivered AND NOT b.delivered)
FROM (SELECT bool_or(d.delivered AND NOT d.undelivered) AS delivered, bool_or(d.undelivered AND d.attempt = t.attempt AND d.round = t.round) AS undelivered
  FROM (SELECT r.user_id, r.attempt, r.round, bool_or(r.kind = 'DELIVERED') AS delivered, bool_or(r.kind = 'UNDELIVERED') AS undelivered
    FROM ` + in.reports + ` r WHERE r.user_id <= ` + copyStep + ` AND (r.kind = 'DELIVERED' OR r.kind = 'UNDELIVERED' AND r.definitive)
    GROUP BY r.user_id, r.attempt, r.round) AS d
  JOIN ` + in.targets + ` t ON t.user_id = d.user_id
  WHERE t.dispatch_status = 'SUCCEEDED' GROUP BY d.user_id) AS b`
}

const countStraysSQL = `/* count_strays */ SELECT s.why, count(*) FROM stray_reports s WHERE s.billing_month = $1::date GROUP BY s.why`

// Count implements port.Reports. It reads the month's reports from end to end, and the bills that were reported, which the planner may
// know.
func (p Reports) Count(ctx context.Context, month key.Month) (port.ReportCounts, error) {
	const what = "count reports"
	counts := port.ReportCounts{}
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		counts = port.ReportCounts{Kinds: map[report.Kind]int{}, Strays: map[port.Stray]int{}}
		err := s.query(ctx, what, countStraysSQL, []any{day(month)}, func(scan func(...any) error) error {
			var why port.Stray
			var n int
			err := scan(&why, &n)
			counts.Strays[why] = n
			return err
		})
		if err != nil {
			return err
		}
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return err
		}
		if _, err := s.exec(ctx, what, `/* count_reports */ SELECT set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true)`); err != nil {
			return err
		}
		if err := s.countKinds(ctx, what, month, &counts); err != nil || counts.LastAt.IsZero() {
			return err
		}
		return s.one(ctx, what, countReportedSQL(partitionsOf(month)), nil, &counts.Bills.Delivered, &counts.Bills.NotDelivered)
	})
	return counts, err
}

// countKinds counts a month's reports by their kinds.
func (s *session) countKinds(ctx context.Context, what string, month key.Month, counts *port.ReportCounts) error {
	return s.query(ctx, what, countReportsSQL(partitionsOf(month)), nil, func(scan func(...any) error) error {
		var kind report.Kind
		var n, certain int
		last := counts.LastAt
		if err := scan(&kind, &n, &certain, utc(&last)); err != nil {
			return err
		}
		counts.Kinds[kind] = n
		if kind == report.Undelivered {
			counts.Undelivered = certain
		}
		if last.After(counts.LastAt) {
			counts.LastAt = last
		}
		return nil
	})
}
