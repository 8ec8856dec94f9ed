package tracetest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/leaktest"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/tracetest"
	"github.com/balsong/balsong/bootstrap/observe/otlp/otlptest"
)

var update = flag.Bool("update", false, "write docs/images/trace.svg anew")

// step is a span of a bill's trace: its name, who recorded it, and the name of its parent.
type step struct{ name, service, parent string }

// life is the trace of a bill that is sent at the first try.
var life = []step{
	{trace.Import, "balsong-batch", ""},
	{trace.Render, "balsong-batch", ""},
	{trace.Dispatch, "balsong-dispatcher", ""},
	{trace.SendRequest, "balsong-dispatcher", trace.Dispatch},
	{trace.ProcessRequest, "balsong-delivery", trace.SendRequest},
	{trace.Check, "balsong-delivery", trace.ProcessRequest},
	{trace.Prepare, "balsong-delivery", trace.ProcessRequest},
	{trace.Permit, "balsong-delivery", trace.ProcessRequest},
	{trace.Claim, "balsong-delivery", trace.ProcessRequest},
	{trace.Call, "balsong-delivery", trace.ProcessRequest},
	{trace.RecordOutcome, "balsong-delivery", trace.ProcessRequest},
	{trace.SendResult, "balsong-delivery", trace.ProcessRequest},
	{trace.ProcessResult, "balsong-settlement", trace.SendResult},
	{trace.Settle, "balsong-settlement", trace.ProcessResult},
}

// stepsOf lists the spans of a trace by their start.
func stepsOf(spans []otlptest.Span) (steps []step) {
	names := map[string]string{"": ""}
	for _, s := range spans {
		names[s.ID()] = s.GetName()
	}
	for _, s := range spans {
		parent, known := names[s.Parent()]
		if !known {
			parent = "not recorded"
		}
		steps = append(steps, step{s.GetName(), s.Service, parent})
	}
	return steps
}

func TestABillFromItsRowToItsSettlementIsOneTraceAcrossProcesses(t *testing.T) {
	w := newWorld(t, "1")
	const bills = 3
	rows, secrets := make([]string, bills), []string{}
	for n := range bills {
		rows[n] = w.row(n, fmt.Sprintf("CUST-%06d", 471100+n))
		secrets = append(secrets, fmt.Sprintf("Zorvath Quillan %d", n), fmt.Sprintf("quillan.%d@private.example", n), fmt.Sprintf("CUST-%06d", 471100+n))
	}
	w.sent(t, rows...)

	byTrace := map[string][]otlptest.Span{}
	ids := map[string]bool{}
	for _, s := range w.collector.Spans() {
		byTrace[s.Trace()] = append(byTrace[s.Trace()], s)
		if key := s.Trace() + s.ID(); ids[key] {
			t.Errorf("two spans have the id %s: %s", s.ID(), s.GetName())
		} else {
			ids[key] = true
		}
	}
	for n := range bills {
		var told struct {
			Trace string `json:"trace_id"`
		}
		must(t, json.Unmarshal([]byte(w.run(t, "why", w.month, fmt.Sprintf("CUST-%06d", 471100+n), "--output", "json")), &told))
		spans := byTrace[told.Trace]
		if got := stepsOf(spans); !slices.Equal(got, life) {
			t.Fatalf("the trace %q of bill %d has the spans\n%v\nwant\n%v", told.Trace, n, got, life)
		}
		delete(byTrace, told.Trace)
		checkSpans(t, spans)
		for _, s := range spans {
			for _, link := range s.GetLinks() {
				if page := byTrace[fmt.Sprintf("%x", link.GetTraceId())]; len(page) != 1 || page[0].Attribute("balsong.bills") == nil {
					t.Errorf("%s links to %d spans that count bills", s.GetName(), len(page))
				}
			}
		}
		if *update && n == 0 {
			must(t, os.WriteFile("../../../../docs/images/trace.svg", []byte(tracetest.Draw(spans)), 0o644))
		}
	}
	for _, spans := range byTrace { // what is left are pages
		if len(spans) != 1 || spans[0].Attribute("balsong.bills") == nil {
			t.Errorf("a trace of no bill has the spans %v", stepsOf(spans))
		}
	}
	searcher, err := leaktest.NewSearcher(secrets)
	must(t, err)
	if found := searcher.In(w.collector.Raw()); len(found) > 0 {
		t.Errorf("the spans show %q as %s", found[0].Secret, found[0].Form)
	}
	checkLogs(t, w.logs.Bytes())
}

// checkSpans looks at what the spans of a bill say.
func checkSpans(t *testing.T, spans []otlptest.Span) {
	t.Helper()
	for _, s := range spans {
		if s.Failed() || s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s failed, or ends before it starts", s.GetName())
		}
		want := map[string]any{}
		switch s.GetName() {
		case trace.Dispatch:
			want = map[string]any{"balsong.decision": "DISPATCH", "balsong.channel": "EMAIL", "balsong.attempt": int64(0), "balsong.run_id": int64(1)}
		case trace.ProcessRequest:
			want = map[string]any{
				"messaging.system": "kafka", "messaging.destination.name": "dispatch-requests.v1", "messaging.operation.type": "process",
				"balsong.outcome": "SUCCEEDED", "balsong.step": int64(0), "balsong.round": int64(0),
			}
		case trace.Call:
			want = map[string]any{"balsong.channel": "EMAIL"}
		case trace.ProcessResult:
			want = map[string]any{"balsong.outcome": "SUCCEEDED", "messaging.destination.name": "dispatch-results.v1"}
		}
		for name, value := range want {
			if s.Attribute(name) != value {
				t.Errorf("%s: %s is %v, want %v", s.GetName(), name, s.Attribute(name), value)
			}
		}
	}
}

func TestABillThatFailsIsRecordedThoughItIsNotSampled(t *testing.T) {
	w := newWorld(t, "0")
	w.sent(t, w.row(1, "CUST-000001"))
	for _, s := range w.collector.Spans() {
		if s.Attribute("balsong.bills") == nil {
			t.Errorf("of a bill that is sent and not sampled there is a span %s", s.GetName())
		}
	}
	w.refuses(t)
	w.month = w.monthAfter(t)
	w.sent(t, w.row(2, "CUST-000002"))
	byTrace := map[string][]otlptest.Span{}
	for _, s := range w.collector.Spans() {
		if s.Attribute("balsong.bills") == nil {
			byTrace[s.Trace()] = append(byTrace[s.Trace()], s)
		}
	}
	if len(byTrace) != 1 {
		t.Fatalf("there are %d traces of bills, want that of the one that failed", len(byTrace))
	}
	for _, spans := range byTrace {
		var names []string
		for _, s := range spans {
			names = append(names, s.GetName())
			if s.GetName() == trace.ProcessRequest && (!s.Failed() || s.Attribute("balsong.reason") != "refused" || s.Attribute("balsong.failure_class") != "permanent") {
				t.Errorf("the span of the delivery does not say what failed: %v", s)
			}
		}
		if want := []string{
			trace.ProcessRequest, trace.Check, trace.Prepare, trace.Permit, trace.Claim, trace.Call, trace.RecordOutcome, trace.SendResult, trace.ProcessResult, trace.Settle,
		}; !slices.Equal(names, want) {
			t.Errorf("it has the spans %v, want %v", names, want)
		}
	}
}
