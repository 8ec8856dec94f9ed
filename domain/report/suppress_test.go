package report_test

import (
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

func TestWhatAReportKeepsBackFromNowOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		said  report.Report
		bill  policy.Scope // where the message was a bill; "": nothing
		other policy.Scope // where it was advertising
	}{
		"delivered":              {report.Report{Kind: report.Delivered, Definitive: true}, "", ""},
		"no such address":        {report.Report{Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true}, policy.ScopeAll, policy.ScopeAll},
		"no such address, maybe": {report.Report{Kind: report.Undelivered, Class: attempt.Permanent}, "", ""},
		"mailbox full":           {report.Report{Kind: report.Undelivered, Class: attempt.Temporary, Definitive: true}, "", ""},
		"about us":               {report.Report{Kind: report.Undelivered, Class: attempt.Provider, Definitive: true}, "", ""},
		"the content":            {report.Report{Kind: report.Undelivered, Class: attempt.Content, Definitive: true}, "", ""},
		"on the provider's list": {report.Report{Kind: report.Undelivered, Class: attempt.Suppressed, Definitive: true}, "", ""},
		"a complaint":            {report.Report{Kind: report.Complained}, policy.ScopeAll, policy.ScopeAdvertising},
		"an opt-out":             {report.Report{Kind: report.OptedOut}, policy.ScopeAll, policy.ScopeAdvertising},
	} {
		for class, want := range map[policy.MessageClass]policy.Scope{policy.Transactional: c.bill, policy.Advertising: c.other} {
			if c.said.Rejects() != (want != "") || want != "" && c.said.Suppresses(class) != want {
				t.Errorf("%s, %s: %t, %s; want %q", name, class, c.said.Rejects(), c.said.Suppresses(class), want)
			}
		}
	}
}
