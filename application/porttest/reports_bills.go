package porttest

import (
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// reportedBills are seven bills, each reported in a way of its own: 1 and 2 are SUCCEEDED and for certain not delivered, 5 is not SUCCEEDED.
func (s *stage) reportedBills() []key.Target {
	s.Helper()
	keys := s.accepted(7)
	soft := func(r *report.Report) { r.Definitive = false }
	s.report(
		said(delivery(keys[0], 0, 0), deliveredKind), said(delivery(keys[0], 0, 0), deliveredKind, func(r *report.Report) { r.ID = "again" }),
		said(delivery(keys[1], 0, 0)),
		said(delivery(keys[2], 0, 0)), said(delivery(keys[2], 0, 0), deliveredKind), // contradicts
		said(delivery(keys[3], 0, 0), soft),
		said(delivery(keys[4], 0, 0)),                // and goes on with another attempt
		said(delivery(keys[5], 0, 0), deliveredKind), // not SUCCEEDED
		said(delivery(keys[6], 0, 0), deliveredKind)) // an older attempt
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, slices.Delete(slices.Clone(keys), 5, 6)...)
	s.change(func(state *billing.State) { state.Attempt = 1 }, keys[4], keys[6])
	return keys
}

func reportsBills(s *stage) {
	s.reportedBills()
	if bills := given(s.Reports.Count(s.ctx, november))(s).Bills; bills != (port.ReportedBills{Delivered: 2, NotDelivered: 2}) {
		s.Errorf("counted %+v", bills)
	}
}
