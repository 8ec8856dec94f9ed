package porttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Audit runs the suite of port.Audit.
func Audit(t *testing.T, open OpenStorage) { Run(t, AuditChecks(), open) }

// AuditChecks are the promises of port.Audit, and those of every port that audits its acts.
func AuditChecks() []Check[Storage] {
	checks := []Check[Storage]{
		onStage("keeps what was done, to what, by whom, why and when", auditNotes),
		onStage("tells what was done to the subjects alone that are asked for", auditAbout),
		onStage("lists the acts that a filter chooses, newest first", auditList),
		onStage("audits nothing where an act changes nothing", auditNoChange),
		onStage("audits nothing of a transaction that is rolled back", auditRollback),
	}
	for _, act := range auditedActs() {
		checks = append(checks, onStage("commits act and entry together or not at all: "+string(act.name), func(s *stage) { auditAtomic(s, act) }))
	}
	return checks
}

func auditNotes(s *stage) {
	want := []port.AuditEntry{
		{Action: "cancel", Subject: "2026-11/7", By: port.Act{Actor: "kim", Reason: "the customer asked", At: noon}},
		{Action: "cancel", Subject: "2026-11/7", By: port.Act{Actor: "kim", Reason: "the customer asked", At: noon}},
		{Action: "halt", Subject: "dispatch", By: port.Act{Actor: "이", Reason: "금액 오류", At: noon.Add(-time.Hour), ApprovedBy: "박"}},
	}
	for _, n := range want {
		s.must(s.Audit.Record(s.ctx, n))
	}
	s.auditIs(want, "2026-11/7", "dispatch")
}

func (s *stage) auditIs(want []port.AuditEntry, subjects ...string) {
	s.Helper()
	got := given(s.Audit.About(s.ctx, subjects))(s)
	for i := range got {
		got[i].By.At = normal(got[i].By.At)
	}
	if !slices.Equal(got, want) {
		s.Errorf("audited about %q\n%+v, want\n%+v", subjects, got, want)
	}
}

func auditAbout(s *stage) {
	entry := func(subject string) port.AuditEntry {
		return port.AuditEntry{Action: "look at", Subject: subject, By: act}
	}
	for _, subject := range []string{"everything", "2026-11/7", "2026-11/77"} { // not in the order of the subjects
		s.must(s.Audit.Record(s.ctx, entry(subject)))
	}
	s.auditIs([]port.AuditEntry{entry("2026-11/7")}, "2026-11/7", "2026-11/8")
	s.auditIs([]port.AuditEntry{entry("everything"), entry("2026-11/7")}, "2026-11/7", "everything")
	s.auditIs(nil, "2026-12/7")
	s.auditIs(nil)
}

func auditList(s *stage) {
	var all []port.AuditRecord
	for i, e := range []port.AuditEntry{
		{Action: port.ActionCancel, Subject: "2026-11/7", By: act},
		{Action: port.ActionCancel, Subject: "2026-12/7", By: young},
		{Action: port.ActionImportNew.With("b.csv"), Subject: "2026-11", By: act},
		{Action: port.ActionCorrect, Subject: port.CustomerSubject(november, "C-1"), By: port.Act{Actor: "kim", Reason: "a test", At: noon, ApprovedBy: "lee"}},
		{Action: port.ActionHalt, Subject: port.SubjectEverything, By: young},
		{Action: "cancellation", Subject: "2026-110", By: act},
	} {
		s.must(s.Audit.Record(s.ctx, e))
		all = append(all, port.AuditRecord{ID: int64(i + 1), AuditEntry: e})
	}
	for name, filter := range map[string]port.AuditFilter{
		"all": {}, "a month's": {Month: november}, "a subject's": {Subjects: []string{"2026-12/7", "everything"}}, "an actor's": {Actor: "lee"},
		"an action": {Action: port.ActionCancel}, "an action with a detail": {Action: port.ActionImportNew}, "the new ones": {Since: noon.AddDate(0, 1, 0)}, "those of a moment on": {Since: young.At},
		"the old ones": {Until: noon.AddDate(0, 1, 0)}, "those before a moment": {Until: young.At}, "those of a time": {Since: noon, Until: young.At},
		"older ones": {Before: 3}, "none": {Actor: "%"}, "several fields": {Month: november, Action: port.ActionCancel, Actor: act.Actor},
	} {
		var want []port.AuditRecord
		for _, r := range slices.Backward(all) {
			if filter.Chooses(r) {
				want = append(want, r)
			}
		}
		got := given(s.Audit.List(s.ctx, filter, 100))(s)
		for i := range got {
			got[i].By.At = normal(got[i].By.At)
		}
		for i := range want {
			want[i].By.At = normal(want[i].By.At)
		}
		if !slices.Equal(got, want) {
			s.Errorf("%s:\n%+v, want\n%+v", name, got, want)
		}
	}
	if page := given(s.Audit.List(s.ctx, port.AuditFilter{Before: 5}, 2))(s); len(page) != 2 || page[0].ID != 4 {
		s.Errorf("the page is %+v", page)
	}
}

// auditedAct is an act of a port that audits it, as check brings it about.
type auditedAct struct {
	name    port.Action
	subject string         // of the entry
	prepare func(s *stage) // nil: nothing
	do      func(s *stage) error
}

// young is an act too young for any audit data of the suites to be dropped with it.
var young = port.Act{Actor: "lee", Reason: "it is time", At: (december + 2).Start(time.UTC)}

var smsOfOne = port.Contact{UserID: 1, Channel: channel.SMS}

func auditedActs() []auditedAct {
	draft := func(s *stage) { s.draft("monthly") }
	return []auditedAct{
		{port.ActionHalt, port.SubjectEverything, nil, func(s *stage) error { return s.Control.SetHalt(s.ctx, true, young) }},
		{
			port.ActionLiftHalt, port.SubjectEverything, func(s *stage) { s.must(s.Control.SetHalt(s.ctx, true, act)) },
			func(s *stage) error { return s.Control.SetHalt(s.ctx, false, young) },
		},
		{port.ActionHalt, "channel SMS", nil, func(s *stage) error { return s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, young) }},
		{
			port.ActionLiftHalt.With("until 40% are refused"), "channel SMS", func(s *stage) { s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, act)) },
			func(s *stage) error { return s.ChannelHalts.Set(s.ctx, channel.SMS, false, 40, young) },
		},
		{port.ActionCloseMonth, november.String(), nil, func(s *stage) error { return s.Months.Close(s.ctx, november, "", young) }},
		{
			port.ActionCloseMonth.With("2 PAUSED"), november.String(), nil, func(s *stage) error { return s.Months.Close(s.ctx, november, "2 PAUSED", young) },
		},
		{
			port.ActionReopenMonth, november.String(), func(s *stage) { s.must(s.Months.Close(s.ctx, november, "", act)) },
			func(s *stage) error { return s.Months.Reopen(s.ctx, november, young) },
		},
		{port.ActionSuppress, smsOfOne.Subject(), nil, func(s *stage) error {
			return s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{smsOfOne}, young)
		}},
		{
			port.ActionUnsuppress, smsOfOne.Subject(), func(s *stage) { s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{smsOfOne}, act)) },
			func(s *stage) error { return s.Suppressions.Lift(s.ctx, []port.Contact{smsOfOne}, young) },
		},
		{port.ActionDraftPolicy, "1 v2", draft, func(s *stage) error {
			_, err := s.Policies.Draft(s.ctx, spec("monthly"), young)
			return err
		}},
		{port.ActionActivatePolicy, "1 v1", draft, func(s *stage) error {
			return s.Policies.Activate(s.ctx, given(s.Policies.List(s.ctx))(s)[0].Version.Ref(), young)
		}},
		{
			port.ActionCorrect, port.CustomerSubject(november, customer(0)), func(s *stage) { s.rendered(november, 1) },
			func(s *stage) error { return s.Corrections.Correct(s.ctx, corrected(0), seal, takeCorrection, young) },
		},
		{port.ActionImportNew, november.String(), nil, func(s *stage) error {
			_, err := s.Imports.Begin(s.ctx, port.ImportRecord{Month: november, File: "bills.csv", By: young, StartedAt: noon},
				port.AuditEntry{Action: port.ActionImportNew.With("bills.csv"), Subject: november.String(), By: young})
			return err
		}},
		{port.ActionRenderOther, november.String(), nil, func(s *stage) error {
			_, err := s.TemplateSets.Add(s.ctx, november, templateSet(1, "words"),
				port.AuditEntry{Action: port.ActionRenderOther.With("words"), Subject: november.String(), By: young})
			return err
		}},
		{port.ActionDelivered, november.String() + "/verdict", func(s *stage) { s.unknown() }, giveVerdict},
		{
			port.ActionDropMonth, november.String(), func(s *stage) { s.must(s.Months.Close(s.ctx, november, "", act)) },
			func(s *stage) error { return s.Retention.Drop(s.ctx, november, young) },
		},
		{port.ActionDropAudit, "before " + december.String(), func(s *stage) {
			s.must(s.Months.Close(s.ctx, november, "", act))
			s.must(s.Retention.Drop(s.ctx, november, act))
		}, func(s *stage) error { return s.Retention.DropAudit(s.ctx, december, young) }},
	}
}

// unknown brings the first bill of november to UNKNOWN.
func (s *stage) unknown() key.Target {
	s.Helper()
	k := s.rendered(november, 1)[0]
	s.change(func(state *billing.State) { state.Dispatch, state.RequestedAt = billing.Unknown, noon }, k)
	s.bring(key.Delivery{Month: k.Month, UserID: k.UserID}, attempt.Unknown)
	return k
}

// giveVerdict makes the only bill of november SUCCEEDED, as an operator does.
func giveVerdict(s *stage) error {
	k := s.found(november, 0).Key
	return s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		locked, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		held, err := tx.Record(ctx, []attempt.Outcome{{Key: locked[0].Delivery(), State: attempt.Succeeded, Reason: attempt.ReasonManual, FinishedAt: noon, Verdict: true}})
		if err != nil {
			return err
		}
		rows, err := tx.Ledger(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		if len(held) != 1 || len(rows[k]) != 1 || rows[k][0].State != attempt.Succeeded {
			s.Errorf("held %v, and the transaction reads %+v: it must see its own verdict", held, rows[k])
		}
		return tx.Audit(ctx, port.AuditEntry{Action: port.ActionDelivered, Subject: november.String() + "/verdict", By: young})
	})
}

// kept is all that the audited acts change.
func (s *stage) kept() string {
	s.Helper()
	months := given(s.Months.All(s.ctx))(s)
	text := fmt.Sprint(given(s.Control.Halted(s.ctx))(s).On, port.HaltedChannels(given(s.ChannelHalts.All(s.ctx))(s)), given(s.Suppressions.Count(s.ctx))(s), len(given(s.Report.Imports(s.ctx, november))(s)), len(given(s.TemplateSets.Of(s.ctx, november))(s)), s.versions())
	for _, record := range given(s.Policies.List(s.ctx))(s) {
		text += fmt.Sprint(record.Version.Ref(), record.Version.Status())
	}
	for _, m := range months {
		text += fmt.Sprint(m.Month, m.Open, m.DroppedAt.IsZero())
	}
	if months[0].Month != november || !months[0].DroppedAt.IsZero() {
		return text
	}
	target, rows, err := s.Report.Find(s.ctx, november, customer(0))
	if err != nil {
		return text
	}
	state := target.State()
	text += fmt.Sprint(state.Batch, state.Dispatch, state.Round)
	for _, row := range rows {
		text += fmt.Sprint(row.Key, row.State)
	}
	return text
}

// young returns the entries about a subject of acts by young.
func (s *stage) byYoung(subject string) (found []port.AuditEntry) {
	s.Helper()
	for _, entry := range given(s.Audit.About(s.ctx, []string{subject}))(s) {
		if entry.By.Actor == young.Actor {
			found = append(found, entry)
		}
	}
	return found
}

func auditAtomic(s *stage, a auditedAct) {
	if a.prepare != nil {
		a.prepare(s)
	}
	before := s.kept()
	allow := s.RefuseAudit(s)
	if err := a.do(s); err == nil {
		s.Error("the entry was refused, and the act done all the same")
	}
	allow()
	if after := s.kept(); after != before {
		s.Errorf("the entry was refused, and the act changed\n%s to\n%s", before, after)
	}
	if entries := s.byYoung(a.subject); len(entries) != 0 {
		s.Errorf("audited though nothing was done: %+v", entries)
	}
	s.must(a.do(s))
	if after := s.kept(); after == before {
		s.Errorf("nothing was done: still\n%s", after)
	}
	entries := s.byYoung(a.subject)
	if len(entries) != 1 || entries[0].By.Reason != young.Reason || !entries[0].By.At.Equal(young.At) {
		s.Fatalf("audited about %s: %+v, want one entry of the act", a.subject, entries)
	}
	if action := entries[0].Action; action != a.name && !strings.HasPrefix(string(action), string(a.name.With(""))) {
		s.Errorf("audited about %s: %q, want %q", a.subject, action, a.name)
	}
}

func auditNoChange(s *stage) {
	s.must(s.Control.SetHalt(s.ctx, true, act))
	s.must(s.Months.Close(s.ctx, november, "", act))
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{smsOfOne}, act))
	s.must(s.Control.SetHalt(s.ctx, true, act)) // the same act again, as after a lost answer to COMMIT
	s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, act))
	s.must(s.ChannelHalts.Set(s.ctx, channel.SMS, true, 0, young))
	s.must(s.ChannelHalts.Set(s.ctx, channel.Email, false, 40, young)) // it was never halted
	s.must(s.Months.Close(s.ctx, november, "", young))
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{smsOfOne}, young))
	s.must(s.Suppressions.Lift(s.ctx, []port.Contact{{UserID: 2, Channel: channel.Email}}, young))
	s.must(s.Retention.DropAudit(s.ctx, november-12, young))
	s.must(s.Months.Reopen(s.ctx, december, young)) // it is open
	for _, subject := range []string{port.SubjectEverything, "channel SMS", november.String(), smsOfOne.Subject()} {
		if entries := given(s.Audit.About(s.ctx, []string{subject}))(s); len(entries) != 1 {
			s.Errorf("audited about %s: %+v, want the first act alone", subject, entries)
		}
	}
	other := port.Contact{UserID: 2, Channel: channel.Email}
	if entries := given(s.Audit.About(s.ctx, []string{other.Subject(), "before " + (november - 12).String(), december.String()}))(s); len(entries) != 0 {
		s.Errorf("audited though nothing was done: %+v", entries)
	}
}

var errRefused = errors.New("refused")

func auditRollback(s *stage) {
	k := s.unknown()
	before := s.kept()
	err := s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, []key.Target{k}); err != nil {
			return err
		}
		outcome := attempt.Outcome{Key: key.Delivery{Month: k.Month, UserID: k.UserID}, State: attempt.Succeeded, Reason: attempt.ReasonManual, FinishedAt: noon, Verdict: true}
		if _, err := tx.Record(ctx, []attempt.Outcome{outcome}); err != nil {
			return err
		}
		if err := tx.Audit(ctx, port.AuditEntry{Action: "verdict", Subject: k.String(), By: young}); err != nil {
			return err
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) || s.kept() != before {
		s.Errorf("%v, and the verdict left\n%s, want\n%s", err, s.kept(), before)
	}
	refuse := func(*billing.Target, *attempt.Row, func(attempt.Revocation) (bool, error)) error { return errRefused }
	if err := s.Corrections.Correct(s.ctx, corrected(0), seal, refuse, young); !errors.Is(err, errRefused) {
		s.Errorf("the refused correction: %v", err)
	}
	s.auditIs(nil, k.String(), port.CustomerSubject(november, customer(0)))
}
