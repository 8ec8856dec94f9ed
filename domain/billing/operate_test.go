package billing_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"pgregory.net/rapid"
)

// act is one method that may change a target's status, with the events that it may take.
type act struct {
	name   string
	events []billing.Event
	do     func(*billing.Target) error
}

func acts(v policy.Version, current *attempt.Row) []act {
	now := monday.Add(time.Hour)
	return []act{
		{"requested", []billing.Event{billing.EventDispatch}, func(t *billing.Target) error {
			return t.Requested(billing.Decision{Rule: billing.RuleDue, Policy: v}, now, 1)
		}},
		{"pause", []billing.Event{billing.EventPause}, func(t *billing.Target) error { return t.PauseFor(billing.PauseOperator) }},
		{"resume", []billing.Event{billing.EventResume}, func(t *billing.Target) error { return t.Resume(current, now) }},
		{"requeue", []billing.Event{billing.EventRequeue, billing.EventPause}, func(t *billing.Target) error { return t.Requeue(3, now) }},
		{"cancel", []billing.Event{billing.EventCancel}, func(t *billing.Target) error { return t.End(billing.Cancelled) }},
		{"expire", []billing.Event{billing.EventExpire}, func(t *billing.Target) error { return t.End(billing.Expired) }},
		{"exhaust", []billing.Event{billing.EventExhaust}, func(t *billing.Target) error { return t.End(billing.Exhausted) }},
		{"end as nonsense", nil, func(t *billing.Target) error { return t.End(billing.Succeeded) }},
		{"un-cancel", []billing.Event{billing.EventUncancel}, func(t *billing.Target) error { return t.Uncancel(current, v, now) }},
		{"send anyway", []billing.Event{billing.EventSendAnyway}, func(t *billing.Target) error {
			return t.SendAnyway(current, v, time.Minute, monday.Add(2*time.Minute), now)
		}},
		{"write off", []billing.Event{billing.EventWriteOff}, func(t *billing.Target) error { return t.WriteOff() }},
		{"correct", []billing.Event{billing.EventCorrect}, func(t *billing.Target) error {
			return t.Correct(billing.State{Wished: channel.SMS, Reachable: channel.NewSet(channel.SMS)}, now)
		}},
		{"keep an end", nil, func(t *billing.Target) error { t.KeepEnd(billing.Cancelled); return nil }},
		{"await an end", nil, func(t *billing.Target) error { t.AwaitEnd(now); return nil }},
	}
}

// Whatever a method does to the status is in the table that code and documentation share; an error changes nothing.
func TestEveryMethodKeepsToTheTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		current := drawRow(t, target, v, target.Delivery())
		before := target.State()
		a := rapid.SampledFrom(acts(v, &current)).Draw(t, "act")
		err := a.do(&target)
		after := target.State()
		if err != nil {
			if after != before {
				t.Fatalf("%s failed (%v), and yet %+v became %+v", a.name, err, before, after)
			}
			if !errors.Is(err, billing.ErrTransition) && !errors.Is(err, billing.ErrRefused) {
				t.Fatalf("%s: %v", a.name, err)
			}
			return
		}
		listed := slices.ContainsFunc(a.events, func(e billing.Event) bool { return billing.Can(before.Dispatch, e, after.Dispatch) })
		if len(a.events) > 0 && !listed || len(a.events) == 0 && after.Dispatch != before.Dispatch {
			t.Fatalf("%s took it from %s to %s, which is not in the table", a.name, before.Dispatch, after.Dispatch)
		}
		if (after.Dispatch == billing.Paused) != (after.Pause != "") && before.Pause == after.Pause && before.Dispatch != after.Dispatch {
			t.Fatalf("%s: it is %s, with the pause reason %q", a.name, after.Dispatch, after.Pause)
		}
		if after.Dispatch.Final() && after.Dispatch != billing.Succeeded && after.PendingEnd != "" {
			t.Fatalf("%s: it has ended as %s and still waits for %s", a.name, after.Dispatch, after.PendingEnd)
		}
		if after.Attempt < before.Attempt || after.Attempt == before.Attempt && after.Round < before.Round {
			t.Fatalf("%s: the key went back", a.name)
		}
		if after.Key != before.Key || after.Batch != before.Batch {
			t.Fatalf("%s wrote what is not its own: %+v became %+v", a.name, before, after)
		}
	})
}

// R9: a key that has a row is never published again, but where the ledger will say so itself at the next look.
func TestAClosedKeyIsNeverPublishedAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		current := drawRow(t, target, v, target.Delivery())
		a := rapid.SampledFrom(acts(v, &current)).Filter(func(a act) bool {
			return a.name == "un-cancel" || a.name == "send anyway" || a.name == "correct"
		}).Draw(t, "act")
		before := target.State()
		if a.do(&target) == nil && target.Status() != billing.Paused && target.Delivery() == restored(t, before).Delivery() {
			t.Fatalf("%s: %s goes out again", a.name, target.Delivery())
		}
	})
}

func TestResuming(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	paused := billing.State{Key: user, Dispatch: billing.Paused, Pause: billing.PauseOperator, Requeues: 2, AvailableAt: monday}
	later := monday.Add(time.Hour)
	none := restored(t, paused)
	if err := none.Resume(nil, later); err != nil || none.Delivery().Round != 0 || none.Status() != billing.Ready || none.State().Requeues != 0 || !none.State().AvailableAt.Equal(monday) {
		t.Errorf("no row: %+v (%v)", none.State(), err)
	}
	put := restored(t, paused)
	notSent := row(put, v, attempt.NotSent)
	if err := put.Resume(&notSent, later); err != nil || put.Delivery().Round != 1 || !put.State().AvailableAt.Equal(later) {
		t.Errorf("NOT_SENT: %+v (%v)", put.State(), err)
	}
	bad := restored(t, paused)
	content := row(bad, v, attempt.Failed)
	content.Class = attempt.Content
	if err := bad.Resume(&content, later); !errors.Is(err, billing.ErrRefused) || bad.State() != paused {
		t.Errorf("FAILED(content): %+v (%v)", bad.State(), err)
	}
}

func TestUncancelling(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for _, c := range []struct {
		state          attempt.State
		class          attempt.FailureClass
		step           int16
		status         billing.Status
		attempt, round int16
		newStep        int16
	}{
		{attempt.Revoked, "", 0, billing.Ready, 0, 1, 0},
		{attempt.NotSent, "", 0, billing.Ready, 0, 1, 0},
		{attempt.Failed, attempt.Content, 0, billing.Paused, 0, 0, 0},
		{attempt.Failed, attempt.Temporary, 0, billing.Failed, 1, 0, 1},
		{attempt.Failed, attempt.Permanent, 0, billing.Failed, 1, 0, 2},
		{attempt.Failed, attempt.Temporary, 2, billing.Cancelled, 0, 0, 2},
		{attempt.Claimed, "", 0, billing.Cancelled, 0, 0, 0},
		{attempt.Unknown, "", 0, billing.Cancelled, 0, 0, 0},
		{attempt.Succeeded, "", 0, billing.Cancelled, 0, 0, 0},
	} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Cancelled, Step: c.step, Policy: v.Ref()})
		current := row(target, v, c.state)
		current.Class = c.class
		err := target.Uncancel(&current, v, monday)
		s := target.State()
		if s.Dispatch != c.status || s.Attempt != c.attempt || s.Round != c.round || s.Step != c.newStep || (err != nil) != (c.status == billing.Cancelled) {
			t.Errorf("%s %s: %+v (%v)", c.state, c.class, s, err)
		}
	}
	missing := restored(t, billing.State{Key: user, Dispatch: billing.Cancelled})
	if err := missing.Uncancel(nil, v, monday); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("no row: %v", err)
	}
}

func TestSendingAnywayWaitsForLeaseAndCall(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for _, c := range []struct {
		step, want int16
	}{{0, 1}, {1, 2}, {2, 2}} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Unknown, Step: c.step, PendingEnd: billing.Expired})
		current := row(target, v, attempt.Unknown)
		early := current.LeaseUntil.Add(time.Minute - 1)
		if err := target.SendAnyway(&current, v, time.Minute, early, monday); !errors.Is(err, billing.ErrRefused) {
			t.Errorf("while the call may be under way: %v", err)
		}
		if err := target.SendAnyway(&current, v, time.Minute, early.Add(1), monday); err != nil {
			t.Fatal(err)
		}
		if s := target.State(); s.Dispatch != billing.Ready || s.Attempt != 1 || s.Round != 0 || s.Step != c.want || s.PendingEnd != "" {
			t.Errorf("after step %d: %+v", c.step, s)
		}
	}
}

func TestWhatMayBeCorrected(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for _, status := range billing.Statuses {
		for _, state := range append([]attempt.State{""}, attempt.States...) {
			for _, class := range []attempt.FailureClass{attempt.Temporary, attempt.Content} {
				target := restored(t, billing.State{Key: user, Dispatch: status})
				var current *attempt.Row
				if state != "" {
					r := row(target, v, state)
					r.Class = class
					current = &r
				}
				open := status == billing.Ready || status == billing.Failed || status == billing.Requested || status == billing.Paused
				content := state == attempt.Failed && class == attempt.Content
				revoke, err := target.MayCorrect(current)
				if revoke != (open && state == "") || (err == nil) != (open && (state == "" || content)) {
					t.Errorf("%s with the row %s %s: revoke %v (%v)", status, state, class, revoke, err)
				}
			}
		}
	}
	waiting := restored(t, billing.State{Key: user, Dispatch: billing.Requested, PendingEnd: billing.Cancelled})
	if _, err := waiting.MayCorrect(nil); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("with a pending end: %v", err)
	}
}

func TestACorrectionTakesTheNextRound(t *testing.T) {
	t.Parallel()
	corrected := billing.State{Wished: channel.SMS, Reachable: channel.NewSet(channel.SMS), Quiet: minutes("22:00", "07:00"), Deadline: monday.Add(time.Hour)}
	for status, want := range map[billing.Status]billing.Status{
		billing.Ready: billing.Ready, billing.Failed: billing.Ready, billing.Requested: billing.Ready, billing.Paused: billing.Paused,
	} {
		target := restored(t, billing.State{Key: user, Dispatch: status, Attempt: 1, Round: 2, Step: 1, AvailableAt: monday.Add(time.Hour), Requeues: 2})
		if err := target.Correct(corrected, monday); err != nil {
			t.Fatal(err)
		}
		s := target.State()
		if s.Dispatch != want || s.Attempt != 1 || s.Round != 3 || s.Step != 0 || s.Requeues != 0 || !s.AvailableAt.Equal(monday.Add(time.Hour)) ||
			s.Wished != corrected.Wished || s.Reachable != corrected.Reachable || s.Quiet != corrected.Quiet || !s.Deadline.Equal(corrected.Deadline) {
			t.Errorf("%s: %+v", status, s)
		}
		if (s.Pause == billing.PauseCorrected) != (want == billing.Paused) {
			t.Errorf("%s: the pause reason is %q", status, s.Pause)
		}
	}
}

func TestRequeueing(t *testing.T) {
	t.Parallel()
	for _, status := range billing.Statuses {
		for _, requeues := range []int16{0, 2, 3} {
			target := restored(t, billing.State{Key: user, Dispatch: status, Requeues: requeues, AvailableAt: monday})
			err := target.Requeue(3, monday.Add(time.Minute))
			s := target.State()
			switch {
			case status != billing.Requested:
				if err == nil || s.Dispatch != status || s.Requeues != requeues {
					t.Errorf("%s requeued %d times: %+v (%v)", status, requeues, s, err)
				}
			case requeues == 3:
				if err != nil || s.Dispatch != billing.Paused || s.Pause != billing.PauseNoClaim {
					t.Errorf("too often: %+v (%v)", s, err)
				}
			default:
				if err != nil || s.Dispatch != billing.Ready || s.Requeues != requeues+1 || s.Round != 0 || s.Attempt != 0 {
					t.Errorf("requeued %d times: %+v (%v)", requeues, s, err)
				}
			}
		}
	}
}

func TestWishes(t *testing.T) {
	t.Parallel()
	for _, status := range billing.Statuses {
		target := restored(t, billing.State{Key: user, Dispatch: status})
		may := status == billing.Ready || status == billing.Failed || status == billing.Requested || status == billing.Paused
		if err := target.MayCancel(); (err == nil) != may {
			t.Errorf("cancel while %s: %v", status, err)
		}
		target.KeepEnd(billing.Cancelled)
		target.KeepEnd(billing.Expired)
		if got := target.State().PendingEnd; (got == billing.Cancelled) == status.Final() || got == billing.Expired {
			t.Errorf("%s keeps the pending end %q", status, got)
		}
		if !status.Final() && target.MayCancel() == nil {
			t.Errorf("%s is cancelled twice", status)
		}
	}
	for as, want := range map[billing.Status]attempt.Reason{
		billing.Cancelled: attempt.ReasonCancel, billing.Expired: attempt.ReasonDeadline, billing.Exhausted: attempt.ReasonExhaust,
	} {
		if got := billing.EndReason(as); got != want {
			t.Errorf("%s: %s, want %s", as, got, want)
		}
	}
}

func TestTheTableIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[billing.Transition]bool{}
	for _, tr := range billing.Transitions {
		if seen[tr] || !slices.Contains(billing.Statuses, tr.From) || !slices.Contains(billing.Statuses, tr.To) {
			t.Errorf("%+v", tr)
		}
		seen[tr] = true
		if tr.From.Final() && tr.Event != billing.EventSucceed && tr.Event != billing.EventUncancel && (tr.Event != billing.EventRestore || tr.From != billing.Cancelled && tr.From != billing.Succeeded) && (tr.Event != billing.EventTakeBack || tr.From != billing.Succeeded) {
			t.Errorf("%s is an end, and yet %+v", tr.From, tr)
		}
	}
	for _, status := range billing.Statuses {
		if status != billing.Succeeded && !billing.Can(status, billing.EventSucceed, billing.Succeeded) {
			t.Errorf("no late success from %s", status)
		}
	}
}
