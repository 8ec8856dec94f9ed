package settle_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// report stores what a provider says about an attempt; "" stands for DELIVERED, a class for a definitive UNDELIVERED.
func (w *world) report(t *testing.T, n int16, class attempt.FailureClass) {
	t.Helper()
	w.reportAbout(t, key.Delivery{Month: w.key.Month, UserID: w.key.UserID, Attempt: n}, class)
}

func (w *world) reportAbout(t *testing.T, k key.Delivery, class attempt.FailureClass) {
	t.Helper()
	r := report.Report{Key: k, Provider: "test", ID: "D", Kind: report.Delivered}
	if class != "" {
		r.ID, r.Kind, r.Class, r.Definitive = "U", report.Undelivered, class, true
	}
	stored, err := w.store.Reports().Store(t.Context(), []report.Report{r})
	if err != nil || len(stored.Known) != 1 {
		t.Fatalf("stored %+v: %v", stored, err)
	}
}

// m_replook: no event and no changed row tells of a report.
func TestTheReportSweepTakesAnAcceptanceBackAndTheNextAttemptGoesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	sweep := w.settler.ReportSweep()
	looks := func(want int) {
		t.Helper()
		if n, err := sweep(t.Context()); err != nil || n != want {
			t.Fatalf("the sweep changed %d: %v, want %d", n, err, want)
		}
	}
	w.dispatchOnce(t)
	w.deliver(t, w.topic[0], attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
	looks(0)
	w.report(t, 0, "")
	looks(0)
	w.report(t, 0, attempt.Permanent)
	looks(1)
	w.expect(t, billing.Failed, 1, 0)
	looks(0)
	w.clock.Advance(time.Second)
	w.dispatchOnce(t)
	if len(w.topic) != 2 || w.topic[1].Attempt != 1 || w.topic[1].Step != 2 {
		t.Fatalf("published %+v", w.topic)
	}
	w.deliver(t, w.topic[1], attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 1, 0)
	w.expectCalls(t, 2)
}

// m_plainrep: the report comes before the outcome is stored, and nobody looks again after that.
func TestAReportBeforeTheOutcomeIsNotPassedOverByThePlainStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.report(t, 0, attempt.Permanent)
	w.settle(t)
	w.expect(t, billing.Requested, 0, 0)
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Failed, 1, 0)
}

// A batch of plain successes about which providers said that they were delivered takes the one statement and no look; one among them that
// was not delivered takes a look.
func TestDeliveredBillsAreSettledInTheOneStatement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first attempt.FailureClass // of the report about the first bill; "": it is DELIVERED too
		looks int
	}{"all delivered": {"", 0}, "one not delivered": {attempt.Permanent, 1}, "one not delivered because of us": {attempt.Provider, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, attempt.Hold)
			keys := []key.Target{w.key}
			for user := range int64(20) {
				k := key.Target{Month: w.key.Month, UserID: w.key.UserID + 1 + user}
				w.seed(k)
				keys = append(keys, k)
			}
			w.dispatchOnce(t)
			for _, r := range w.topic {
				w.deliver(t, r, attempt.Succeeded)
				var class attempt.FailureClass
				if r.UserID == w.key.UserID {
					class = c.first
				}
				w.reportAbout(t, r.Delivery(), class)
			}
			looks := 0
			w.store.Fail(func(op string) error {
				if op == "targets.lock" {
					looks++
				}
				return nil
			})
			if n, err := w.settler.Settle(t.Context(), keys); err != nil || n != len(keys) {
				t.Fatalf("settled %d of %d: %v", n, len(keys), err)
			}
			if looks != c.looks {
				t.Errorf("%d looks with a lock, want %d", looks, c.looks)
			}
		})
	}
}

func TestAReportEndsAnUnknownTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.expireLeases(t)
	w.expect(t, billing.Unknown, 0, 0)
	w.report(t, 0, "")
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
}

// An operator sees what reports say, and what they take back of a cancelled bill is not sent.
func TestABillThatWasCancelledWhileItWasSentIsNotSentAgainByAReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.cancel(t)
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
	w.report(t, 0, attempt.Permanent)
	w.settle(t)
	w.expect(t, billing.Cancelled, 0, 0)
	w.uncancel(t)
	w.expect(t, billing.Failed, 1, 0)
}
