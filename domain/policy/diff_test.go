package policy_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

func TestEveryProblemOfAPolicyIsListedNotOnlyTheFirst(t *testing.T) {
	t.Parallel()
	spec := policy.Spec{
		Route: policy.Route{{Channel: channel.Email}}, Deadline: -1, Class: "SPAM",
		Backoff: map[attempt.FailureClass]attempt.Backoff{attempt.Permanent: {Factor: 1}, attempt.Temporary: {Base: -1, Factor: 1}},
		Unknown: map[channel.Kind]attempt.UnknownPolicy{channel.SMS: "guess"},
	}
	var fields []string
	for _, p := range spec.Problems() {
		fields = append(fields, p.Field)
		if p.Reason == "" {
			t.Errorf("%s has no reason", p.Field)
		}
	}
	want := []string{"name", "route", "zone", "deadline", "class", "backoff.permanent", "backoff.temporary", "unknown.SMS"}
	if !reflect.DeepEqual(fields, want) {
		t.Errorf("problems of %q, want of %q", fields, want)
	}
	_, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec)
	var invalid *policy.Invalid
	if !errors.As(err, &invalid) || len(invalid.Problems) != len(want) || !errors.Is(err, policy.ErrInvalid) || !strings.Contains(err.Error(), "; zone: is missing") {
		t.Errorf("the error is %v", err)
	}
}

// Each field that can be changed shows, and nothing else does.
func TestADiffShowsExactlyWhatChanged(t *testing.T) {
	t.Parallel()
	seoul, err := window.Zone("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	hours := attempt.Backoff{Base: time.Hour, Factor: 2, Max: 4 * time.Hour}
	for field, c := range map[string]struct {
		change func(*policy.Spec)
		after  string
	}{
		"name":                 {func(s *policy.Spec) { s.Name = "other" }, "other"},
		"zone":                 {func(s *policy.Spec) { s.Zone = seoul }, "Asia/Seoul"},
		"route":                {func(s *policy.Spec) { s.Route[1].Tries = 3 }, "EMAIL ×2 → SMS ×3"},
		"backoff.temporary":    {func(s *policy.Spec) { s.Backoff = map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: hours} }, "1h0m0s ×2, at most 4h0m0s"},
		"publish_retry":        {func(s *policy.Spec) { s.PublishRetry = hours }, "1h0m0s ×2, at most 4h0m0s"},
		"quiet_hours":          {func(s *policy.Spec) { s.QuietHours, _ = window.NewForbidden(21*60, 8*60, seoul) }, "21:00–08:00 Asia/Seoul"},
		"quiet_hours.channels": {func(s *policy.Spec) { s.QuietChannels = channel.NewSet(channel.SMS, channel.Push) }, "SMS, PUSH"},
		"deadline":             {func(s *policy.Spec) { s.Deadline = time.Hour }, "1h0m0s"},
		"call_deadline":        {func(s *policy.Spec) { s.CallDeadline = time.Minute }, "1m0s"},
		"undelivered.SMS": {func(s *policy.Spec) {
			s.Undelivered = map[channel.Kind]policy.Undelivered{channel.SMS: policy.UndeliveredNext}
		}, "next"},
		"unknown.SMS":  {func(s *policy.Spec) { s.Unknown = map[channel.Kind]attempt.UnknownPolicy{channel.SMS: attempt.Resend} }, "resend"},
		"max_rounds":   {func(s *policy.Spec) { s.MaxRounds = 7 }, "7"},
		"max_requeues": {func(s *policy.Spec) { s.MaxRequeues = 7 }, "7"},
	} {
		after := good()
		c.change(&after)
		if got := policy.Diff(good(), after); len(got) != 1 || got[0].Field != field || got[0].After != c.after || got[0].Before == c.after {
			t.Errorf("%s: %+v", field, got)
		}
	}
	written := good()
	written.MaxRounds, written.Class = 30, policy.Transactional // what is left out means the same
	if got := policy.Diff(good(), written); len(got) != 0 {
		t.Errorf("nothing changed, and it shows %+v", got)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"1v3", "1 v3", "", "v", "1v", "v3", "0v1", "1v0", "01v3", "+1v3", "1  v3", "9223372036854775808v1", "1v2147483648"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := policy.ParseRef(text)
		if err != nil {
			if !ref.IsZero() {
				t.Fatalf("%q: %v beside an error", text, ref)
			}
			return
		}
		if ref.ID < 1 || ref.Version < 1 || strings.ReplaceAll(ref.String(), " ", "") != strings.ReplaceAll(text, " ", "") {
			t.Fatalf("%q is read as %v", text, ref)
		}
	})
}
