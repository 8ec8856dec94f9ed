package answer

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// ReportStatus is what providers reported about a month. Delivered, NotDelivered and NotReported together are the SUCCEEDED bills, unless
// some changed while they were counted.
type ReportStatus struct {
	Delivered    int                 `json:"delivered"`     // SUCCEEDED bills that arrived
	NotDelivered int                 `json:"not_delivered"` // SUCCEEDED bills that for certain did not, where the policy only notes that
	NotReported  int                 `json:"not_reported"`  // SUCCEEDED bills of which neither is known
	Undelivered  int                 `json:"undelivered"`   // deliveries of any bill that for certain did not arrive
	Kinds        map[report.Kind]int `json:"kinds"`         // reports
	KeptApart    map[port.Stray]int  `json:"kept_apart"`    // reports about nothing that is known
	LastAt       time.Time           `json:"last_at,omitzero"`
}

// Known reports whether anything was reported about the month.
func (r ReportStatus) Known() bool { return !r.LastAt.IsZero() }

// askReports asks what providers reported about a month whose bills are counted, and what they are asked.
func (a *Answers) askReports(ctx context.Context, m *MonthStatus) (err error) {
	counts, err := a.Reports.Count(ctx, m.Month)
	if err != nil {
		return err
	}
	bills := counts.Bills
	m.Reports = ReportStatus{
		Delivered: bills.Delivered, NotDelivered: bills.NotDelivered, NotReported: max(0, m.Dispatch[billing.Succeeded]-bills.Delivered-bills.NotDelivered),
		Undelivered: counts.Undelivered, Kinds: counts.Kinds, KeptApart: counts.Strays, LastAt: counts.LastAt,
	}
	if m.Dispatch[billing.Unknown] > 0 {
		m.Asking, err = a.Inquiries.Open(ctx, m.Month)
	}
	return err
}

// versions returns the policy versions that were activated.
func (a *Answers) versions(ctx context.Context) (billing.Policies, error) {
	all, err := a.Policies.Versions(ctx)
	known := make(map[policy.Ref]policy.Version, len(all))
	for _, v := range all {
		known[v.Ref()] = v
	}
	return func(ref policy.Ref) (policy.Version, bool) { v, ok := known[ref]; return v, ok }, err
}

// asReported makes the last try of each bill what it and the reports about it say together. Of a SUCCEEDED bill that is the report that its
// message was not delivered; where the policy takes the acceptance back, the bill is on the way until settlement has seen the report, and
// left out unless onTheWay. Where the policy version that decides is gone, the try stays as the ledger has it.
func (a *Answers) asReported(ctx context.Context, page []port.UnreachedBill, versions billing.Policies, onTheWay bool) ([]unreached, error) {
	keys := make([]key.Target, len(page))
	for i, u := range page {
		keys[i] = u.Target.Key()
	}
	reports, err := a.Reports.About(ctx, keys)
	if err != nil {
		return nil, err
	}
	about := make(map[key.Target][]report.Report, len(page))
	for _, r := range reports {
		about[r.Key.Target()] = append(about[r.Key.Target()], r)
	}
	var list []unreached
	for _, found := range page {
		u := unreached{UnreachedBill: found}
		said := about[u.Target.Key()]
		rows, err := u.Target.Effective([]attempt.Row{u.Last}, said, versions)
		if err == nil {
			u.Last = rows[0]
		}
		if u.Target.Status() == billing.Succeeded {
			u.noted = err != nil || u.Last.State == attempt.Succeeded
			u.Last = report.Effective(found.Last, said, true)
		}
		if u.noted || onTheWay || u.Target.Status() != billing.Succeeded {
			list = append(list, u)
		}
	}
	return list, nil
}
