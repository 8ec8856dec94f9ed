package report_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

func TestAReportThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	d, err := key.ParseDelivery("2026-11/4711/0/0")
	if err != nil {
		t.Fatal(err)
	}
	valid := report.Report{Key: d, Provider: "twilio", ID: "SM1", Kind: report.Undelivered, Class: attempt.Permanent}
	if err := valid.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*report.Report){
		"no key":            func(r *report.Report) { r.Key = key.Delivery{} },
		"no provider":       func(r *report.Report) { r.Provider = "" },
		"no id":             func(r *report.Report) { r.ID = "" },
		"a long id":         func(r *report.Report) { r.ID = strings.Repeat("x", report.MaxID+1) },
		"a long detail":     func(r *report.Report) { r.Detail = strings.Repeat("x", report.MaxDetail+1) },
		"a long provider":   func(r *report.Report) { r.Provider = strings.Repeat("x", report.MaxName+1) },
		"a long message id": func(r *report.Report) { r.MessageID = strings.Repeat("x", report.MaxName+1) },
		"a long code":       func(r *report.Report) { r.Code = strings.Repeat("x", report.MaxName+1) },
		"a zero byte":       func(r *report.Report) { r.ID = "a\x00b" },
		"not UTF-8":         func(r *report.Report) { r.Detail = "\xff" },
		"no kind":           func(r *report.Report) { r.Kind = "" },
		"no class":          func(r *report.Report) { r.Class = "" },
		"another class":     func(r *report.Report) { r.Class = "guess" },
		"a class of no use": func(r *report.Report) { r.Kind = report.Delivered },
	} {
		r := valid
		change(&r)
		if err := r.Validate(); !errors.Is(err, report.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
