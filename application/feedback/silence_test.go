package feedback_test

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// What is stored of a provider that is to report moves its last report; nothing else does.
func TestWhoIsToReportIsSaidAndWhenItLastDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ports.Accounts = map[string]bool{"sms/twilio": true, "sms/nhn": true, "email/smtp": false}
	w.wire()
	began := float64(w.clock.Now().Unix())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.service.Run(ctx, nil); err != nil {
		t.Fatal(err)
	}
	last := func(account string) float64 {
		if all := w.metrics.Recorded(metric.ReportLast.Metric, account); len(all) > 0 {
			return all[len(all)-1]
		}
		return 0
	}
	for account, want := range map[string]float64{"sms/twilio": 1, "sms/nhn": 1, "email/smtp": 0} {
		if got := w.metrics.Recorded(metric.ReportsExpected.Metric, account); len(got) != 1 || got[0] != want {
			t.Errorf("reports of %s are expected as %v, want %g", account, got, want)
		}
	}
	w.clock.Advance(time.Hour)
	w.service.Observe(feedback.Request{Provider: "sms/twilio", Result: feedback.Stored, Reports: 1})
	w.service.Observe(feedback.Request{Provider: "sms/nhn", Result: feedback.Forged})
	w.service.Observe(feedback.Request{Provider: "sms/nhn", Result: feedback.Stored, Foreign: 3}) // of another installation alone
	w.service.Observe(feedback.Request{Provider: "email/smtp", Result: feedback.Stored, Reports: 1})
	if last("sms/twilio") != began+3600 || last("sms/nhn") != began || last("email/smtp") != 0 {
		t.Errorf("the last reports are of %g, %g and %g", last("sms/twilio"), last("sms/nhn"), last("email/smtp"))
	}
}

func TestRefusedRequestsAndStrayReportsAreCountedBesideAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, result := range []string{feedback.Stored, feedback.Forged, feedback.Unreadable, feedback.TooLarge, "busy", "failed", "foreign"} {
		w.service.Observe(feedback.Request{Provider: "sms/nhn", Result: result})
	}
	if n := w.metrics.Counted(metric.RequestsRefused.Metric, "sms/nhn"); n != 3 {
		t.Errorf("%d requests count as refused, want 3", n)
	}
	reports := append(w.said(2), report.Report{Key: key.Delivery{Month: november, UserID: 9}, Provider: "nhn", ID: "x", Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true})
	for range 2 {
		if err := w.service.Receive(t.Context(), reports); err != nil {
			t.Fatal(err)
		}
	}
	if n, stray := w.metrics.Counted(metric.ReportsReceived.Metric), w.metrics.Counted(metric.ReportsStray.Metric, string(port.StrayKey)); stray == 0 || n != 4+stray {
		t.Errorf("%d reports were received, %d of them stray", n, stray)
	}
}
