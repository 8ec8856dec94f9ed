package billing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
	"pgregory.net/rapid"
)

// disturbs tells whether a message on a channel disturbs a target's customer, said a second time.
func disturbs(s billing.State, v policy.Version, kind channel.Kind, at time.Time) bool {
	if !v.QuietBinds(kind) {
		return false
	}
	zone := s.Zone
	if !s.Quiet.IsZero() {
		zone = s.Quiet.Zone()
	}
	general := v.QuietHours()
	if zone != nil && !general.IsZero() {
		general, _ = window.NewForbidden(general.From(), general.To(), zone)
	}
	switch {
	case s.Quiet.IsZero():
		return general.Contains(at)
	case v.Spec().Class == policy.Advertising:
		return general.Contains(at) || s.Quiet.Contains(at)
	default:
		return s.Quiet.Contains(at)
	}
}

func TestADispatchIsAlwaysAllowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		now := monday.Add(time.Duration(rapid.IntRange(-72*60, 72*60).Draw(t, "minutes")) * time.Minute)
		s, d := target.State(), billing.Decide(target, snapshot(v), now)
		if target.State() != s {
			t.Fatal("the decision has changed the target")
		}
		steps := v.Steps(s.Wished)
		usable := func(kind channel.Kind) bool {
			return s.Reachable.Has(kind) && !s.Suppressed.Has(kind) && (v.Spec().Class == policy.Transactional || !s.OptedOut.Has(kind))
		}
		left := slices.ContainsFunc(steps[s.Step:], usable)
		deadlines := slices.DeleteFunc([]time.Time{s.Deadline, v.Deadline(month.Start(seoul))}, time.Time.IsZero)
		late := slices.ContainsFunc(deadlines, func(at time.Time) bool { return !now.Before(at) })
		var want billing.DecisionKind
		switch {
		case s.PendingEnd != "":
			want = billing.GrantEnd
		case late:
			want = billing.Expire
		case now.Before(s.AvailableAt):
			want = billing.Deferral
		case !left && s.Attempt > 0:
			want = billing.Exhaust
		case !left:
			want = billing.Pausing
		default:
			first := s.Step + int16(slices.IndexFunc(steps[s.Step:], usable))
			want = billing.Dispatch
			if disturbs(s, v, steps[first], now) {
				want = billing.Deferral
			} else if d.Step != first || d.Channel != steps[first] {
				t.Fatalf("it goes by %s, step %d, want %s, step %d", d.Channel, d.Step, steps[first], first)
			}
		}
		if d.Kind() != want {
			t.Fatalf("the decision is %s, want %s", d, want)
		}
		if d.Kind() == billing.Deferral && (!d.Until.After(now) || disturbs(s, v, d.Channel, d.Until)) {
			t.Fatalf("deferred until %s", d.Until)
		}
		if d.Kind() == billing.GrantEnd && d.End != s.PendingEnd {
			t.Fatalf("the wish %s is granted as %s", s.PendingEnd, d.End)
		}
		for _, at := range deadlines {
			if d.Kind() == billing.Dispatch && (d.Deadline.IsZero() || d.Deadline.After(at)) {
				t.Fatalf("the deadline is %s, want at most %s", d.Deadline, at)
			}
		}
	})
}

// The system before "sent" bills to nobody and counted them as delivered.
func TestATargetWithoutADestinationIsNeverDispatched(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	for reachable, want := range map[channel.Set]string{
		0:                             "PAUSE no_destination by policy 7 v3, skipped EMAIL (no_destination), SMS (no_destination)",
		channel.NewSet(channel.Push):  "PAUSE no_destination by policy 7 v3, skipped EMAIL (no_destination), SMS (no_destination)",
		channel.NewSet(channel.SMS):   "DISPATCH due SMS step 2 by policy 7 v3, skipped EMAIL (no_destination)",
		channel.NewSet(channel.Email): "DISPATCH due EMAIL step 0 by policy 7 v3",
	} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, AvailableAt: monday, Reachable: reachable})
		if d := billing.Decide(target, snapshot(v), monday); d.String() != want {
			t.Errorf("%v: %s, want %s", reachable.Kinds(), d, want)
		}
	}
	all := channel.NewSet(channel.Email, channel.SMS)
	suppressed := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: all, Suppressed: all})
	if d := billing.Decide(suppressed, snapshot(v), monday); d.Rule.Pause() != billing.PauseSuppressed {
		t.Errorf("all channels are suppressed: %s", d)
	}
}

func TestADeferralSaysWhichChannelIsBoundByWhichQuietHours(t *testing.T) {
	t.Parallel()
	quiet, err := window.NewForbidden(21*60, 8*60, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	v := emailEmailSMS(t, func(s *policy.Spec) { s.QuietHours, s.QuietChannels = quiet, channel.NewSet(channel.SMS) })
	night := time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)
	target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, AvailableAt: night, Reachable: channel.NewSet(channel.Email, channel.SMS), Suppressed: channel.NewSet(channel.Email)})
	want := "DEFER quiet_hours until 2026-11-23 17:00:00 KST for SMS step 2, quiet 21:00–08:00 UTC, by policy 7 v3, skipped EMAIL (suppressed)"
	if d := billing.Decide(target, snapshot(v), night); d.String() != want {
		t.Errorf("%s, want %s", d, want)
	}
	if d := billing.Decide(target, snapshot(v), night.Add(-time.Hour)); d.String() != "DEFER not_yet until 2026-11-23 07:00:00 KST by policy 7 v3" {
		t.Errorf("before its time: %s", d)
	}
}

func TestSkippingAChannelSpendsNoAttempt(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.SMS)})
	d := billing.Decide(target, snapshot(v), monday)
	if err := target.Requested(d, monday, 9); err != nil {
		t.Fatal(err)
	}
	s := target.State()
	if s.Attempt != 0 || s.Round != 0 || s.Step != 2 || s.Policy != v.Ref() || s.RunID != 9 || s.Dispatch != billing.Requested || !s.RequestedAt.Equal(monday) {
		t.Errorf("got %+v", s)
	}
	if d.Step != 2 || d.Channel != channel.SMS || d.Policy.Ref() != v.Ref() {
		t.Errorf("got %+v", d)
	}
}

// While e-mail is halted: who would go out by it waits, and who was refused on it last does not continue.
func TestAHaltedChannelKeepsItsBillsAndThoseThatWereRefusedOnIt(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, nil)
	halted := channel.NewSet(channel.Email)
	both := channel.NewSet(channel.Email, channel.SMS)
	for name, c := range map[string]struct {
		s    billing.State
		want string
	}{
		"the first try":             {billing.State{Reachable: both}, "WAIT channel_halted for EMAIL"},
		"the second try by e-mail":  {billing.State{Reachable: both, Attempt: 1, Step: 1}, "WAIT channel_halted for EMAIL"},
		"refused by e-mail":         {billing.State{Reachable: both, Attempt: 1, Step: 2}, "WAIT channel_halted for EMAIL"},
		"refused, no other channel": {billing.State{Reachable: channel.NewSet(channel.Email), Attempt: 1, Step: 2}, "WAIT channel_halted for EMAIL"},
		"SMS from the start":        {billing.State{Reachable: channel.NewSet(channel.SMS)}, "DISPATCH due SMS step 2"},
		"SMS is preferred":          {billing.State{Reachable: both, Wished: channel.SMS}, "DISPATCH due SMS step 0"},
		"refused by SMS":            {billing.State{Reachable: both, Wished: channel.SMS, Attempt: 1, Step: 1}, "WAIT channel_halted for EMAIL"},
		"its deadline passed":       {billing.State{Reachable: both, Deadline: monday}, "EXPIRE deadline"},
		"its time has not come":     {billing.State{Reachable: both, AvailableAt: monday.Add(time.Hour)}, "DEFER not_yet"},
		"nobody can be reached":     {billing.State{}, "PAUSE no_destination"},
		"an end is pending":         {billing.State{Reachable: both, PendingEnd: billing.Cancelled}, "GRANT_END pending_end"},
	} {
		c.s.Key, c.s.Dispatch = user, billing.Ready
		target := restored(t, c.s)
		d := billing.Decide(target, snapshot(v), monday)
		if got := target.Under(halted, d); !strings.HasPrefix(got.String(), c.want+" ") {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := target.Under(channel.NewSet(channel.Push), d); got.String() != d.String() || target.Under(0, d).String() != d.String() {
			t.Errorf("%s: %s although its channel is not halted", name, got)
		}
	}
}

// Push is skipped for want of a destination: it was not tried, and e-mail before it was.
func TestAHaltAsksWhichChannelWasTriedNotWhichWasSkipped(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, func(s *policy.Spec) {
		s.Route = policy.Route{{Channel: channel.Push, Tries: 1}, {Channel: channel.Email, Tries: 1}, {Channel: channel.Push, Tries: 2}, {Channel: channel.SMS, Tries: 1}}
	})
	reachable := channel.NewSet(channel.Email, channel.SMS)
	for _, c := range []struct {
		s      billing.State
		halted channel.Kind
		want   string
	}{
		{billing.State{Attempt: 1, Round: 1, Step: 4}, channel.Email, "WAIT channel_halted for EMAIL"}, // refused by e-mail, then put back
		{billing.State{Attempt: 1, Round: 1, Step: 4}, channel.Push, "DISPATCH due SMS step 4"},
		{billing.State{Attempt: 1, Step: 1}, channel.Push, "DISPATCH due EMAIL step 1"}, // nothing before it is reachable any more
	} {
		c.s.Key, c.s.Dispatch, c.s.Reachable = user, billing.Ready, reachable
		target := restored(t, c.s)
		got := target.Under(channel.NewSet(c.halted), billing.Decide(target, snapshot(v), monday))
		if !strings.HasPrefix(got.String(), c.want+" ") {
			t.Errorf("at step %d, %s halted: %s, want %s", c.s.Step, c.halted, got, c.want)
		}
	}
}

// Published at 20:59, asked again at 21:01.
func TestQuietHoursDeferWithoutSpendingAnything(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, func(s *policy.Spec) {
		s.QuietHours, s.QuietChannels = minutes("21:00", "08:00"), channel.NewSet(channel.SMS)
	})
	before := monday.Add(-time.Minute) // 20:59
	sms := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.SMS)})
	if d := billing.Decide(sms, snapshot(v), before); d.Kind() != billing.Dispatch {
		t.Errorf("at 20:59: %s", d)
	}
	d := billing.Decide(sms, snapshot(v), monday.Add(time.Minute))
	opening := time.Date(2026, time.November, 3, 8, 0, 0, 0, seoul)
	if d.Kind() != billing.Deferral || d.Rule != billing.RuleQuietHours || !d.Until.Equal(opening) {
		t.Errorf("at 21:01: %s", d)
	}
	sms.Defer(d)
	if s := sms.State(); s.Attempt != 0 || s.Round != 0 || s.Dispatch != billing.Ready || !s.AvailableAt.Equal(opening) || s.LastDecision != d.String() {
		t.Errorf("got %+v", s)
	}
	if d := billing.Decide(sms, snapshot(v), opening); d.Kind() != billing.Dispatch {
		t.Errorf("at 08:00: %s", d)
	}
	email := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.Email)})
	if d := billing.Decide(email, snapshot(v), monday); d.Kind() != billing.Dispatch {
		t.Errorf("e-mail is not bound: %s", d)
	}
}

func TestTheEarlierDeadlineCounts(t *testing.T) {
	t.Parallel()
	v := emailEmailSMS(t, func(s *policy.Spec) { s.Deadline = 36 * time.Hour }) // until the 2nd, noon, in Seoul
	general := time.Date(2026, time.November, 2, 12, 0, 0, 0, seoul)
	for _, c := range []struct{ own, want time.Time }{
		{time.Time{}, general}, {general.Add(time.Hour), general}, {general.Add(-time.Hour), general.Add(-time.Hour)},
	} {
		target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Deadline: c.own, Reachable: channel.NewSet(channel.Email)})
		last := billing.Decide(target, snapshot(v), c.want.Add(-1))
		if last.Kind() != billing.Dispatch || !last.Deadline.Equal(c.want) {
			t.Errorf("just before %s: %s until %s", c.want, last, last.Deadline)
		}
		if d := billing.Decide(target, snapshot(v), c.want); d.Kind() != billing.Expire || d.End != billing.Expired {
			t.Errorf("at %s: %s", c.want, d)
		}
	}
}

func TestATargetStaysBoundToItsPolicy(t *testing.T) {
	t.Parallel()
	old := emailEmailSMS(t, nil)
	retired := must(policy.Restore(old.Ref(), policy.Retired, old.Spec()))
	spec := old.Spec()
	spec.Route = policy.Route{{Channel: channel.Push, Tries: 1}}
	active := must(policy.Restore(policy.Ref{ID: 7, Version: 4}, policy.Active, spec))
	both := must(policy.NewSnapshot([]policy.Version{retired, active}))
	s := billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.All...)}
	for ref, want := range map[policy.Ref]channel.Kind{{}: channel.Push, active.Ref(): channel.Push, retired.Ref(): channel.Email} {
		s.Policy = ref
		if d := billing.Decide(restored(t, s), both, monday); d.Channel != want {
			t.Errorf("bound to %s: %s", ref, d)
		}
	}
	s.Policy = policy.Ref{ID: 1, Version: 1}
	if d := billing.Decide(restored(t, s), both, monday); d.Rule.Pause() != billing.PauseNoPolicy || !strings.HasPrefix(d.String(), "PAUSE no_policy") {
		t.Errorf("bound to a policy that is gone: %s", d)
	}
}

func TestAnEventThatWasNotAcknowledgedChangesOnlyTheTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		target := drawTarget(t, v)
		before := target.State()
		target.PublishFailed(billing.Decision{Rule: billing.RuleDue, Policy: v}, monday, "no ack")
		after := target.State()
		pause := after.AvailableAt.Sub(monday)
		if pause < v.PublishRetry().Base || pause > v.PublishRetry().Base*6/5+1 || after.LastError != "no ack" {
			t.Fatalf("it waits %s", pause)
		}
		after.AvailableAt, after.LastRule, after.LastDecision, after.LastError = before.AvailableAt, before.LastRule, before.LastDecision, before.LastError
		if after != before {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func TestANewTargetWaitsForItsSendDay(t *testing.T) {
	t.Parallel()
	opening := time.Date(2026, time.November, 3, 9, 0, 0, 0, seoul)
	for day, want := range map[int]time.Time{0: opening, 3: opening, 31: time.Date(2026, time.November, 30, 0, 0, 0, 0, seoul)} {
		if got, err := billing.FirstAvailable(opening, day, seoul); err != nil || !got.Equal(want) {
			t.Errorf("send day %d: %s, want %s (%v)", day, got, want, err)
		}
	}
}

// An advertising SMS went out at 23:30, because the customer's own hours began at 00:00.
func TestAdvertisingIsBoundByThePolicysHoursAndTheCustomersOwn(t *testing.T) {
	t.Parallel()
	for class, want := range map[policy.MessageClass]map[string]string{
		policy.Advertising:   {"23:30": "08:00 +1", "12:15": "13:00", "14:00": "14:00", "05:00": "08:00"},
		policy.Transactional: {"23:30": "23:30", "12:15": "13:00", "14:00": "14:00", "05:00": "05:00"},
	} {
		v := emailEmailSMS(t, func(s *policy.Spec) {
			s.Class, s.QuietHours, s.QuietChannels = class, minutes("21:00", "08:00"), channel.NewSet(channel.All...)
		})
		target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.SMS), Quiet: minutes("12:00", "13:00")})
		for at, opening := range want {
			now := clock(t, at)
			d := billing.Decide(target, snapshot(v), now)
			if got := d.Quiet.NextOpening(now); !got.Equal(clock(t, opening)) || (d.Kind() == billing.Dispatch) != (at == opening) {
				t.Errorf("%s at %s: %s, open at %s, want %s", class, at, d, got, opening)
			}
		}
	}
}

// The zone of the customer's own hours is the customer's clock: the policy's hours go by it too.
func TestThePolicysHoursGoByTheClockOfTheCustomersOwnHours(t *testing.T) {
	t.Parallel()
	york := must(window.Zone("America/New_York"))
	v := emailEmailSMS(t, func(s *policy.Spec) {
		s.Class, s.QuietHours, s.QuietChannels = policy.Advertising, minutes("21:00", "08:00"), channel.NewSet(channel.All...)
	})
	target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.SMS), Quiet: minutes("12:00", "13:00").In(york)})
	for hour, open := range map[int]bool{7: false, 8: true, 12: false, 13: true, 20: true, 21: false} {
		at := time.Date(2026, time.November, 23, hour, 30, 0, 0, york)
		if d := billing.Decide(target, snapshot(v), at); (d.Kind() == billing.Dispatch) != open {
			t.Errorf("at %s: %s, want open: %v", at, d, open)
		}
	}
}

// clock is a time of Monday in Seoul, "08:00 +1" of the day after.
func clock(t *testing.T, text string) time.Time {
	t.Helper()
	text, next := strings.CutSuffix(text, " +1")
	at, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-23 "+text, seoul)
	if err != nil {
		t.Fatal(err)
	}
	if next {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// The zone of a row without hours of its own was lost: Seoul's hours woke New York.
func TestThePolicysHoursGoByTheClockOfTheCustomersZone(t *testing.T) {
	t.Parallel()
	york, err := window.Zone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	v := emailEmailSMS(t, func(s *policy.Spec) {
		s.QuietHours, s.QuietChannels = minutes("21:00", "08:00"), channel.NewSet(channel.All...)
	})
	target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: channel.NewSet(channel.SMS), Zone: york})
	night := time.Date(2026, 11, 23, 2, 0, 0, 0, york) // the afternoon in Seoul
	if d := billing.Decide(target, snapshot(v), night); d.Rule != billing.RuleQuietHours || !d.Until.Equal(night.Add(6*time.Hour)) {
		t.Errorf("at 02:00 in New York: %s", d)
	}
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, york) // 23:00 in Seoul
	if d := billing.Decide(target, snapshot(v), day); d.Rule != billing.RuleDue {
		t.Errorf("at 09:00 in New York: %s", d)
	}
}

// An opt-out of advertising cost bills their channel.
func TestAnOptOutOfAdvertisingCostsABillNothing(t *testing.T) {
	t.Parallel()
	for class, want := range map[policy.MessageClass]string{
		policy.Transactional: "DISPATCH due EMAIL step 0 by policy 7 v3",
		policy.Advertising:   "DISPATCH due SMS step 2 by policy 7 v3, skipped EMAIL (suppressed)",
	} {
		v := emailEmailSMS(t, func(s *policy.Spec) { s.Class, s.QuietChannels = class, channel.NewSet(channel.All...) })
		both := channel.NewSet(channel.Email, channel.SMS)
		target := restored(t, billing.State{Key: user, Dispatch: billing.Ready, Reachable: both, OptedOut: channel.NewSet(channel.Email)})
		if d := billing.Decide(target, snapshot(v), monday); d.String() != want {
			t.Errorf("%s: %s, want %s", class, d, want)
		}
	}
}
