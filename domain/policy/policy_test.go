package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
	"pgregory.net/rapid"
)

func drawRoute(t *rapid.T) policy.Route {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) policy.Leg {
		return policy.Leg{Channel: rapid.SampledFrom(channel.All).Draw(t, "channel"), Tries: rapid.IntRange(1, 4).Draw(t, "tries")}
	}), 1, 5).Draw(t, "route")
}

func drawWish(t *rapid.T) channel.Kind {
	return rapid.SampledFrom(append([]channel.Kind{""}, channel.All...)).Draw(t, "wish")
}

func good() policy.Spec {
	return policy.Spec{
		Name: "default", Zone: time.UTC,
		Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	}
}

func count(steps []channel.Kind) map[channel.Kind]int {
	counts := map[channel.Kind]int{}
	for _, kind := range steps {
		counts[kind]++
	}
	return counts
}

func TestAWishOnlyReordersTheRoute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		route, wish := drawRoute(t), drawWish(t)
		plain, wished := route.Steps(""), route.Steps(wish)
		tries := map[channel.Kind]int{}
		for _, leg := range route {
			tries[leg.Channel] += leg.Tries
		}
		for _, kind := range channel.All {
			if count(plain)[kind] != tries[kind] || count(wished)[kind] != tries[kind] {
				t.Fatalf("%v: %v for no wish, %v for %q", route, plain, wished, wish)
			}
		}
		for i, kind := range wished {
			if (kind == wish) != (i < tries[wish]) {
				t.Fatalf("%v: the wish for %s comes %v", route, wish, wished)
			}
		}
		others := func(k channel.Kind) bool { return k == wish }
		if !slices.Equal(slices.DeleteFunc(slices.Clone(plain), others), slices.DeleteFunc(slices.Clone(wished), others)) {
			t.Fatalf("%v: the other channels of %v have changed their order: %v", route, plain, wished)
		}
	})
}

func TestTheRouteEmailEmailSMSIsWrittenOut(t *testing.T) {
	t.Parallel()
	for wish, want := range map[channel.Kind][]channel.Kind{
		"":            {channel.Email, channel.Email, channel.SMS},
		channel.Email: {channel.Email, channel.Email, channel.SMS},
		channel.SMS:   {channel.SMS, channel.Email, channel.Email},
		channel.Push:  {channel.Email, channel.Email, channel.SMS},
	} {
		if got := good().Route.Steps(wish); !slices.Equal(got, want) {
			t.Errorf("wish %q: %v, want %v", wish, got, want)
		}
	}
}

func TestAHardRefusalJumpsToTheNextOtherChannel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		steps := drawRoute(t).Steps(drawWish(t))
		at := rapid.IntRange(0, len(steps)-1).Draw(t, "at")
		want := -1
		for i := len(steps) - 1; i > at; i-- {
			if steps[i] != steps[at] {
				want = i
			}
		}
		if got := policy.NextOther(steps, int16(at)); int(got) != want {
			t.Fatalf("%v after %d: %d, want %d", steps, at, got, want)
		}
		next := at + 1
		if next == len(steps) {
			next = -1
		}
		if got := policy.Next(steps, int16(at)); int(got) != next {
			t.Fatalf("%v after %d: next is %d, want %d", steps, at, got, next)
		}
	})
}

// A step that the route does not have comes from another version's row or from damage: there is no next one.
func TestAStepOutsideTheRouteHasNoNextOther(t *testing.T) {
	t.Parallel()
	steps := good().Route.Steps("")
	for _, step := range []int16{-1, 3, 100} {
		if got := policy.NextOther(steps, step); got != -1 {
			t.Errorf("after step %d comes %d", step, got)
		}
	}
}

func quiet(from, to window.Minute) window.Forbidden {
	forbidden, err := window.NewForbidden(from, to, time.UTC)
	if err != nil {
		panic(err)
	}
	return forbidden
}

func TestPoliciesThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*policy.Spec){
		"name":                  func(s *policy.Spec) { s.Name = "" },
		"route: names":          func(s *policy.Spec) { s.Route = nil },
		"route: leg 1: \"FAX\"": func(s *policy.Spec) { s.Route = policy.Route{{Channel: "FAX", Tries: 1}} },
		"route: leg 1: EMAIL":   func(s *policy.Spec) { s.Route = policy.Route{{Channel: channel.Email}} },
		"route: leg 2: SMS":     func(s *policy.Spec) { s.Route[1].Tries = -1 },
		"route: leg 1: PUSH":    func(s *policy.Spec) { s.Route = policy.Route{{Channel: channel.Push, Tries: policy.MaxSteps + 1}} },
		"route: has 101":        func(s *policy.Spec) { s.Route = policy.Route{{channel.Push, 100}, {channel.SMS, 1}} },
		"zone":                  func(s *policy.Spec) { s.Zone = nil },
		"deadline":              func(s *policy.Spec) { s.Deadline = -1 },
		"deadline: 8h0m0s after": func(s *policy.Spec) {
			s.QuietHours, s.QuietChannels, s.Deadline = quiet(21*60, 8*60), channel.NewSet(channel.Email, channel.SMS), 8*time.Hour
		},
		"deadline: 23h0m0s after": func(s *policy.Spec) {
			s.QuietHours, s.QuietChannels, s.Deadline = quiet(0, 23*60+59), channel.NewSet(channel.All...), 23*time.Hour
		},
		"call_deadline": func(s *policy.Spec) { s.CallDeadline = -1 },
		"max_rounds":    func(s *policy.Spec) { s.MaxRounds = -1 },
		"max_requeues":  func(s *policy.Spec) { s.MaxRequeues = -1 },
		"class":         func(s *policy.Spec) { s.Class = "SPAM" },
		"route: AlimTalk carries no advertising": func(s *policy.Spec) {
			s.Route = policy.Route{{Channel: channel.AlimTalk, Tries: 1}}
			s.Class, s.QuietChannels = policy.Advertising, channel.NewSet(channel.All...)
		},
		"quiet_hours.channels": func(s *policy.Spec) { s.Class, s.QuietChannels = policy.Advertising, channel.NewSet(channel.SMS) },
		"backoff.temporary": func(s *policy.Spec) {
			s.Backoff = map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: {Base: time.Hour, Factor: 1, Max: time.Minute}}
		},
		"backoff.throttled": func(s *policy.Spec) {
			s.Backoff = map[attempt.FailureClass]attempt.Backoff{attempt.Throttled: {Base: -time.Minute, Factor: 1, Max: time.Minute}}
		},
		"backoff.permanent": func(s *policy.Spec) {
			s.Backoff = map[attempt.FailureClass]attempt.Backoff{attempt.Permanent: policy.DefaultBackoff}
		},
		"backoff.temporary: ": func(s *policy.Spec) {
			s.Backoff = map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: {Base: time.Minute, Factor: 0.5, Max: time.Hour}}
		},
		"publish_retry":   func(s *policy.Spec) { s.PublishRetry = attempt.Backoff{Base: -1, Factor: 1} },
		"unknown.SMS":     func(s *policy.Spec) { s.Unknown = map[channel.Kind]attempt.UnknownPolicy{channel.SMS: "guess"} },
		"undelivered.SMS": func(s *policy.Spec) { s.Undelivered = map[channel.Kind]policy.Undelivered{channel.SMS: "guess"} },
		"undelivered.FAX": func(s *policy.Spec) {
			s.Undelivered = map[channel.Kind]policy.Undelivered{"FAX": policy.UndeliveredNote}
		},
		"unknown.FAX": func(s *policy.Spec) { s.Unknown = map[channel.Kind]attempt.UnknownPolicy{"FAX": attempt.Hold} },
	} {
		spec := good()
		change(&spec)
		if _, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec); !errors.Is(err, policy.ErrInvalid) || !strings.Contains(err.Error(), ": "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	spec := good()
	spec.QuietHours, spec.QuietChannels, spec.Deadline = quiet(21*60, 8*60), channel.NewSet(channel.Email, channel.SMS), 8*time.Hour+time.Minute
	if _, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec); err != nil {
		t.Errorf("a deadline a minute behind the first opening: %v", err)
	}
	spec.QuietChannels, spec.Deadline = channel.NewSet(channel.SMS), time.Hour
	if _, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec); err != nil {
		t.Errorf("a short deadline where quiet hours do not bind every channel: %v", err)
	}
	spec = good()
	spec.Class, spec.QuietChannels = policy.Advertising, channel.NewSet(channel.All...)
	if _, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec); err != nil {
		t.Errorf("an advertising policy that binds every channel: %v", err)
	}
	spec.QuietChannels = spec.Route.Channels() // as it was stored before there were others
	if _, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec); err != nil {
		t.Errorf("an advertising policy that binds every channel of its route: %v", err)
	}
}

func TestWhatASpecLeavesOutHasADefault(t *testing.T) {
	t.Parallel()
	v, err := policy.New(policy.Ref{ID: 7, Version: 3}, good())
	if err != nil {
		t.Fatal(err)
	}
	if v.MaxRounds() != 30 || v.MaxRequeues() != 3 || v.Spec().Class != policy.Transactional || v.Status() != policy.Draft || v.Ref().String() != "7 v3" {
		t.Errorf("got %+v", v)
	}
	for _, class := range attempt.FailureClasses {
		if v.BackoffFor(class) != policy.DefaultBackoff {
			t.Errorf("%s waits %+v", class, v.BackoffFor(class))
		}
	}
	if v.PublishRetry().Validate() != nil || v.UnknownFor(channel.SMS) != attempt.Hold {
		t.Errorf("got %+v, %s", v.PublishRetry(), v.UnknownFor(channel.SMS))
	}
	if start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC); !v.Deadline(start).IsZero() {
		t.Errorf("the deadline is %s", v.Deadline(start))
	}
}

func TestAVersionCannotBeChangedFromOutside(t *testing.T) {
	t.Parallel()
	spec := good()
	spec.Unknown = map[channel.Kind]attempt.UnknownPolicy{channel.SMS: attempt.Resend}
	v, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Route[0].Channel, spec.Unknown[channel.SMS] = channel.Push, attempt.Hold
	out := v.Spec()
	out.Route[0].Channel, out.Unknown[channel.SMS] = channel.Push, attempt.Hold
	out.Backoff[attempt.Temporary] = attempt.Backoff{}
	if v.Steps("")[0] != channel.Email || v.UnknownFor(channel.SMS) != attempt.Resend || v.BackoffFor(attempt.Temporary) != policy.DefaultBackoff {
		t.Errorf("the version has changed: %+v", v.Spec())
	}
}

func TestAVersionLivesByItsTable(t *testing.T) {
	t.Parallel()
	for _, from := range []policy.Status{policy.Draft, policy.Active, policy.Retired} {
		v, err := policy.Restore(policy.Ref{ID: 1, Version: 1}, from, good())
		if err != nil {
			t.Fatal(err)
		}
		for to, change := range map[policy.Status]func() (policy.Version, error){policy.Active: v.Activate, policy.Retired: v.Retire} {
			after, err := change()
			allowed := (from == policy.Draft && to == policy.Active) || (from == policy.Active && to == policy.Retired)
			if allowed != (err == nil) || slices.Contains(policy.Transitions, policy.Transition{From: from, To: to}) != allowed {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if want := map[bool]policy.Status{true: to, false: from}[allowed]; after.Status() != want {
				t.Errorf("%s to %s: it is %s", from, to, after.Status())
			}
			if err != nil && !errors.Is(err, policy.ErrTransition) {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

func restore(t *testing.T, version int32, status policy.Status) policy.Version {
	t.Helper()
	v, err := policy.Restore(policy.Ref{ID: 1, Version: version}, status, good())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestASnapshotHasOneActiveVersion(t *testing.T) {
	t.Parallel()
	retired, active, other := restore(t, 1, policy.Retired), restore(t, 2, policy.Active), restore(t, 3, policy.Active)
	if _, err := policy.NewSnapshot([]policy.Version{retired}); !errors.Is(err, policy.ErrNoActive) {
		t.Errorf("none is ACTIVE: %v", err)
	}
	if _, err := policy.NewSnapshot([]policy.Version{active, other}); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("two are ACTIVE: %v", err)
	}
	s, err := policy.NewSnapshot([]policy.Version{retired, active})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[policy.Ref]policy.Ref{{}: active.Ref(), active.Ref(): active.Ref(), retired.Ref(): retired.Ref()} {
		if v, ok := s.For(ref); !ok || v.Ref() != want {
			t.Errorf("%s is bound to %s", ref, v.Ref())
		}
	}
	if v, ok := s.For(policy.Ref{ID: 9, Version: 9}); ok {
		t.Errorf("a version that is gone is %s", v.Ref())
	}
	if _, ok := (policy.Snapshot{}).For(policy.Ref{}); ok {
		t.Error("an empty snapshot has a version")
	}
}
