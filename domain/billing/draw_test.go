package billing_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests' zones, wherever they run

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
	"pgregory.net/rapid"
)

var (
	month  = must(key.NewMonth(2026, time.November))
	seoul  = must(window.Zone("Asia/Seoul"))
	monday = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC) // 21:00 in Seoul
	user   = key.Target{Month: month, UserID: 4711}
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// fails is what testing.T and rapid.T share.
type fails interface {
	Helper()
	Fatalf(format string, args ...any)
}

func minutes(from, to string) window.Forbidden {
	return must(window.NewForbidden(must(window.ParseMinute(from)), must(window.ParseMinute(to)), seoul))
}

// emailEmailSMS is the route of the documentation; change may alter the rest.
func emailEmailSMS(t fails, change func(*policy.Spec)) policy.Version {
	t.Helper()
	spec := policy.Spec{
		Name: "default", Zone: seoul, MaxRounds: 3,
		Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	}
	if change != nil {
		change(&spec)
	}
	v, err := policy.Restore(policy.Ref{ID: 7, Version: 3}, policy.Active, spec)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

func snapshot(v policy.Version) policy.Snapshot { return must(policy.NewSnapshot([]policy.Version{v})) }

// only finds one version.
func only(v policy.Version) billing.Policies {
	return func(ref policy.Ref) (policy.Version, bool) { return v, ref == v.Ref() }
}

func restored(t fails, s billing.State) billing.Target {
	t.Helper()
	target, err := billing.Restore(s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return target
}

// row is the ledger row of a target's current key.
func row(t billing.Target, v policy.Version, state attempt.State) attempt.Row {
	steps := v.Steps(t.State().Wished)
	return attempt.Row{
		Key: t.Delivery(), State: state, FinishedAt: monday, LeaseUntil: monday,
		Facts: attempt.Facts{
			Channel: steps[min(int(t.State().Step), len(steps)-1)], Step: t.State().Step,
			PolicyID: v.Ref().ID, PolicyVersion: v.Ref().Version, Unknown: attempt.Hold,
		},
	}
}

func drawVersion(t *rapid.T) policy.Version {
	return emailEmailSMS(t, func(s *policy.Spec) {
		s.Route = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) policy.Leg {
			return policy.Leg{Channel: rapid.SampledFrom(channel.All).Draw(t, "channel"), Tries: rapid.IntRange(1, 2).Draw(t, "tries")}
		}), 1, 3).Draw(t, "route")
		s.QuietChannels = channel.Set(rapid.IntRange(0, 15).Draw(t, "quiet channels"))
		s.QuietHours = rapid.SampledFrom([]window.Forbidden{{}, minutes("21:00", "08:00")}).Draw(t, "quiet")
		if rapid.Bool().Draw(t, "advertising") && !s.Route.Channels().Has(channel.AlimTalk) {
			s.Class, s.QuietChannels = policy.Advertising, channel.NewSet(channel.All...)
		}
		s.Deadline = rapid.SampledFrom([]time.Duration{0, 36 * time.Hour, 10 * 24 * time.Hour}).Draw(t, "deadline")
	})
}

// drawTarget draws any target that the policy's route has room for.
func drawTarget(t *rapid.T, v policy.Version) billing.Target {
	status := rapid.SampledFrom(billing.Statuses).Draw(t, "status")
	s := billing.State{
		Key: user, Batch: billing.Rendered, Dispatch: status,
		Attempt: rapid.Int16Range(0, 3).Draw(t, "attempt"), Round: rapid.Int16Range(0, 4).Draw(t, "round"),
		Step:        rapid.Int16Range(0, int16(len(v.Steps(""))-1)).Draw(t, "step"),
		Policy:      rapid.SampledFrom([]policy.Ref{{}, v.Ref()}).Draw(t, "policy"),
		AvailableAt: monday.Add(time.Duration(rapid.IntRange(-48, 48).Draw(t, "available")) * time.Hour),
		Requeues:    rapid.Int16Range(0, 4).Draw(t, "requeues"),
		Quiet:       rapid.SampledFrom([]window.Forbidden{{}, minutes("11:00", "13:00"), minutes("22:00", "06:00")}).Draw(t, "own quiet"),
		Deadline:    rapid.SampledFrom([]time.Time{{}, monday.Add(-time.Hour), monday.Add(time.Hour)}).Draw(t, "own deadline"),
		Wished:      rapid.SampledFrom(append([]channel.Kind{""}, channel.All...)).Draw(t, "wished"),
		Reachable:   channel.Set(rapid.IntRange(0, 7).Draw(t, "reachable")),
		Suppressed:  channel.Set(rapid.IntRange(0, 7).Draw(t, "suppressed")),
		OptedOut:    channel.Set(rapid.IntRange(0, 7).Draw(t, "opted out")),
	}
	if s.Quiet.IsZero() {
		s.Zone = rapid.SampledFrom([]*time.Location{nil, time.UTC, time.FixedZone("elsewhere", -5*3600)}).Draw(t, "zone")
	}
	if !status.Final() {
		s.PendingEnd = rapid.SampledFrom([]billing.Status{"", "", "", billing.Cancelled, billing.Expired, billing.Exhausted}).Draw(t, "wish")
	}
	if status == billing.Paused {
		s.Pause = rapid.SampledFrom([]billing.PauseReason{
			billing.PauseOperator, billing.PauseContent, billing.PauseRounds, billing.PauseCorrected,
		}).Draw(t, "pause")
	}
	return restored(t, s)
}

// drawRow draws any row of a key.
func drawRow(t *rapid.T, target billing.Target, v policy.Version, k key.Delivery) attempt.Row {
	r := row(target, v, rapid.SampledFrom(attempt.States).Draw(t, "state"))
	r.Key = k
	r.Unknown = rapid.SampledFrom([]attempt.UnknownPolicy{attempt.Hold, attempt.Resend}).Draw(t, "unknown")
	r.ClaimedAt, r.ChangedAt = rapid.SampledFrom([]time.Time{{}, monday.Add(-time.Hour), monday.Add(time.Hour)}).Draw(t, "claimed at"), monday
	switch r.State { //nolint:exhaustive // the other states carry no more
	case attempt.Unknown:
		r.Reason = rapid.SampledFrom([]attempt.Reason{attempt.ReasonNoAnswer, attempt.ReasonLease, attempt.ReasonRestored}).Draw(t, "reason")
	case attempt.Failed:
		r.Class = rapid.SampledFrom([]attempt.FailureClass{attempt.Permanent, attempt.Temporary, attempt.Content, attempt.Suppressed}).Draw(t, "class")
		r.Reason = attempt.ReasonRefused
	case attempt.NotSent:
		r.Reason = rapid.SampledFrom([]attempt.Reason{
			attempt.ReasonWindow, attempt.ReasonExpired, attempt.ReasonThrottled, attempt.ReasonSendBy, attempt.ReasonNotCalled,
		}).Draw(t, "reason")
		r.NotBefore = rapid.SampledFrom([]time.Time{{}, monday.Add(9 * time.Hour)}).Draw(t, "not before")
	}
	return r
}

// drawLedger draws rows for some of the keys up to the target's current one, the current one's row among them or not.
func drawLedger(t *rapid.T, target billing.Target, v policy.Version) []attempt.Row {
	var rows []attempt.Row
	s := target.State()
	for a := int16(0); a <= s.Attempt; a++ {
		k := key.Delivery{Month: user.Month, UserID: user.UserID, Attempt: a, Round: s.Round}
		if a < s.Attempt || rapid.IntRange(0, 5).Draw(t, "has a row") > 0 {
			rows = append(rows, drawRow(t, target, v, k))
		}
	}
	return rows
}

func TestATargetThatCannotBeIsNotRestored(t *testing.T) {
	t.Parallel()
	sound := billing.State{Key: user, Dispatch: billing.Ready}
	for name, change := range map[string]func(*billing.State){
		"no user":        func(s *billing.State) { s.Key.UserID = 0 },
		"no month":       func(s *billing.State) { s.Key.Month = 0 },
		"attempt":        func(s *billing.State) { s.Attempt = -1 },
		"round":          func(s *billing.State) { s.Round = -1 },
		"step":           func(s *billing.State) { s.Step = -1 },
		"wish succeeded": func(s *billing.State) { s.PendingEnd = billing.Succeeded },
		"wish paused":    func(s *billing.State) { s.PendingEnd = billing.Paused },
	} {
		s := sound
		change(&s)
		if _, err := billing.Restore(s); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	fresh := billing.New(user, monday)
	if back := restored(t, fresh.State()); back != fresh || fresh.Status() != billing.Ready || fresh.Key() != user {
		t.Errorf("got %+v", back)
	}
}
