package billing_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// lostCorrection is a target whose key 0/0 a correction had revoked before its key 0/1 was published and called. Then the database
// went back to before the correction, and the log tells of the request for 0/1 alone. It returns the target as the check leaves it, and its rows.
func lostCorrection(t *testing.T) (billing.Target, []attempt.Row) {
	t.Helper()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Batch: billing.Rendered, Dispatch: billing.Ready, Policy: v.Ref()})
	called := row(target, v, attempt.Unknown)
	called.Key.Round, called.Reason, called.ChangedAt = 1, attempt.ReasonRestored, monday
	found := must(target.RecoverKey([]attempt.Row{called}))
	if !found.Held || len(found.Missing) != 1 || found.Missing[0] != (key.Delivery{Month: user.Month, UserID: user.UserID}) {
		t.Fatalf("the check found %+v", found)
	}
	closed := row(target, v, attempt.Unknown)
	closed.Key, closed.Reason, closed.ChangedAt = found.Missing[0], attempt.ReasonRestored, monday
	rows := []attempt.Row{closed, called}
	if settle(t, &target, rows, v); target.Status() != billing.Unknown {
		t.Fatalf("it is %s by the row of 0/1", target.Status())
	}
	return target, rows
}

// The model's run m_rvhold: "was not delivered" let the data of before the correction go out by the next channel.
func TestNothingContinuesOverACorrectionThatMayBeLost(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for name, test := range map[string]struct {
		change  func(*attempt.Row)
		attempt int16
		round   int16
	}{
		"an operator says that it was not delivered": {func(r *attempt.Row) {
			r.State, r.Class, r.Reason, r.FinishedAt = attempt.Failed, attempt.Temporary, attempt.ReasonManual, monday.Add(time.Hour)
		}, 1, 0},
		"the result says that it was refused": {func(r *attempt.Row) {
			r.State, r.Class, r.Reason = attempt.Failed, attempt.Permanent, attempt.ReasonRefused
		}, 1, 0},
		"the result says that it was put back": {func(r *attempt.Row) { r.State, r.Reason = attempt.NotSent, attempt.ReasonWindow }, 0, 2},
		"it was called before the restore": {func(r *attempt.Row) {
			r.State, r.Class, r.Reason, r.ClaimedAt = attempt.Failed, attempt.Temporary, attempt.ReasonManual, monday.Add(-time.Hour)
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, rows := lostCorrection(t)
			test.change(&rows[1])
			settle(t, &target, rows, v)
			s := target.State()
			if s.Dispatch != billing.Paused || s.Pause != billing.PauseRestored || s.Attempt != test.attempt || s.Round != test.round {
				t.Fatalf("it is %s (%s) at %d/%d, want PAUSED (restored) at %d/%d", s.Dispatch, s.Pause, s.Attempt, s.Round, test.attempt, test.round)
			}
			if settlement, _ := settle(t, &target, rows, v); settlement != billing.Unchanged {
				t.Errorf("a second look: %s", settlement)
			}
			if err := target.Resume(nil, monday); err != nil || target.Status() != billing.Ready {
				t.Errorf("resumed by a person it is %s (%v)", target.Status(), err)
			}
		})
	}
}

func TestAKeyThatWasClaimedAfterTheRestoreHoldsNothing(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for name, outcome := range map[string]func(*attempt.Row){
		"refused": func(r *attempt.Row) {
			r.State, r.Class, r.Reason = attempt.Failed, attempt.Temporary, attempt.ReasonRefused
		},
		"put back": func(r *attempt.Row) {
			r.State, r.Class, r.Reason = attempt.NotSent, attempt.Throttled, attempt.ReasonThrottled
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, rows := lostCorrection(t)
			if err := target.SendAnyway(&rows[1], v, 0, monday, monday); err != nil {
				t.Fatal(err)
			}
			sent := row(target, v, attempt.Succeeded)
			sent.ClaimedAt = monday.Add(time.Hour)
			outcome(&sent)
			settle(t, &target, append(rows, sent), v)
			if s := target.Status(); s != billing.Failed && s != billing.Ready {
				t.Errorf("it is %s although a person had let it go out", s)
			}
		})
	}
}

func TestAnEndIsGrantedOverACorrectionThatMayBeLost(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target, rows := lostCorrection(t)
	state := target.State()
	state.PendingEnd = billing.Cancelled
	target = restored(t, state)
	rows[1].State, rows[1].Class, rows[1].Reason = attempt.Failed, attempt.Temporary, attempt.ReasonManual
	if settle(t, &target, rows, v); target.Status() != billing.Cancelled {
		t.Errorf("it is %s, want CANCELLED", target.Status())
	}
}

// The model's run m_rcont: the log tells that the content of 0/0 was refused, and that 0/1 was called, so a correction is lost.
func TestContentThatWasRefusedBeforeALostCorrectionDoesNotGoOut(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for name, from := range map[string]billing.State{
		"not called yet": {Dispatch: billing.Ready},
		"paused":         {Dispatch: billing.Paused, Pause: billing.PauseContent},
	} {
		for _, outcome := range []attempt.State{attempt.Failed, attempt.NotSent, attempt.Unknown} {
			t.Run(name+", "+string(outcome), func(t *testing.T) {
				t.Parallel()
				from := from
				from.Key, from.Batch, from.Policy = user, billing.Rendered, v.Ref()
				target := restored(t, from)
				content, called := row(target, v, attempt.Failed), row(target, v, outcome)
				content.Class, content.Reason, content.ChangedAt = attempt.Content, attempt.ReasonContent, monday
				called.Key.Round, called.ChangedAt = 1, monday
				if outcome == attempt.Failed {
					called.Class = attempt.Temporary
				}
				must(target.RecoverKey([]attempt.Row{content, called}))
				settle(t, &target, []attempt.Row{content, called}, v)
				if outcome == attempt.Unknown {
					called.State, called.Class, called.Reason = attempt.Failed, attempt.Temporary, attempt.ReasonManual
					settle(t, &target, []attempt.Row{content, called}, v)
				}
				if s := target.State(); s.Dispatch != billing.Paused || s.Pause != billing.PauseRestored {
					t.Errorf("it is %s (%s), want PAUSED (restored)", s.Dispatch, s.Pause)
				}
			})
		}
	}
}

// A bill whose content was corrected is no loss where nothing was restored: its key was claimed after the correction.
func TestACorrectedBillContinuesByItsVerdict(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Batch: billing.Rendered, Dispatch: billing.Unknown, Round: 1, Policy: v.Ref()})
	content, called := row(target, v, attempt.Failed), row(target, v, attempt.Failed)
	content.Key.Round, content.Class, content.ChangedAt = 0, attempt.Content, monday
	called.Class, called.Reason, called.ClaimedAt = attempt.Temporary, attempt.ReasonManual, monday.Add(time.Hour)
	if settle(t, &target, []attempt.Row{content, called}, v); target.Status() != billing.Failed {
		t.Errorf("it is %s, want FAILED: the next attempt", target.Status())
	}
}
