package billing_test

import (
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

// m_ournext, m_ouracc, m_oursame: what is about us moves nobody to the next channel.
func TestWhatIsUndeliveredBecauseOfUsGoesOutAgainOnTheSameChannel(t *testing.T) {
	t.Parallel()
	for _, class := range []attempt.FailureClass{attempt.Provider, attempt.Throttled} {
		r := requested(t).set(0, 0, attempt.Succeeded).look().is(billing.Succeeded, 0, 0).say(0, 0, class).look().is(billing.Ready, 0, 1)
		s := r.target.State()
		if pause := s.AvailableAt.Sub(monday.Add(time.Hour)); s.Step != 0 || pause < 10*time.Minute || pause > 12*time.Minute {
			t.Errorf("%s: it waits from the moment at which the report was stored: %+v", class, s)
		}
		note := newReported(t, policy.UndeliveredNote, billing.State{Dispatch: billing.Requested})
		note.set(0, 0, attempt.Succeeded).say(0, 0, class).look().is(billing.Succeeded, 0, 0)
	}
	both := requested(t).set(0, 0, attempt.Succeeded).say(0, 0, attempt.Provider).say(0, 0, attempt.Permanent)
	both.look().is(billing.Failed, 1, 0) // the customer's class wins
}

// at makes an attempt's round the current key, under way.
func (r *reported) at(n, round int16) *reported {
	r.Helper()
	s := r.target.State()
	if s.Attempt != n || s.Round != round {
		r.Fatalf("it is at %d/%d, want %d/%d", s.Attempt, s.Round, n, round)
	}
	if err := r.target.Requested(billing.Decision{Rule: billing.RuleDue, Policy: r.v, Step: s.Step}, monday, 1); err != nil {
		r.Fatalf("%v", err)
	}
	return r
}

// w_ourrounds: each message was taken and paid for.
func TestPutBacksByReportEndInAPause(t *testing.T) {
	t.Parallel()
	r := requested(t)
	for n := range int16(3) {
		r.set(0, n, attempt.Succeeded).look().is(billing.Succeeded, 0, n).say(0, n, attempt.Provider).look().is(billing.Ready, 0, n+1).at(0, n+1)
	}
	r.set(0, 3, attempt.Succeeded).look().say(0, 3, attempt.Provider).look().is(billing.Paused, 0, 3) // MaxRounds is 3
	if s := r.target.State(); s.Pause != billing.PauseRounds {
		t.Errorf("paused because of %q", s.Pause)
	}
	rows, err := r.target.Effective(r.rows, r.reports, only(r.v)) // m_ourresume: the key is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := r.target.Resume(attempt.RowOf(rows, r.target.Delivery()), monday); err != nil {
		t.Fatal(err)
	}
	r.is(billing.Ready, 0, 4)
}

// m_ourcount
func TestAWordThatComesLaterTakesNoRoundBack(t *testing.T) {
	t.Parallel()
	window := func(row *attempt.Row) { row.Reason = attempt.ReasonWindow }
	r := requested(t).set(0, 0, attempt.Succeeded).say(0, 0, attempt.Provider).look().is(billing.Ready, 0, 1).at(0, 1)
	for n := int16(1); n < 4; n++ {
		r.set(0, n, attempt.NotSent, window).look()
		if n < 3 {
			r.is(billing.Ready, 0, n+1).at(0, n+1)
		}
	}
	r.is(billing.Paused, 0, 3) // four of them
	if err := r.target.Resume(attempt.RowOf(r.rows, r.target.Delivery()), monday); err != nil {
		t.Fatal(err)
	}
	r.say(0, 0, attempt.Permanent).at(0, 4).set(0, 4, attempt.NotSent, window).look().is(billing.Ready, 0, 5)
}

// m_repcont
func TestContentThatWasRefusedAfterwardsWaitsForACorrection(t *testing.T) {
	t.Parallel()
	r := requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, attempt.Content).look().is(billing.Paused, 0, 0)
	rows, err := r.target.Effective(r.rows, r.reports, only(r.v))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.target.Resume(&rows[0], monday); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("a resume: %v, want ErrRefused", err)
	}
	if _, err := r.target.MayCorrect(&r.rows[0]); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("by the row alone: %v, want ErrRefused", err)
	}
	if revoke, err := r.target.MayCorrect(r.target.ForCorrection(&r.rows[0], r.reports)); err != nil || revoke {
		t.Fatalf("a correction: revoke %v, %v", revoke, err)
	}
	if err := r.target.Correct(billing.State{}, monday); err != nil {
		t.Fatal(err)
	}
	r.is(billing.Paused, 0, 1)
	late := requested(t).set(0, 0, attempt.Failed, func(row *attempt.Row) { row.Class = attempt.Content }).look().is(billing.Paused, 0, 0).set(0, 0, attempt.Succeeded)
	if _, err := late.target.MayCorrect(late.target.ForCorrection(&late.rows[0], nil)); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("of what turned out to be accepted: %v, want ErrRefused", err)
	}
}

func TestOperatorsSeeWhatReportsSay(t *testing.T) {
	t.Parallel()
	for class, want := range map[attempt.FailureClass]struct {
		status         billing.Status
		attempt, round int16
	}{
		attempt.Permanent: {billing.Failed, 1, 0}, attempt.Provider: {billing.Ready, 0, 1}, attempt.Content: {billing.Paused, 0, 0},
	} {
		r := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Cancelled}).set(0, 0, attempt.Unknown).say(0, 0, class)
		rows, err := r.target.Effective(r.rows, r.reports, only(r.v))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.target.Uncancel(&rows[0], r.v, monday); err != nil {
			t.Fatal(err)
		}
		r.is(want.status, want.attempt, want.round)
		held := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Unknown}).set(0, 0, attempt.Unknown).say(0, 0, class)
		if rows, err = held.target.Effective(held.rows, held.reports, only(held.v)); err != nil {
			t.Fatal(err)
		}
		if err := held.target.SendAnyway(&rows[0], held.v, time.Minute, monday.Add(time.Hour), monday); !errors.Is(err, billing.ErrRefused) {
			t.Errorf("%s: what was refused is not sent anyway: its route goes on: %v", class, err)
		}
	}
}
