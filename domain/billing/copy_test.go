package billing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// in returns a target in a status.
func in(t *testing.T, target billing.Target, status billing.Status) billing.Target {
	t.Helper()
	s := target.State()
	s.Dispatch = status
	return must(billing.Restore(s))
}

func TestOnlyABillThatWasAcceptedIsCopiedAndTheRefusalSaysWhatToDoInstead(t *testing.T) {
	t.Parallel()
	bill := billing.New(user, monday)
	instead := map[billing.Status]string{
		billing.Ready: "--correct", billing.Failed: "--correct", billing.Requested: "--correct", billing.Paused: "target resume", billing.Unknown: "target delivered",
		billing.Cancelled: "target uncancel", billing.Exhausted: "balsong unreached", billing.Expired: "balsong unreached", billing.WrittenOff: "balsong unreached",
	}
	for _, status := range billing.Statuses {
		err := in(t, bill, status).MayCopy(nil)
		if status == billing.Succeeded {
			if err != nil {
				t.Errorf("%s: %v", status, err)
			}
			continue
		}
		if !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), instead[status]) {
			t.Errorf("%s: %v does not say %q", status, err, instead[status])
		}
	}
}

func TestThereIsOneOpenCopyAtATime(t *testing.T) {
	t.Parallel()
	bill := in(t, billing.New(user, monday), billing.Succeeded)
	first := bill.Copy(nil, channel.SMS, monday)
	for _, status := range billing.Statuses {
		err := bill.MayCopy([]billing.Target{in(t, first, status)})
		if status.Final() != (err == nil) || err != nil && !strings.Contains(err.Error(), "copy 1 is "+string(status)) {
			t.Errorf("with a copy that is %s: %v", status, err)
		}
	}
	second := bill.Copy([]billing.Target{first}, channel.SMS, monday)
	if first.Key() == second.Key() || first.Key() == user || first.Key().Bill() != user || second.Key().Bill() != user || second.Key().CopyNumber() != 2 {
		t.Errorf("the keys are %s, %s and %s", user, first.Key(), second.Key())
	}
}

func TestACopyGoesOutByTheRulesOfEveryBillButItsDeadlineIsItsOwn(t *testing.T) {
	t.Parallel()
	bill := in(t, billing.New(user, monday), billing.Succeeded)
	version := emailEmailSMS(t, func(s *policy.Spec) {
		s.Deadline = 24 * time.Hour
		s.QuietHours, s.QuietChannels = minutes("21:00", "08:00"), channel.NewSet(channel.SMS)
	})
	late := time.Date(2026, time.November, 20, 3, 0, 0, 0, time.UTC) // 12:00 in Seoul, after the policy's deadline
	bills := billing.Decide(in(t, bill, billing.Ready), snapshot(version), late)
	if bills.Rule != billing.RuleDeadline {
		t.Fatalf("the bill is decided by %s", bills.Rule)
	}
	copied := bill.Copy(nil, channel.SMS, late)
	if d := billing.Decide(copied, snapshot(version), late); d.Rule != billing.RuleDue || d.Channel != channel.SMS || !d.Deadline.Equal(late.Add(billing.CopyPeriod)) {
		t.Errorf("the copy: %+v", d)
	}
	if d := billing.Decide(copied, snapshot(version), late.Add(10*time.Hour)); d.Rule != billing.RuleQuietHours {
		t.Errorf("at night: %+v", d)
	}
	if d := billing.Decide(copied, snapshot(version), late.Add(billing.CopyPeriod)); d.Rule != billing.RuleDeadline {
		t.Errorf("a week later: %+v", d)
	}
	s := bill.State()
	s.Suppressed = channel.NewSet(channel.SMS)
	if d := billing.Decide(must(billing.Restore(s)).Copy(nil, channel.SMS, late), snapshot(version), late); d.Rule != billing.RuleSuppressed {
		t.Errorf("on a suppressed channel: %+v", d)
	}
}
