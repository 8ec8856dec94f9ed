package behaviour

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func settings(change func(*Settings)) Settings {
	var s Settings
	change(&s)
	return s.WithDefaults()
}

func key(user int) Call {
	return Call{Channel: Email, Key: fmt.Sprintf("2026-11/%d/0/0", user), Destination: fmt.Sprintf("u%d@example.com", user)}
}

func TestTheSameCallsAreDecidedTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	s := settings(func(s *Settings) {
		s.Seed = 7
		s.Email.Temporary, s.Email.Permanent, s.Email.Throttled, s.Email.AcceptThenDrop = .2, .2, .2, .2
		s.Email.Latency = Latency{Kind: Lognormal, Mean: Duration(time.Second), P99: Duration(3 * time.Second)}
	})
	decide := func(users []int) map[int][2]Decision {
		g, decisions := New(s, start), make(map[int][2]Decision)
		for _, user := range users {
			decisions[user] = [2]Decision{g.Decide(key(user), start), g.Decide(key(user), start)}
		}
		return decisions
	}
	var forwards, backwards []int
	for i := range 500 {
		forwards, backwards = append(forwards, i), append(backwards, 499-i)
	}
	first, second := decide(forwards), decide(backwards)
	tryCounts := false
	for user, decision := range first {
		if second[user] != decision {
			t.Fatalf("user %d: %+v, then %+v", user, decision, second[user])
		}
		tryCounts = tryCounts || decision[0] != decision[1]
	}
	if !tryCounts {
		t.Error("the second try of a key is always decided as the first")
	}
	s.Seed = 8
	if other := decide(forwards); other[1] == first[1] && other[2] == first[2] && other[3] == first[3] {
		t.Error("another seed decides the same")
	}
}

func TestSharesAreMet(t *testing.T) {
	t.Parallel()
	g := New(settings(func(s *Settings) {
		c := &s.Email
		c.Temporary, c.Permanent, c.Throttled, c.Content, c.AcceptThenDrop = .05, .02, .02, .03, .01
	}), start)
	const n = 100_000
	counts := make(map[Outcome]float64)
	for user := range n {
		counts[g.Decide(key(user), start).Outcome]++
	}
	for outcome, share := range map[Outcome]float64{
		RefusedPermanent: .02, RefusedContent: .03, RefusedTemporary: .05 * .95, RefusedThrottled: .02 * .95, AcceptedThenDropped: .01 * .95,
	} {
		if got := counts[outcome] / n; math.Abs(got-share) > .003 {
			t.Errorf("%v: %v, want %v", outcome, got, share)
		}
	}
}

func TestAPermanentRefusalStaysWithTheAddressee(t *testing.T) {
	t.Parallel()
	g := New(settings(func(s *Settings) { s.Email.Permanent, s.SMS.Permanent = .5, .5 }), start)
	differs := false
	for user := range 200 {
		first := g.Decide(key(user), start).Outcome
		for attempt := range 5 {
			again := key(user)
			again.Key = fmt.Sprintf("2026-11/%d/%d/3", user, attempt)
			if got := g.Decide(again, start).Outcome; got != first {
				t.Fatalf("user %d, attempt %d: %v, before %v", user, attempt, got, first)
			}
		}
		sms := key(user)
		sms.Channel = SMS
		differs = differs || g.Decide(sms, start).Outcome != first
	}
	if !differs {
		t.Error("a refusal by e-mail always is one by SMS")
	}
	anonymous := Call{Channel: Email, Destination: "Kim@example.com"}
	lower := Call{Channel: Email, Destination: "kim@example.com"}
	if g.Decide(anonymous, start).Outcome != g.Decide(lower, start).Outcome {
		t.Error("without a key, the case of the address matters")
	}
}

func TestTheLimitRefillsAndDoesNotSpendATry(t *testing.T) {
	t.Parallel()
	limited := New(settings(func(s *Settings) {
		s.Email.TPS, s.Email.Temporary, s.Email.RetryAfter = 1, .5, Duration(time.Millisecond)
	}), start)
	free := New(settings(func(s *Settings) { s.Email.Temporary = .5 }), start)
	now := start
	for range 20 {
		if got := limited.Decide(key(1), now); got.Outcome != free.Decide(key(1), now).Outcome {
			t.Fatalf("after %v: %v", now.Sub(start), got.Outcome)
		}
		if got := limited.Decide(key(1), now); got.Outcome != RefusedThrottled || got.RetryAfter != time.Second {
			t.Fatalf("over the limit: %+v", got)
		}
		now = now.Add(time.Second)
	}
}

func TestSlowStartIsSlowAndEnds(t *testing.T) {
	t.Parallel()
	s := settings(func(s *Settings) {
		s.SlowStart = SlowStart{For: Duration(10 * time.Second), Factor: 5}
		s.Email.Latency.Mean = Duration(time.Second)
	})
	for after, want := range map[time.Duration]time.Duration{0: 5 * time.Second, 5 * time.Second: 3 * time.Second, 10 * time.Second: time.Second} {
		d := New(s, start).Decide(key(1), start.Add(after))
		if got := d.BeforeAccept + d.Rest; got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
}

func TestLatencyDistributions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ mean, p99 time.Duration }{
		"1s":                    {time.Second, time.Second},
		"uniform:500ms,1500ms":  {time.Second, 1490 * time.Millisecond},
		"lognormal:1s,3s":       {time.Second, 3 * time.Second},
		"lognormal:100ms,100ms": {100 * time.Millisecond, 100 * time.Millisecond},
	} {
		l, err := ParseLatency(text)
		if err != nil {
			t.Fatal(err)
		}
		const n = 50_000
		var sum time.Duration
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = l.draw(float(hash(1, "u", fmt.Sprint(i))), float(hash(1, "v", fmt.Sprint(i))))
			sum += all[i]
		}
		slices.Sort(all)
		near := func(got, want time.Duration) bool { return math.Abs(float64(got-want)) < .05*float64(want) }
		if mean, p99 := sum/n, all[n*99/100]; !near(mean, want.mean) || !near(p99, want.p99) {
			t.Errorf("%s: mean %v, p99 %v", text, mean, p99)
		}
	}
	for _, text := range []string{"", "fast", "uniform:1s", "uniform:2s,1s", "lognormal:1s,20s", "lognormal:0s,1s", "-1s", "1h", "weibull:1s,2s"} {
		if _, err := ParseLatency(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestSettingsOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Settings){
		"share":      func(s *Settings) { s.SMS.Permanent = 1.1 },
		"nan":        func(s *Settings) { s.SMS.Temporary = math.NaN() },
		"sum":        func(s *Settings) { s.SMS.Temporary, s.SMS.Throttled = .6, .6 },
		"tps":        func(s *Settings) { s.Push.TPS = -1 },
		"accept at":  func(s *Settings) { x := 2.0; s.Push.AcceptAt = &x },
		"latency":    func(s *Settings) { s.Email.Latency.Kind = "weibull" },
		"refuse at":  func(s *Settings) { s.SMTP.RefuseAt = "helo" },
		"code":       func(s *Settings) { s.SMTP.ThrottleCode = 450 },
		"everybody":  func(s *Settings) { s.Email.Everybody.Code = 250 },
		"no code":    func(s *Settings) { s.SMS.Everybody.Code = 199 },
		"slow start": func(s *Settings) { s.SlowStart.Factor = .5 },
	} {
		if settings(change).Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := settings(func(*Settings) {}).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
