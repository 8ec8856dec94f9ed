package porttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// Reports runs the suite of port.Reports.
func Reports(t *testing.T, open OpenStorage) { Run(t, ReportsChecks(), open) }

// ReportsChecks are the promises of port.Reports, and of what reads reports beside it.
func ReportsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("stores a report once, however often and by however many it is stored", reportsOnce),
		onStage("keeps all that a report says, and the transaction of settling reads the same", reportsKept),
		onStage("tells of which delivery a report is, in the order in which reports came", reportsKnown),
		onStage("keeps apart what is about no known delivery, with the reason", reportsStray),
		onStage("puts on the suppression list whom a new report rejects, once, for the messages of its class", reportsSuppress),
		onStage("suppresses by a batch of reports as by one after the other", reportsSuppressBatch),
		onStage("keeps a rejecting report about a delivery whose channel is not known, and puts nobody on the list", reportsNoChannel),
		onStage("keeps no report whose entry on the suppression list cannot be kept", reportsSuppressWhole),
		onStage("keeps none where one of them cannot be kept", reportsInvalid),
		onStage("never changes the ledger", reportsLedger),
		onStage("marks the target as changed: the sweep finds it", reportsSwept),
		onStage("pages through reported targets by user id, losing none", reportsPages),
		onStage("walks the reports of a month", reportsWalked),
		onStage("plain successes leave out the keys that a report may take back, and no others", reportsPlain),
		onStage("counts a month's reports by kind", reportsCount),
		onStage("counts the SUCCEEDED bills that were reported, each once", reportsBills),
		onStage("goes with its month", reportsDropped),
		onStage("keeps WRITTEN_OFF as the pending end of what turned out to be accepted", reportsPendingEnd),
	}
}

// said is a definitive UNDELIVERED of the provider that the stage's claims name; change may alter it.
func said(k key.Delivery, change ...func(*report.Report)) report.Report {
	r := report.Report{Key: k, Provider: "sms-1", ID: "id-" + k.String(), Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true, SaidAt: noon}
	for _, c := range change {
		c(&r)
	}
	return r
}

func deliveredKind(r *report.Report) {
	r.Kind, r.Class, r.Definitive, r.ID = report.Delivered, "", false, r.ID+"-d"
}

func (s *stage) report(reports ...report.Report) port.StoredReports {
	s.Helper()
	return given(s.Reports.Store(s.ctx, reports))(s)
}

func (s *stage) about(keys ...key.Target) []report.Report {
	s.Helper()
	return given(s.Reports.About(s.ctx, keys))(s)
}

// accepted are targets whose attempt 0 is REQUESTED and SUCCEEDED in the ledger.
func (s *stage) accepted(n int) []key.Target {
	s.Helper()
	keys := s.rendered(november, n)
	s.requested(keys...)
	for _, k := range keys {
		s.bring(delivery(k, 0, 0), attempt.Succeeded)
	}
	return keys
}

func reportsOnce(s *stage) {
	k := s.accepted(1)[0]
	r := said(delivery(k, 0, 0))
	if stored := s.report(r, r); len(stored.Known) != 2 || !stored.Known[0].New || stored.Known[1].New {
		s.Errorf("of two alike: %+v", stored.Known)
	}
	later := r
	later.Detail = "said again in other words"
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				stored, err := s.Reports.Store(s.ctx, []report.Report{later, said(delivery(k, 0, 0), func(r *report.Report) { r.ID = "other" })})
				if err != nil || stored.Known[0].New {
					s.Errorf("stored again: %+v, %v", stored, err)
				}
			}
		})
	}
	all.Wait()
	about := s.about(k)
	if len(about) != 2 || about[0].ID != r.ID || about[0].Detail != "" || about[1].ID != "other" {
		s.Errorf("kept: %+v", about)
	}
}

func reportsKept(s *stage) {
	k := s.accepted(1)[0]
	whole := said(delivery(k, 0, 0), func(r *report.Report) {
		r.MessageID, r.Code, r.Detail = "m-1", "5.1.1", `no "such" user \ {here}, NULL, 없음`
	})
	before := s.now()
	s.report(said(delivery(k, 0, 0), deliveredKind, func(r *report.Report) { r.SaidAt = time.Time{} }), whole)
	about := s.about(k, k)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, []key.Target{k}); err != nil {
			return err
		}
		read, err := tx.Reports(ctx, []key.Target{k, {Month: december + 1, UserID: 1}})
		if fmt.Sprint(read[k]) != fmt.Sprint(about) || len(read) != 1 {
			s.Errorf("the transaction reads\n%+v, want\n%+v", read, about)
		}
		return err
	}))
	if len(about) != 2 {
		s.Fatalf("kept: %+v", about)
	}
	for _, r := range about {
		if r.StoredAt.Before(normal(before)) {
			s.Errorf("stored at %s, before %s", r.StoredAt, before)
		}
		r.StoredAt = time.Time{}
		want := said(delivery(k, 0, 0), deliveredKind, func(r *report.Report) { r.SaidAt = time.Time{} })
		if r.Kind == report.Undelivered {
			want = whole
		}
		r.SaidAt, want.SaidAt = normal(r.SaidAt), normal(want.SaidAt)
		if r != want {
			s.Errorf("kept\n%+v, want\n%+v", r, want)
		}
	}
}

func reportsKnown(s *stage) {
	keys := s.accepted(2)
	stored := s.report(said(delivery(keys[1], 0, 0)), said(delivery(keys[0], 0, 0)))
	if len(stored.Known) != 2 || stored.Known[0].Key.Target() != keys[1] || stored.Known[1].Key.Target() != keys[0] {
		s.Fatalf("known: %+v", stored.Known)
	}
	for _, known := range stored.Known {
		if f := facts(); known.Channel != f.Channel || known.Policy != (policy.Ref{ID: f.PolicyID, Version: f.PolicyVersion}) {
			s.Errorf("the delivery is %+v", known)
		}
	}
}

func reportsStray(s *stage) {
	k := s.accepted(1)[0]
	other := key.Delivery{Month: december, UserID: 4711}
	s.bring(other, attempt.Succeeded)
	s.must(s.Months.Close(s.ctx, december, "", act))
	stored := s.report(
		said(delivery(k, 0, 1)), said(key.Delivery{Month: december + 1, UserID: 1}), said(other),
		said(delivery(k, 0, 0), func(r *report.Report) { r.Provider = "another" }), said(delivery(k, 0, 0)))
	want := map[port.Stray]int{port.StrayKey: 2, port.StrayMonth: 1, port.StrayProvider: 1}
	if fmt.Sprint(stored.Stray) != fmt.Sprint(want) || len(stored.Known) != 1 {
		s.Errorf("stray: %v, want %v; known: %+v", stored.Stray, want, stored.Known)
	}
	if about := s.about(k); len(about) != 1 {
		s.Errorf("kept: %+v", about)
	}
}

// entries are those of the suppression list about the customers of some targets.
func (s *stage) entries(keys ...key.Target) (entries []port.Suppression) {
	s.Helper()
	for _, k := range keys {
		for _, entry := range given(s.Suppressions.List(s.ctx, port.OfCustomer(key.CustomerID(k.UserID))))(s) {
			entry.Since = time.Time{}
			entries = append(entries, entry)
		}
	}
	return entries
}

func reportsSuppress(s *stage) {
	keys := s.accepted(4)
	ads := spec("ads")
	ads.Class, ads.QuietChannels = policy.Advertising, channel.NewSet(channel.All...)
	version := given(s.Policies.Draft(s.ctx, ads, act))(s).Ref()
	advertised := delivery(keys[1], 1, 0)
	claimed := claim(advertised, token(1))
	claimed.Facts.PolicyID, claimed.Facts.PolicyVersion = version.ID, version.Version
	given(s.Ledger.Claim(s.ctx, []attempt.Claim{claimed}))(s)
	copied := keys[3].Copy(2)
	s.bring(delivery(copied, 0, 0), attempt.Succeeded)

	complaint := func(k key.Delivery) report.Report {
		return said(k, func(r *report.Report) { r.Kind, r.Class, r.Definitive = report.Complained, "", false })
	}
	bounced := said(delivery(keys[0], 0, 0), func(r *report.Report) { r.Code = "5.1.1" })
	stored := s.report(
		said(delivery(copied, 0, 0)), complaint(advertised), bounced, bounced,
		said(delivery(keys[2], 0, 0), func(r *report.Report) { r.Class = attempt.Temporary }))
	contact := func(k key.Target) port.Contact { return port.Contact{UserID: k.UserID, Channel: channel.SMS} }
	want := []port.Suppression{
		{Contact: contact(keys[0]), Scope: policy.ScopeAll, Reason: "UNDELIVERED (permanent) 5.1.1 about " + bounced.Key.String()},
		{Contact: contact(keys[1]), Scope: policy.ScopeAdvertising, Reason: "COMPLAINED about " + advertised.String()},
		{Contact: contact(keys[3]), Scope: policy.ScopeAll, Reason: "UNDELIVERED (permanent) about " + delivery(copied, 0, 0).String()},
	}
	if entries := s.entries(keys...); fmt.Sprint(entries) != fmt.Sprint(want) || stored.Suppressed != 3 {
		s.Errorf("on the list (%d new):\n%+v, want\n%+v", stored.Suppressed, entries, want)
	}
	acts := given(s.Audit.About(s.ctx, []string{contact(keys[0]).Subject(), contact(keys[1]).Subject()}))(s)
	if len(acts) != 2 || acts[0].By.Actor != "provider sms-1" || acts[0].By.Reason == "" {
		s.Errorf("audited: %+v", acts)
	}

	s.must(s.Suppressions.Lift(s.ctx, []port.Contact{contact(keys[0])}, act))
	if stored := s.report(bounced, complaint(delivery(keys[1], 0, 0))); stored.Suppressed != 1 {
		s.Errorf("said again, and about a bill: %d new", stored.Suppressed)
	}
	if entries := s.entries(keys[:2]...); len(entries) != 1 || entries[0].Scope != policy.ScopeAll {
		s.Errorf("after a lift: %+v", entries)
	}
}

func reportsSuppressWhole(s *stage) {
	k := s.accepted(1)[0]
	allow := s.RefuseAudit(s)
	if _, err := s.Reports.Store(s.ctx, []report.Report{said(delivery(k, 0, 0))}); err == nil {
		s.Error("stored without an audit entry")
	}
	allow()
	if about := s.about(k); len(about) != 0 || len(s.entries(k)) != 0 {
		s.Errorf("kept %+v, and on the list %+v", about, s.entries(k))
	}
	if stored := s.report(said(delivery(k, 0, 0))); !stored.Known[0].New || stored.Suppressed != 1 {
		s.Errorf("said again: %+v", stored)
	}
}

func reportsInvalid(s *stage) {
	k := s.accepted(1)[0]
	for name, bad := range map[string][]report.Report{
		"one that cannot be kept": {said(delivery(k, 0, 0)), said(delivery(k, 0, 0), func(r *report.Report) { r.ID = strings.Repeat("x", report.MaxID+1) })},
		"too many":                make([]report.Report, port.MaxReports+1),
	} {
		if _, err := s.Reports.Store(s.ctx, bad); !errors.Is(err, port.ErrInvalid) {
			s.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if about := s.about(k); len(about) != 0 {
		s.Errorf("kept: %+v", about)
	}
	if stored := s.report(); len(stored.Known) != 0 {
		s.Errorf("of none: %+v", stored)
	}
}

func reportsLedger(s *stage) {
	k := s.accepted(1)[0]
	before := s.row(delivery(k, 0, 0))
	s.report(said(delivery(k, 0, 0)))
	if after := s.row(delivery(k, 0, 0)); after != before {
		s.Errorf("the row was\n%+v, and is\n%+v", before, after)
	}
}

func (s *stage) reported(since time.Time, after int64, limit int) []key.Target {
	s.Helper()
	return s.swept(s.Sweeps.Reported, november, port.Span{Since: since}, after, limit)
}

func reportsSwept(s *stage) {
	keys := s.accepted(5)
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys...)
	s.change(func(state *billing.State) { state.Dispatch = billing.Unknown }, keys[3])
	keysAre(s, "before a report", s.reported(time.Time{}, 0, 10))
	since := s.now()
	s.report(
		said(delivery(keys[0], 0, 0)),                // takes back
		said(delivery(keys[1], 0, 0), deliveredKind), // of what is SUCCEEDED: nothing can change
		said(delivery(keys[2], 0, 0), func(r *report.Report) { r.Definitive = false }),
		said(delivery(keys[3], 0, 0), deliveredKind),
		said(delivery(keys[4], 0, 0), func(r *report.Report) { r.Kind, r.Class = report.Complained, "" }))
	keysAre(s, "reported", s.reported(time.Time{}, 0, 10), keys[0], keys[3])
	keysAre(s, "reported since", s.reported(since, 0, 10), keys[0], keys[3])
	s.Elapse(s, 5*time.Millisecond)
	keysAre(s, "reported later", s.reported(s.now(), 0, 10))
	keysAre(s, "until before", s.swept(s.Sweeps.Reported, november, port.Span{Until: since.Add(-time.Hour)}, 0, 10))
	keysAre(s, "of another month", s.swept(s.Sweeps.Reported, december, port.Span{}, 0, 10))
	keysAre(s, "of one that was never opened", s.swept(s.Sweeps.Reported, december+1, port.Span{}, 0, 10))
}

func reportsPages(s *stage) {
	keys := s.accepted(5)
	for _, k := range keys {
		s.report(said(delivery(k, 0, 0)), said(delivery(k, 0, 0), deliveredKind))
	}
	ever := time.Unix(1, 0)
	keysAre(s, "the first page", s.reported(ever, 0, 2), keys[:2]...)
	keysAre(s, "the second page", s.reported(ever, keys[1].UserID, 2), keys[2:4]...)
	keysAre(s, "the last page", s.reported(ever, keys[3].UserID, 2), keys[4])
}

func reportsWalked(s *stage) {
	keys := s.accepted(6)
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[:4]...)
	for i := range 5 { // more than a page takes are about one target
		s.report(said(delivery(keys[0], 0, 0), deliveredKind, func(r *report.Report) { r.ID = fmt.Sprint("again ", i) }))
	}
	s.report(said(delivery(keys[0], 0, 0)), said(delivery(keys[1], 0, 0), deliveredKind), said(delivery(keys[2], 0, 0)), said(delivery(keys[4], 0, 0), deliveredKind))
	keysAre(s, "a walk", s.walked(s.Sweeps.Reported, november), keys[0], keys[2], keys[4])
}

func reportsPlain(s *stage) {
	keys := s.accepted(7)
	of := func(i int) key.Delivery { return delivery(keys[i], 0, 0) }
	notFinal := func(r *report.Report) { r.Definitive = false }
	kind := func(k report.Kind) func(*report.Report) {
		return func(r *report.Report) { r.Kind, r.Class, r.ID = k, "", string(k) }
	}
	s.report(
		said(of(0)),
		said(of(1), func(r *report.Report) { r.Class = attempt.Provider }),
		said(of(2)), said(of(2), deliveredKind), // a contradiction
		said(of(3), deliveredKind),
		said(of(4), notFinal), said(of(4), kind(report.Complained)), said(of(4), kind(report.OptedOut)),
		said(of(5), notFinal), said(of(5), deliveredKind, func(r *report.Report) { r.Definitive = true }))
	keysAre(s, "made SUCCEEDED", s.succeed(keys...), keys[3:]...)
	for _, k := range keys[:3] {
		if state := s.state(k); state.Dispatch != billing.Requested {
			s.Errorf("%s is %s", k, state.Dispatch)
		}
	}
}

func reportsCount(s *stage) {
	keys := s.accepted(3)
	empty := given(s.Reports.Count(s.ctx, november))(s)
	if len(empty.Kinds) != 0 || !empty.LastAt.IsZero() {
		s.Errorf("of none: %+v", empty)
	}
	s.report(
		said(delivery(keys[0], 0, 0)), said(delivery(keys[0], 0, 0), func(r *report.Report) { r.ID = "again" }),
		said(delivery(keys[1], 0, 0), func(r *report.Report) { r.Definitive = false }),
		said(delivery(keys[2], 0, 0), deliveredKind))
	counts := given(s.Reports.Count(s.ctx, november))(s)
	if counts.Kinds[report.Undelivered] != 3 || counts.Kinds[report.Delivered] != 1 || counts.Undelivered != 1 || counts.LastAt.IsZero() {
		s.Errorf("counted %+v", counts)
	}
	if other := given(s.Reports.Count(s.ctx, december+1))(s); len(other.Kinds) != 0 {
		s.Errorf("of a month that was never opened: %+v", other)
	}
	s.report(said(delivery(keys[0], 0, 1)), said(delivery(keys[0], 0, 0), func(r *report.Report) { r.Provider, r.ID = "another", "x" }))
	if strays := given(s.Reports.Count(s.ctx, november))(s).Strays; fmt.Sprint(strays) != fmt.Sprint(map[port.Stray]int{port.StrayKey: 1, port.StrayProvider: 1}) {
		s.Errorf("kept apart: %v", strays)
	}
}

func reportsDropped(s *stage) {
	k := s.accepted(1)[0]
	s.report(said(delivery(k, 0, 0)))
	s.must(s.Months.Close(s.ctx, november, "", act))
	s.must(s.Retention.Drop(s.ctx, november, act))
	about, err := s.Reports.About(s.ctx, []key.Target{k})
	if errors.Is(err, port.ErrConflict) { // it had the month in mind
		about, err = s.Reports.About(s.ctx, []key.Target{k})
	}
	if err != nil || len(about) != 0 {
		s.Errorf("kept: %+v, %v", about, err)
	}
	if stored := s.report(said(delivery(k, 0, 0))); stored.Stray[port.StrayMonth] != 1 {
		s.Errorf("a report about a month that is gone: %+v", stored)
	}
}

func reportsPendingEnd(s *stage) {
	k := s.accepted(1)[0]
	s.change(func(state *billing.State) { state.Dispatch, state.PendingEnd = billing.Succeeded, billing.WrittenOff }, k)
	if state := s.state(k); state.PendingEnd != billing.WrittenOff {
		s.Errorf("the pending end is %q", state.PendingEnd)
	}
}
