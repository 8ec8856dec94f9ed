package answer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// tried gives a customer's bill a ledger row of the SMS provider nhn in a state.
func (w *world) tried(customer string, state attempt.State) key.Delivery {
	w.Helper()
	found, err := answer.New(w.ports).Find(w.Context(), november, customer)
	w.must(err)
	token, k := attempt.Token{1}, found.Target.Delivery()
	_, err = w.store.Ledger().Claim(w.Context(), []attempt.Claim{{
		Key: k, Facts: attempt.Facts{Channel: channel.SMS, PolicyID: 1, PolicyVersion: 1, Unknown: attempt.Hold}, Token: token, Provider: "nhn", Lease: time.Second,
	}})
	w.must(err)
	_, err = w.store.Ledger().Record(w.Context(), []attempt.Outcome{{Key: k, Token: token, State: state, Provider: "nhn", Reason: attempt.ReasonNoAnswer, FinishedAt: w.clock.Now()}})
	w.must(err)
	return k
}

// said is a report of nhn.
func said(k key.Delivery, kind report.Kind) report.Report {
	r := report.Report{Key: k, Provider: "nhn", ID: string(kind) + k.String(), Kind: kind, Definitive: true}
	if kind == report.Undelivered {
		r.Class = attempt.Permanent
	}
	return r
}

func TestTheStatusSaysOfEachSucceededBillOnceWhatWasReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(5, billing.Succeeded)
	if m := w.status().Months[0]; m.Reports.Known() || m.Reports.NotReported != 5 {
		t.Errorf("before any report: %+v", m.Reports)
	}
	keys := make([]key.Delivery, 5)
	for i := range keys {
		keys[i] = w.tried(fmt.Sprint("C-", i), attempt.Succeeded)
	}
	stray := keys[0]
	stray.Round = 7
	_, err := w.store.Reports().Store(t.Context(), []report.Report{
		said(keys[0], report.Delivered), said(keys[1], report.Delivered), said(keys[1], report.Complained), said(keys[2], report.Undelivered), said(keys[3], report.Delivered),
		said(keys[3], report.Undelivered), said(stray, report.Delivered),
	})
	w.must(err)
	s := w.status()
	m := s.Months[0]
	if r := m.Reports; r.Delivered != 2 || r.NotDelivered != 2 || r.NotReported != 1 || r.Undelivered != 2 || r.Kinds[report.Complained] != 1 || r.KeptApart[port.StrayKey] != 1 || !r.LastAt.Equal(w.clock.Now()) {
		t.Errorf("reported: %+v", r)
	}
	if r := m.Reports; r.Delivered+r.NotDelivered+r.NotReported != m.Dispatch[billing.Succeeded] {
		t.Errorf("%+v are not the %d that are SUCCEEDED", r, m.Dispatch[billing.Succeeded])
	}
	if next := strings.Join(s.Next, " "); !strings.Contains(next, "2 bills were reported as not delivered, and the policy only notes that (`undelivered`), so they stay SUCCEEDED") {
		t.Errorf("nobody is told: %q", s.Next)
	}
}

func TestTheStatusTellsUnknownBillsThatAProviderIsAskedAboutFromThoseThatWaitForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(3, billing.Unknown)
	for i := range 2 {
		w.tried(fmt.Sprint("C-", i), attempt.Unknown)
	}
	lane := port.Lane{Channel: channel.SMS, Provider: "nhn"}
	if _, _, err := w.store.Inquiries().Enqueue(t.Context(), november, lane, 0, port.Span{}, key.Delivery{}, 10); err != nil {
		t.Fatal(err)
	}
	s := w.status()
	next := strings.Join(s.Next, "\n")
	if s.Months[0].Asking != 2 || !strings.Contains(next, "2 are UNKNOWN, and the provider is asked about them") || !strings.Contains(next, "1 is UNKNOWN: ask the gateway") {
		t.Errorf("asked about %d: %s", s.Months[0].Asking, next)
	}
}

func TestABillsStoryHasItsReportsAndInquiries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(2, billing.Unknown)
	k := w.tried("C-1", attempt.Unknown)
	lane := port.Lane{Channel: channel.SMS, Provider: "nhn"}
	inquiries := w.store.Inquiries()
	if _, _, err := inquiries.Enqueue(t.Context(), november, lane, 0, port.Span{}, key.Delivery{}, 10); err != nil {
		t.Fatal(err)
	}
	w.must(inquiries.Answer(t.Context(), []port.InquiryAnswer{{Key: k, Found: port.Finding{Found: port.FoundNothing}, Again: time.Minute}}))
	_, err := w.store.Reports().Store(t.Context(), []report.Report{said(k, report.Complained)})
	w.must(err)
	told, err := answer.New(w.ports).Why(t.Context(), november, "C-1")
	w.must(err)
	text := ""
	for _, line := range told.Lines {
		text += line.Text + "\n"
	}
	if !strings.Contains(text, "nhn was asked once what became of it") || !strings.Contains(text, "that the customer called it abuse") {
		t.Errorf("it says\n%s", text)
	}
}

// routed makes a policy of the one channel SMS ACTIVE.
func (w *world) routed(undelivered policy.Undelivered) {
	w.Helper()
	lee := port.Act{Actor: "lee", Reason: "first", At: w.clock.Now()}
	version, err := w.store.Policies().Draft(w.Context(), policy.Spec{
		Name: "monthly", Zone: time.UTC, Route: policy.Route{{Channel: channel.SMS, Tries: 1}}, Undelivered: map[channel.Kind]policy.Undelivered{channel.SMS: undelivered},
	}, lee)
	w.must(err)
	w.must(w.store.Policies().Activate(w.Context(), version.Ref(), lee))
}

// A bill that the policy lets stay SUCCEEDED although its message did not arrive has reached nobody; where the policy lets the route
// continue, settlement takes it back.
func TestTheExportOfTheUnreachedHasTheBillsThatAreOnlyNotedAsNotDelivered(t *testing.T) {
	t.Parallel()
	for undelivered, want := range map[policy.Undelivered]struct{ ended, everything answer.UnreachedSummary }{
		policy.UndeliveredNote: {answer.UnreachedSummary{Written: 1, Noted: 1}, answer.UnreachedSummary{Written: 1, Noted: 1}},
		policy.UndeliveredNext: {answer.UnreachedSummary{}, answer.UnreachedSummary{Written: 1, OnTheWay: 1}},
	} {
		w := newWorld(t)
		w.routed(undelivered)
		w.bills(3, billing.Succeeded)
		r := said(w.tried("C-1", attempt.Succeeded), report.Undelivered)
		r.Detail = "nobody has this number"
		_, err := w.store.Reports().Store(t.Context(), []report.Report{r, said(w.tried("C-2", attempt.Succeeded), report.Delivered)})
		w.must(err)
		for onTheWay, want := range map[bool]answer.UnreachedSummary{false: want.ended, true: want.everything} {
			var file strings.Builder
			s, err := answer.New(w.ports).Unreached(t.Context(), november, &file, answer.UnreachedOptions{OnTheWay: onTheWay})
			w.must(err)
			if s.Written != want.Written || s.Noted != want.Noted || s.OnTheWay != want.OnTheWay {
				t.Errorf("%s, with those on the way %v: %+v, want %+v", undelivered, onTheWay, s, want)
			}
			words := ",SUCCEEDED,on the way: reported as not delivered,SMS,nhn,nobody has this number,"
			if undelivered == policy.UndeliveredNote {
				words = `,SUCCEEDED,accepted and reported as not delivered: permanent; the policy only notes that,SMS,nhn,nobody has this number,`
			}
			if want.Written > 0 && !strings.Contains(file.String(), words) {
				t.Errorf("%s: the file is\n%s", undelivered, file.String())
			}
		}
	}
}

// A try that was accepted and not delivered is listed by the vendor's report, not by the acceptance.
func TestTheExportOfTheUnreachedHasTheWordsOfTheReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.routed(policy.UndeliveredNext)
	w.bills(2, billing.Exhausted)
	k := w.tried("C-1", attempt.Succeeded)
	r := said(k, report.Undelivered)
	r.Detail = "nobody has this number"
	_, err := w.store.Reports().Store(t.Context(), []report.Report{r})
	w.must(err)
	var file strings.Builder
	_, err = answer.New(w.ports).Unreached(t.Context(), november, &file, answer.UnreachedOptions{})
	w.must(err)
	if !strings.Contains(file.String(), ",EXHAUSTED,accepted and reported as not delivered: permanent,SMS,nhn,nobody has this number,") || !strings.Contains(file.String(), ",EXHAUSTED,no step of the route is left,") {
		t.Errorf("the file is\n%s", file.String())
	}
}
