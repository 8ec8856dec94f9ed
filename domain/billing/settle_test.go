package billing_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"pgregory.net/rapid"
)

// expected is R7's second rule and the states around it, written down a second time: the status and the key that a
// look leads to. Statuses that the rule does not name stay.
func expected(before billing.State, rows []attempt.Row, v policy.Version) billing.State {
	want := before
	var current attempt.Row
	spent := 0
	for _, r := range rows {
		if r.State == attempt.Succeeded && before.Dispatch != billing.Succeeded {
			want.Dispatch = billing.Succeeded // after a revocation, or at once
			return want
		}
		if r.Key.Attempt == before.Attempt && r.Key.Round == before.Round {
			current = r
		}
		if r.Key.Attempt == before.Attempt && r.SpendsRound() {
			spent++
		}
	}
	paused := before.Dispatch == billing.Paused
	stays := func(to billing.Status) billing.Status {
		if paused {
			return billing.Paused
		}
		return to
	}
	steps := v.Steps(before.Wished)
	next := policy.Next(steps, current.Step)
	if current.Class.Hard() {
		next = policy.NextOther(steps, current.Step)
	}
	waiting := paused || before.Dispatch == billing.Ready || before.Dispatch == billing.Failed || before.Dispatch == billing.Requested
	doubted := before.Dispatch == billing.Unknown
	switch {
	case (waiting || doubted) && current.State == attempt.Failed:
		switch {
		case before.PendingEnd != "":
			want.Dispatch = before.PendingEnd
		case current.Class == attempt.Content:
			want.Dispatch, want.Pause = billing.Paused, billing.PauseContent
		case next >= 0:
			want.Dispatch, want.Attempt, want.Round, want.Step = stays(billing.Failed), before.Attempt+1, 0, next
		default:
			want.Dispatch = billing.Exhausted
		}
	case (waiting || doubted) && current.State == attempt.NotSent:
		switch {
		case before.PendingEnd != "":
			want.Dispatch = before.PendingEnd
		case current.Reason == attempt.ReasonExpired:
			want.Dispatch = billing.Expired
		case current.SpendsRound() && spent%(int(v.MaxRounds())+1) == 0:
			want.Dispatch, want.Pause = billing.Paused, billing.PauseRounds
		default:
			want.Dispatch, want.Round = stays(billing.Ready), before.Round+1
		}
	case waiting && current.State == attempt.Unknown:
		want.Dispatch = billing.Unknown
		if current.Unknown == attempt.Resend && next >= 0 && before.PendingEnd == "" {
			want.Dispatch, want.Attempt, want.Round, want.Step = stays(billing.Failed), before.Attempt+1, 0, next
		}
	}
	for _, r := range rows {
		lost := (r.Reason == attempt.ReasonRestored || r.Class == attempt.Content) && r.Key.Attempt < before.Attempt && current.ClaimedAt.Before(r.ChangedAt)
		if lost && doubted && (want.Dispatch == billing.Ready || want.Dispatch == billing.Failed) {
			want.Dispatch, want.Pause = billing.Paused, billing.PauseRestored // R10: a correction may be lost
		}
	}
	return want
}

// settle makes a look as its callers do: what the function asks to revoke is revoked, unless a claim was first.
func settle(t fails, target *billing.Target, rows []attempt.Row, v policy.Version) (billing.Settlement, []attempt.Row) {
	t.Helper()
	settlement, err := target.Settle(rows, only(v))
	if err != nil {
		t.Fatalf("settle: %v", err)
	}
	if settlement != billing.RevokeFirst {
		return settlement, rows
	}
	revoked, state := true, attempt.State("")
	for _, r := range rows {
		if r.Key == target.Delivery() {
			revoked, state = false, r.State
		}
	}
	if revoked {
		rows = append(rows[:len(rows):len(rows)], attempt.Row{Key: target.Delivery(), State: attempt.Revoked, Reason: attempt.ReasonLate})
	}
	settlement, err = target.Accepted(revoked, state)
	if err != nil {
		t.Fatalf("accepted: %v", err)
	}
	return settlement, rows
}

func TestSettlingFollowsTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		rows := drawLedger(t, target, v)
		before := target.State()
		settlement, _ := settle(t, &target, rows, v)
		after, want := target.State(), expected(before, rows, v)
		if claimedFirst(before, rows) && want.Dispatch == billing.Succeeded {
			want.Dispatch = before.Dispatch // the claim's outcome must be known before
		}
		if after.Dispatch != want.Dispatch || after.Attempt != want.Attempt || after.Round != want.Round || after.Step != want.Step {
			t.Fatalf("%+v\nwith %+v\nbecame %+v\nwant   %+v", before, rows, after, want)
		}
		if after.Dispatch == billing.Paused && before.Dispatch != billing.Paused && after.Pause != want.Pause {
			t.Fatalf("paused because of %s, want %s", after.Pause, want.Pause)
		}
		if (settlement == billing.Unchanged) != (after == before) && settlement != billing.Changed {
			t.Fatalf("%s, but %+v became %+v", settlement, before, after)
		}
		for _, r := range rows {
			plain := before
			if plain.Dispatch = billing.Succeeded; restored(t, before).SucceedsPlainly(r, nil) && after != plain {
				t.Fatalf("%+v should only become SUCCEEDED with %+v, and is now %+v", before, rows, after)
			}
		}
		if after.Dispatch.Final() && after.Dispatch != billing.Succeeded && after.PendingEnd != "" {
			t.Fatalf("it has ended as %s and still waits for %s", after.Dispatch, after.PendingEnd)
		}
		if after.Dispatch != billing.Paused && after.Pause != "" {
			t.Fatalf("it is %s, with the pause reason %s", after.Dispatch, after.Pause)
		}
		if (after.Attempt != before.Attempt || after.Round != before.Round) && (after.Requeues != 0 || !after.RequestedAt.IsZero()) {
			t.Fatalf("the key is new, and yet %+v", after)
		}
	})
}

// claimedFirst reports whether the current key is in the hands of a caller.
func claimedFirst(s billing.State, rows []attempt.Row) bool {
	for _, r := range rows {
		if r.Key.Attempt == s.Attempt && r.Key.Round == s.Round && r.State == attempt.Claimed {
			return true
		}
	}
	return false
}

// I5: the event is a hint, the sweep looks again: a second look without a change changes nothing.
func TestASecondLookChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		_, rows := settle(t, &target, drawLedger(t, target, v), v)
		once := target.State()
		settlement, _ := settle(t, &target, rows, v)
		if settlement != billing.Unchanged || target.State() != once {
			t.Fatalf("with %+v\n%s: %+v\nbecame %+v", rows, settlement, once, target.State())
		}
	})
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		other := target
		rows := drawLedger(t, target, v)
		shuffled := rapid.Permutation(rows).Draw(t, "shuffled")
		a, _ := settle(t, &target, rows, v)
		b, _ := settle(t, &other, shuffled, v)
		if a != b || target.State() != other.State() {
			t.Fatalf("%s %+v\nagainst\n%s %+v", a, target.State(), b, other.State())
		}
	})
}

func TestALateSuccessWinsFromEveryStatus(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for _, status := range billing.Statuses {
		for _, state := range append([]attempt.State{""}, attempt.States...) {
			target := restored(t, billing.State{Key: user, Dispatch: status, Attempt: 1, Step: 1, Policy: v.Ref()})
			old := row(target, v, attempt.Succeeded)
			old.Key.Attempt = 0
			rows := []attempt.Row{old}
			if state != "" {
				rows = append(rows, row(target, v, state))
			}
			settlement, err := target.Settle(rows, only(v))
			if err != nil {
				t.Fatal(err)
			}
			open := state == "" || state == attempt.Claimed
			want := billing.Changed
			switch {
			case status == billing.Succeeded:
				want = billing.Unchanged
			case open:
				want = billing.RevokeFirst
			}
			if settlement != want {
				t.Errorf("%s with the current row %q: %s, want %s", status, state, settlement, want)
			}
			if (target.Status() == billing.Succeeded) == (want == billing.RevokeFirst) {
				t.Errorf("%s with the current row %q became %s", status, state, target.Status())
			}
		}
	}
}

func TestASuccessWaitsForAClaimThatCameFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		revoked bool
		current attempt.State
		want    billing.Settlement
	}{
		{true, "", billing.Changed},
		{false, attempt.Claimed, billing.Unchanged},
		{false, attempt.Unknown, billing.Changed},
		{false, attempt.NotSent, billing.Changed},
		{false, attempt.Failed, billing.Changed},
		{false, "", billing.Unchanged}, // neither inserted nor found: not known
	} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Requested})
		got, err := target.Accepted(c.revoked, c.current)
		if err != nil || got != c.want || (target.Status() == billing.Succeeded) != (c.want == billing.Changed) {
			t.Errorf("%+v: %s, %s (%v)", c, got, target.Status(), err)
		}
	}
}

func TestNothingButReportsAndARestoreLeavesSucceeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		s := drawTarget(t, v).State()
		s.Dispatch, s.PendingEnd, s.Pause = billing.Succeeded, "", ""
		target := restored(t, s)
		settle(t, &target, drawLedger(t, target, v), v)
		current := drawRow(t, target, v, target.Delivery())
		for _, act := range acts(v, &current) {
			_ = act.do(&target)
		}
		if target.State() != s {
			t.Fatalf("%+v became %+v", s, target.State())
		}
	})
	for _, tr := range billing.Transitions {
		if tr.From == billing.Succeeded && tr.Event != billing.EventTakeBack && tr.Event != billing.EventRestore {
			t.Errorf("%+v", tr)
		}
	}
}

// EMAIL, EMAIL, SMS, end to end.
func TestTheRouteByClass(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	fresh := restored(t, billing.State{Key: user, Dispatch: billing.Requested, Policy: v.Ref(), Reachable: channel.NewSet(channel.Email, channel.SMS)})
	failed := func(class attempt.FailureClass) attempt.Row {
		r := row(fresh, v, attempt.Failed)
		r.Class, r.Reason = class, attempt.ReasonRefused
		return r
	}
	look := func(r attempt.Row) billing.State {
		target := fresh
		settle(t, &target, []attempt.Row{r}, v)
		return target.State()
	}
	for _, class := range []attempt.FailureClass{attempt.Permanent, attempt.Suppressed} {
		if s := look(failed(class)); s.Dispatch != billing.Failed || s.Attempt != 1 || s.Round != 0 || s.Step != 2 || !s.AvailableAt.Equal(monday) {
			t.Errorf("%s goes to SMS at once: %+v", class, s)
		}
	}
	s := look(failed(attempt.Temporary))
	pause := s.AvailableAt.Sub(monday)
	if s.Dispatch != billing.Failed || s.Attempt != 1 || s.Step != 1 || pause < 10*time.Minute || pause > 12*time.Minute {
		t.Errorf("temporary backs off and takes the next step: %+v", s)
	}
	throttled := row(fresh, v, attempt.NotSent)
	throttled.Class, throttled.Reason, throttled.NotBefore = attempt.Throttled, attempt.ReasonThrottled, monday.Add(time.Minute)
	if s := look(throttled); s.Dispatch != billing.Ready || s.Attempt != 0 || s.Round != 1 || s.Step != 0 || !s.AvailableAt.Equal(throttled.NotBefore) {
		t.Errorf("throttled spends nothing: %+v", s)
	}
	throttled.NotBefore = time.Time{}
	if s := look(throttled); s.AvailableAt.Sub(monday) < 10*time.Minute {
		t.Errorf("throttled without a time backs off: %+v", s)
	}
	if s := look(failed(attempt.Content)); s.Dispatch != billing.Paused || s.Pause != billing.PauseContent || s.Attempt != 0 || s.Round != 0 || s.Step != 0 {
		t.Errorf("content stops the route: %+v", s)
	}
}

func TestTheRoutesEndIsExhausted(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Dispatch: billing.Requested, Policy: v.Ref()})
	var keys []string
	for range 3 {
		keys = append(keys, target.Delivery().String())
		r := row(target, v, attempt.Failed)
		r.Class = attempt.Temporary
		settle(t, &target, []attempt.Row{r}, v)
		if !target.Status().Final() {
			d := billing.Decision{Rule: billing.RuleDue, Policy: v, Step: target.State().Step}
			if err := target.Requested(d, monday, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if target.Status() != billing.Exhausted || len(keys) != 3 || keys[2] != "2026-11/4711/2/0" {
		t.Errorf("%s after %q", target.Status(), keys)
	}
}

func TestAPolicyThatIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Dispatch: billing.Requested})
	before := target.State()
	r := row(target, v, attempt.Failed)
	r.PolicyVersion = 99
	if settlement, err := target.Settle([]attempt.Row{r}, only(v)); err == nil || settlement != billing.Unchanged || target.State() != before {
		t.Errorf("%s (%v): %+v", settlement, err, target.State())
	}
}

// An event that could not be read has left a row that names no policy.
func TestContentStopsATargetWhateverItsPolicy(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for _, bound := range []policy.Ref{{}, v.Ref(), {ID: 99, Version: 1}} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Requested, Policy: bound})
		r := attempt.Row{Key: target.Delivery(), State: attempt.Failed, Class: attempt.Content}
		settle(t, &target, []attempt.Row{r}, v)
		if s := target.State(); s.Dispatch != billing.Paused || s.Pause != billing.PauseContent || s.Policy != bound {
			t.Errorf("bound to %s: %+v", bound, s)
		}
	}
}

// A dispatcher that died between publishing and committing has not bound the policy; the ledger row has.
func TestSettlingBindsThePolicyOfTheRow(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Dispatch: billing.Ready})
	r := row(target, v, attempt.Failed)
	r.Class = attempt.Temporary
	settle(t, &target, []attempt.Row{r}, v)
	if target.State().Policy != v.Ref() {
		t.Errorf("it is bound to %s", target.State().Policy)
	}
}
