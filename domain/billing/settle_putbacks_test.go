package billing_test

import (
	"math"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

func TestAPausedTargetStaysPausedWhileItsKeyAdvances(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for name, c := range map[string]struct {
		change         func(*attempt.Row)
		attempt, round int16
	}{
		"failed":   {func(r *attempt.Row) { r.State, r.Class = attempt.Failed, attempt.Temporary }, 1, 0},
		"hard":     {func(r *attempt.Row) { r.State, r.Class = attempt.Failed, attempt.Permanent }, 1, 0},
		"put back": {func(r *attempt.Row) { r.State, r.Reason = attempt.NotSent, attempt.ReasonWindow }, 0, 1},
		"resend":   {func(r *attempt.Row) { r.State, r.Facts.Unknown = attempt.Unknown, attempt.Resend }, 1, 0},
	} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Paused, Pause: billing.PauseOperator, Policy: v.Ref()})
		r := row(target, v, "")
		c.change(&r)
		settle(t, &target, []attempt.Row{r}, v)
		s := target.State()
		if s.Dispatch != billing.Paused || s.Pause != billing.PauseOperator || s.Attempt != c.attempt || s.Round != c.round {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// putBack settles one more put-back of the current key, among the rows of before, and returns the rows.
func putBack(t *testing.T, target *billing.Target, rows []attempt.Row, v policy.Version, class attempt.FailureClass, reason attempt.Reason) []attempt.Row {
	t.Helper()
	r := row(*target, v, attempt.NotSent)
	r.Class, r.Reason = class, reason
	rows = append(rows, r)
	settle(t, target, rows, v)
	return rows
}

func TestTooManyPutBacksPauseAndAResumeBeginsAnew(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil) // at most three rounds
	target := restored(t, billing.State{Key: user, Dispatch: billing.Requested, Policy: v.Ref()})
	var rows []attempt.Row
	for resumed := range 3 {
		for n := range 4 {
			if target.Status() == billing.Paused {
				t.Fatalf("after %d resumes, it pauses at put-back %d", resumed, n)
			}
			rows = putBack(t, &target, rows, v, "", attempt.ReasonNotCalled)
		}
		s := target.State()
		if s.Pause != billing.PauseRounds || s.Attempt != 0 {
			t.Fatalf("after four put-backs: %+v", s)
		}
		if settlement, _ := settle(t, &target, rows, v); settlement != billing.Unchanged {
			t.Fatalf("a second look: %s", settlement)
		}
		if err := target.Resume(&rows[len(rows)-1], monday); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPutBacksByTheProviderSpendNoRound(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil) // at most three rounds
	target := restored(t, billing.State{Key: user, Dispatch: billing.Requested, Policy: v.Ref()})
	var rows []attempt.Row
	for range 40 {
		rows = putBack(t, &target, rows, v, attempt.Throttled, attempt.ReasonThrottled)
		rows = putBack(t, &target, rows, v, attempt.Provider, attempt.ReasonProvider)
		rows = putBack(t, &target, rows, v, attempt.Provider, attempt.ReasonHeld)
	}
	if s := target.State(); s.Dispatch != billing.Ready || s.Attempt != 0 || s.Round != 120 || s.Step != 0 {
		t.Fatalf("after 120 put-backs that are about us: %+v", s)
	}
	for range 4 { // what is about us only in doubt, such as a request that this bill alone makes unreadable
		rows = putBack(t, &target, rows, v, attempt.Provider, attempt.ReasonRefused)
	}
	if s := target.State(); s.Pause != billing.PauseRounds {
		t.Fatalf("after four put-backs in doubt: %+v", s)
	}
}

func TestTheLastRoundThatAKeyCanNamePauses(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Dispatch: billing.Requested, Policy: v.Ref(), Round: math.MaxInt16 - 1})
	putBack(t, &target, nil, v, attempt.Throttled, attempt.ReasonThrottled)
	if s := target.State(); s.Pause != billing.PauseRounds || s.Round != math.MaxInt16-1 {
		t.Fatalf("got %+v", s)
	}
}
