package operate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

func TestAVerdictIsWrittenIntoTheLedgerFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Unknown)
	if _, err := w.operator.Verdict(t.Context(), w.key, true, by()); err != nil {
		t.Fatal(err)
	}
	if row := w.store.Rows(w.key)[0]; row.State != attempt.Succeeded || row.Reason != attempt.ReasonManual {
		t.Fatalf("the row is %s (%s)", row.State, row.Reason)
	}
	w.expect(t, billing.Succeeded, 0, 0)

	w = newWorld(t)
	w.seedNatural(billing.Unknown)
	target, err := w.operator.Verdict(t.Context(), w.key, false, by())
	if err != nil || target.Status() != billing.Failed {
		t.Fatalf("the target is %s: %v", target.Status(), err)
	}
	s := w.expect(t, billing.Failed, 1, 0)
	if row := w.store.Rows(w.key)[0]; row.State != attempt.Failed || row.Reason != attempt.ReasonManual || s.Step != 1 {
		t.Fatalf("the row is %s (%s), the next step %d", row.State, row.Reason, s.Step)
	}
}

func TestAVerdictThatCameTooLateIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Unknown)
	answer := attempt.Outcome{Key: w.store.Rows(w.key)[0].Key, State: attempt.Succeeded, FinishedAt: w.clock.Now()}
	if _, err := w.store.Ledger().Record(t.Context(), []attempt.Outcome{answer}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.operator.Verdict(t.Context(), w.key, false, by()); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("it came to %v", err)
	}
	w.expect(t, billing.Succeeded, 0, 0)
}

func TestSendAnywayWaitsForTheLeaseAndTheCallDeadline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since   time.Duration // since the lease ended
		allowed bool
	}{
		"the call may still be under way": {callDeadline - time.Second, false},
		"nothing can be under way":        {callDeadline, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.seed(billing.Unknown, func(_ *billing.State, row *attempt.Row) {
				row.State, row.Reason, row.LeaseUntil = attempt.Unknown, attempt.ReasonLease, w.clock.Now().Add(-c.since)
			})
			_, err := w.operator.SendAnyway(t.Context(), w.key, by())
			if !c.allowed {
				if !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "until") {
					t.Fatalf("it came to %v", err)
				}
				w.expect(t, billing.Unknown, 0, 0)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s := w.expect(t, billing.Ready, 1, 0); s.Step != 1 {
				t.Fatalf("the next step is %d", s.Step)
			}
		})
	}
}

func TestSendAnywayOnTheLastStepTakesItAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seed(billing.Unknown, func(s *billing.State, row *attempt.Row) {
		s.Step, s.Attempt = 2, 2
		row.State, row.LeaseUntil = attempt.Unknown, w.clock.Now().Add(-time.Hour)
	})
	if _, err := w.operator.SendAnyway(t.Context(), w.key, by()); err != nil {
		t.Fatal(err)
	}
	if s := w.expect(t, billing.Ready, 3, 0); s.Step != 2 {
		t.Fatalf("the next step is %d", s.Step)
	}
}
