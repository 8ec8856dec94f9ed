package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Reports stores what providers say about deliveries.
type Reports struct{ db pool }

var _ port.Reports = Reports{}

// NewReports returns the reports of a database.
func NewReports(db *sqlx.DB) Reports { return Reports{newPool(db)} }

// mostStrays is how many reports about nothing that is known are kept. Whoever can make them cannot fill the database.
const mostStrays = 10_000

// reportPlacesSQL finds the deliveries that reports are about.
func reportPlacesSQL(in partitions) string {
	return `/* report_places */ SELECT v.n, l.user_id IS NOT NULL, l.provider, l.channel, l.policy_id, l.policy_version
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[])
  WITH ORDINALITY AS u(user_id, attempt, round, n) OFFSET 0) AS v
LEFT JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`
}

// storeReportsSQL inserts in the order of the keys, so that two who store the same reports do not wait for each other in a circle.
func storeReportsSQL(in partitions) string {
	return `/* store_reports */ INSERT INTO ` + in.reports + ` (billing_month, user_id, attempt, round, provider, report_id, kind, failure_class, definitive,
  provider_message_id, code, detail, said_at, stored_at)
SELECT $1::date, v.*, clock_timestamp()
FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[], $11::text[], $12::text[],
  $13::timestamptz[]) AS v
ON CONFLICT (billing_month, user_id, attempt, round, provider, report_id) DO NOTHING
RETURNING user_id, attempt, round, provider, report_id`
}

const storeStraysSQL = `/* store_strays */ INSERT INTO stray_reports (billing_month, user_id, attempt, round, provider, report_id, kind, why)
SELECT $1::date, v.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[]) AS v
WHERE (SELECT count(*) FROM (SELECT FROM stray_reports LIMIT $9::int) AS kept) < $9::int
ON CONFLICT (provider, report_id) DO NOTHING`

// Store implements port.Reports.
func (p Reports) Store(ctx context.Context, reports []report.Report) (stored port.StoredReports, err error) {
	const what = "store reports"
	if len(reports) > port.MaxReports {
		return stored, fmt.Errorf("%s: %w: %d at once", what, port.ErrInvalid, len(reports))
	}
	for _, r := range reports {
		if err := r.Validate(); err != nil {
			return stored, fmt.Errorf("%s: %w: %w", what, port.ErrInvalid, err)
		}
	}
	places := make([]reportPlace, len(reports))
	for i, r := range reports {
		places[i] = reportPlace{known: port.KnownReport{Report: r}, index: i}
	}
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		stored = port.StoredReports{Stray: map[port.Stray]int{}}
		var known []reportPlace
		err := eachMonth(places, placeKey, func(month key.Month, page []reportPlace) error {
			fit, err := s.storeReports(ctx, what, month, page, stored.Stray)
			known = append(known, fit...)
			return err
		})
		slices.SortFunc(known, func(a, b reportPlace) int { return a.index - b.index })
		stored.Known = each(known, func(p *reportPlace) port.KnownReport { return p.known })
		if err == nil {
			stored.Suppressed, err = s.suppressReported(ctx, what, stored.Known)
		}
		return err
	})
	return stored, err
}

// reportPlace is a report with its place among those that are stored at once.
type reportPlace struct {
	known port.KnownReport
	index int
	stray port.Stray // "": the ledger has its delivery
}

func placeKey(p *reportPlace) key.Delivery { return p.known.Key }

// storeReports stores a month's reports, sorted by key, and returns those about deliveries that are known; the others are counted.
func (s *session) storeReports(ctx context.Context, what string, month key.Month, page []reportPlace, strays map[port.Stray]int) (fit []reportPlace, err error) {
	if err := s.placeReports(ctx, what, month, page); err != nil {
		return nil, err
	}
	var stray []reportPlace
	for _, p := range page {
		if p.stray == "" {
			fit = append(fit, p)
		} else {
			stray = append(stray, p)
			strays[p.stray]++
		}
	}
	if len(stray) > 0 {
		slices.SortStableFunc(stray, func(a, b reportPlace) int { // in one order, as fit below
			return cmp.Or(cmp.Compare(a.known.Provider, b.known.Provider), cmp.Compare(a.known.ID, b.known.ID))
		})
		args := append(keyArgs(month, stray, placeKey),
			texts(each(stray, func(p *reportPlace) string { return p.known.Provider })),
			texts(each(stray, func(p *reportPlace) string { return p.known.ID })),
			texts(each(stray, func(p *reportPlace) string { return string(p.known.Kind) })),
			texts(each(stray, func(p *reportPlace) string { return string(p.stray) })), mostStrays)
		if _, err := s.exec(ctx, what, storeStraysSQL, args...); err != nil {
			return nil, err
		}
	}
	if len(fit) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(fit, func(a, b reportPlace) int { return compareIDs(a.known.Report, b.known.Report) })
	inserted := map[reportID]bool{}
	err = s.query(ctx, what, storeReportsSQL(partitionsOf(month)), reportArgs(month, fit), func(scan func(...any) error) error {
		id := reportID{key: key.Delivery{Month: month}}
		err := scan(&id.key.UserID, &id.key.Attempt, &id.key.Round, &id.provider, &id.id)
		inserted[id] = true
		return err
	})
	for i := range fit {
		id := idOf(fit[i].known.Report)
		fit[i].known.New = inserted[id]
		delete(inserted, id) // of two that are the same, one is new
	}
	return fit, err
}

// placeReports says of each report of a month whether the ledger has its delivery.
func (s *session) placeReports(ctx context.Context, what string, month key.Month, page []reportPlace) error {
	status, err := s.monthStatus(ctx, what, month)
	if err != nil {
		return err
	}
	opened := false
	if status == "OPEN" {
		if opened, err = s.isOpened(ctx, month); err != nil {
			return err
		}
	}
	for i := range page {
		if page[i].stray = port.StrayKey; status == "CLOSED" {
			page[i].stray = port.StrayMonth
		}
	}
	if !opened {
		return nil
	}
	return s.query(ctx, what, reportPlacesSQL(partitionsOf(month)), keyArgs(month, page, placeKey), func(scan func(...any) error) error {
		var n int
		var there bool
		var provider string
		var known port.KnownReport
		if err := scan(&n, &there, optional(&provider), optional(&known.Channel), optional(&known.Policy.ID), optional(&known.Policy.Version)); err != nil {
			return err
		}
		p := &page[n-1]
		p.known.Channel, p.known.Policy = known.Channel, known.Policy
		switch {
		case !there:
		case provider != "" && provider != p.known.Provider:
			p.stray = port.StrayProvider
		default:
			p.stray = ""
		}
		return nil
	})
}

func reportArgs(month key.Month, page []reportPlace) []any {
	return append(keyArgs(month, page, placeKey),
		texts(each(page, func(p *reportPlace) string { return p.known.Provider })),
		texts(each(page, func(p *reportPlace) string { return p.known.ID })),
		texts(each(page, func(p *reportPlace) string { return string(p.known.Kind) })),
		texts(each(page, func(p *reportPlace) string { return string(p.known.Class) })),
		booleans(each(page, func(p *reportPlace) bool { return p.known.Definitive })),
		texts(each(page, func(p *reportPlace) string { return p.known.MessageID })),
		texts(each(page, func(p *reportPlace) string { return p.known.Code })),
		texts(each(page, func(p *reportPlace) string { return p.known.Detail })),
		instants(each(page, func(p *reportPlace) time.Time { return p.known.SaidAt })))
}
