package feedback_test

import (
	"context"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// countReportsOf makes the provider one that reports deliveries as well as failures.
func (w *world) countReportsOf(provider string) {
	w.ports.ReportDeliveries = []string{provider}
	w.wire()
}

// halted reports whether SMS is halted, and why.
func (w *world) halted() (bool, string) {
	w.Helper()
	all, err := w.store.ChannelHalts().All(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, h := range all {
		if h.Channel == channel.SMS {
			return h.On, h.Reason
		}
	}
	return false, ""
}

func TestAFifthOfTheFinalReportsHaltsTheChannelWithTheEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.countReportsOf("nhn")
	reports := w.said(400)
	for i := range reports {
		if i < 250 {
			reports[i].Kind, reports[i].Class = report.Delivered, ""
		} else {
			reports[i].Code, reports[i].Detail = "3001", "unknown number"
		}
	}
	for range 3 { // repetitions count for nothing
		if err := w.service.Receive(t.Context(), reports[:350]); err != nil {
			t.Fatal(err)
		}
	}
	if on, _ := w.halted(); on {
		t.Fatal("100 of 350 halt it")
	}
	if err := w.service.Receive(t.Context(), reports[350:]); err != nil {
		t.Fatal(err)
	}
	on, reason := w.halted()
	if !on || !strings.HasPrefix(reason, `101 of the last 351 final reports say that it was not delivered: nhn 101 of 351; most often "3001 unknown number" (101)`) {
		t.Errorf("halted: %v, %s", on, reason)
	}
}

func TestOnlyFinalReportsOfProvidersThatReportDeliveriesCount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change     func(r *report.Report)
		deliveries string // the provider that reports them too
		halts      bool
	}{
		"for good":              {func(*report.Report) {}, "nhn", true},
		"about us":              {func(r *report.Report) { r.Class = attempt.Provider }, "nhn", true},
		"throttled":             {func(r *report.Report) { r.Class = attempt.Throttled }, "nhn", true},
		"for now":               {func(r *report.Report) { r.Class = attempt.Temporary }, "nhn", false},
		"for its content":       {func(r *report.Report) { r.Class = attempt.Content }, "nhn", false},
		"suppressed":            {func(r *report.Report) { r.Class = attempt.Suppressed }, "nhn", false},
		"not final":             {func(r *report.Report) { r.Definitive = false }, "nhn", false},
		"delivered":             {func(r *report.Report) { r.Kind, r.Class = report.Delivered, "" }, "nhn", false},
		"called abuse":          {func(r *report.Report) { r.Kind, r.Class = report.Complained, "" }, "nhn", false},
		"reports only failures": {func(*report.Report) {}, "other", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			reports := w.said(150)
			w.countReportsOf(c.deliveries)
			for i := range reports {
				c.change(&reports[i])
			}
			if err := w.service.Receive(t.Context(), reports); err != nil {
				t.Fatal(err)
			}
			if on, reason := w.halted(); on != c.halts {
				t.Errorf("halted: %v (%s), want %v", on, reason, c.halts)
			}
		})
	}
}

// An account of Amazon SES may publish bounces only: they are 100% of what it reports, and say nothing about the share.
func TestReportsOfAProviderThatMayReportOnlyFailuresCountOnceItHasReportedADelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ports.ChooseReports = []string{"nhn"}
	w.wire()
	reports := w.said(402)
	for range 2 { // what was counted before is not
		if err := w.service.Receive(t.Context(), reports[:300]); err != nil {
			t.Fatal(err)
		}
		if on, reason := w.halted(); on {
			t.Fatalf("bounces alone halt it: %s", reason)
		}
	}
	reports[300].Kind, reports[300].Class = report.Delivered, ""
	if err := w.service.Receive(t.Context(), reports[300:401]); err != nil {
		t.Fatal(err)
	}
	if on, reason := w.halted(); on {
		t.Fatalf("100 halt it: %s", reason)
	}
	if err := w.service.Receive(t.Context(), reports[401:]); err != nil {
		t.Fatal(err)
	}
	if on, reason := w.halted(); !on || !strings.HasPrefix(reason, "101 of the last 102 final reports") {
		t.Errorf("halted: %v, %s", on, reason)
	}
}

func TestReportsAboutDeliveriesOfNoKnownChannelHaltNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.countReportsOf("nhn")
	var reports []report.Report
	err := w.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		for user := int64(1); user <= 150; user++ {
			about := key.Delivery{Month: november, UserID: user}
			reports = append(reports, report.Report{Key: about, Provider: "nhn", ID: about.String(), Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true})
			lost := attempt.Recovery{Key: about, State: attempt.Unknown, Reason: attempt.ReasonRestored, FinishedAt: w.clock.Now()}
			if _, err := tx.Recover(ctx, []attempt.Recovery{lost}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.Receive(t.Context(), reports); err != nil {
		t.Fatal(err)
	}
	w.counts("new 150 repeated 0 stray 0 invalid 0 suppressed 0")
	if all, err := w.store.ChannelHalts().All(t.Context()); err != nil || len(all) != 0 || len(w.log.Lines()) != 0 {
		t.Errorf("halted: %+v, %v; logged %+v", all, err, w.log.Lines())
	}
}
