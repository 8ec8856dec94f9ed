package porttest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// Policies runs the suite of port.Policies.
func Policies(t *testing.T, open OpenStorage) { Run(t, PoliciesChecks(), open) }

// PoliciesChecks are the promises of port.Policies.
func PoliciesChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("numbers families and their versions", policiesNumbers),
		onStage("keeps every field of a spec", policiesRoundTrip),
		onStage("shows no drafts", policiesDrafts),
		onStage("retires the version before when one is activated", policiesActivate),
		onStage("activates drafts alone", policiesActivateOnce),
		onStage("keeps one version ACTIVE when many are activated at once", policiesActivateRace),
		onStage("refuses a spec that cannot work", policiesInvalid),
		onStage("lists every version, with who wrote it and who let it go live", policiesList),
	}
}

var act = port.Act{Actor: "kim", Reason: "a new route", At: noon}

func spec(name string) policy.Spec {
	seoul, err := window.Zone("Asia/Seoul")
	if err != nil {
		panic(err) // a machine without the zone database: nothing here can work
	}
	return policy.Spec{Name: name, Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}}, Zone: seoul}
}

// specText is a spec for comparison; zones are loaded anew and compared by name.
func specText(s policy.Spec) string {
	zone, quiet := s.Zone.String(), s.QuietHours.String()
	s.Zone, s.QuietHours = nil, window.Forbidden{}
	return fmt.Sprintf("%+v zone %s quiet %s", s, zone, quiet)
}

func (s *stage) draft(name string) policy.Version {
	s.Helper()
	return given(s.Policies.Draft(s.ctx, spec(name), act))(s)
}

// versions returns the versions that a snapshot sees, by reference, as "1 v2 ACTIVE".
func (s *stage) versions() []string {
	s.Helper()
	versions := given(s.Policies.Versions(s.ctx))(s)
	slices.SortFunc(versions, func(a, b policy.Version) int {
		return cmp.Or(cmp.Compare(a.Ref().ID, b.Ref().ID), cmp.Compare(a.Ref().Version, b.Ref().Version))
	})
	var texts []string
	for _, v := range versions {
		texts = append(texts, v.Ref().String()+" "+string(v.Status()))
	}
	return texts
}

func (s *stage) versionsAre(what string, want ...string) {
	s.Helper()
	if got := s.versions(); !slices.Equal(got, want) {
		s.Errorf("%s: %q, want %q", what, got, want)
	}
}

func policiesNumbers(s *stage) {
	first, other, second := s.draft("bills"), s.draft("reminders"), s.draft("bills")
	if first.Ref().ID < 1 || first.Ref().Version != 1 || first.Status() != policy.Draft {
		s.Errorf("the first is %s %s", first.Ref(), first.Status())
	}
	if second.Ref() != (policy.Ref{ID: first.Ref().ID, Version: 2}) {
		s.Errorf("the family's second is %s, its first %s", second.Ref(), first.Ref())
	}
	if other.Ref().ID == first.Ref().ID || other.Ref().Version != 1 {
		s.Errorf("another family's first is %s", other.Ref())
	}
	if first.Name() != "bills" || other.Name() != "reminders" {
		s.Errorf("names: %q and %q", first.Name(), other.Name())
	}
}

func policiesRoundTrip(s *stage) {
	full := spec("every field — 모두")
	var err error
	full.QuietHours, err = window.NewForbidden(21*60, 8*60, full.Zone)
	s.must(err)
	full.Backoff = map[attempt.FailureClass]attempt.Backoff{}
	for i, class := range []attempt.FailureClass{attempt.Temporary, attempt.Throttled} {
		full.Backoff[class] = attempt.Backoff{Base: time.Duration(i) * time.Second, Factor: 1.5, Max: time.Hour}
	}
	full.PublishRetry = attempt.Backoff{Base: time.Millisecond, Factor: 2, Max: time.Minute}
	full.QuietChannels = channel.NewSet(channel.All...)
	full.Class, full.Deadline = policy.Advertising, 20*24*time.Hour
	full.Undelivered = map[channel.Kind]policy.Undelivered{channel.Email: policy.UndeliveredNext, channel.SMS: policy.UndeliveredNote}
	full.Unknown = map[channel.Kind]attempt.UnknownPolicy{channel.Email: attempt.Hold, channel.SMS: attempt.Resend}
	full.CallDeadline, full.MaxRounds, full.MaxRequeues = 30*time.Second, 7, 5
	for _, want := range []policy.Spec{full, spec("defaults")} {
		drafted := given(s.Policies.Draft(s.ctx, want, act))(s)
		s.must(s.Policies.Activate(s.ctx, drafted.Ref(), act))
		versions := given(s.Policies.Versions(s.ctx))(s)
		at := slices.IndexFunc(versions, func(v policy.Version) bool { return v.Ref() == drafted.Ref() })
		if at < 0 {
			s.Fatalf("%s is not among the versions", drafted.Ref())
		}
		expected, err := policy.New(drafted.Ref(), want)
		s.must(err)
		for what, got := range map[string]policy.Spec{"drafted": drafted.Spec(), "read": versions[at].Spec()} {
			if g, w := specText(got), specText(expected.Spec()); g != w {
				s.Errorf("%s as\n%s, want\n%s", what, g, w)
			}
		}
	}
}

func policiesDrafts(s *stage) {
	s.versionsAre("of an empty store")
	s.draft("bills")
	s.versionsAre("with a draft")
}

func policiesActivate(s *stage) {
	first, second, other := s.draft("bills").Ref(), s.draft("bills").Ref(), s.draft("reminders").Ref()
	s.must(s.Policies.Activate(s.ctx, first, act))
	s.versionsAre("one activated", first.String()+" ACTIVE")
	s.must(s.Policies.Activate(s.ctx, second, act))
	s.versionsAre("the next of the family activated", first.String()+" RETIRED", second.String()+" ACTIVE")
	s.must(s.Policies.Activate(s.ctx, other, act))
	want := []string{first.String() + " RETIRED", second.String() + " RETIRED", other.String() + " ACTIVE"}
	if got := s.versions(); len(got) != 3 || !slices.Contains(got, want[0]) || !slices.Contains(got, want[1]) || !slices.Contains(got, want[2]) {
		s.Errorf("another family activated: %q, want %q", got, want)
	}
}

func policiesActivateOnce(s *stage) {
	first, second := s.draft("bills").Ref(), s.draft("bills").Ref()
	s.must(s.Policies.Activate(s.ctx, first, act))
	s.must(s.Policies.Activate(s.ctx, second, act))
	for _, ref := range []policy.Ref{first, second} {
		if err := s.Policies.Activate(s.ctx, ref, act); err == nil {
			s.Errorf("%s was activated twice", ref)
		}
	}
	for _, ref := range []policy.Ref{{ID: second.ID, Version: 9}, {ID: second.ID + 1, Version: 1}} {
		if err := s.Policies.Activate(s.ctx, ref, act); !errors.Is(err, port.ErrNotFound) {
			s.Errorf("activating %s, which does not exist: %v, want ErrNotFound", ref, err)
		}
	}
	s.versionsAre("afterwards", first.String()+" RETIRED", second.String()+" ACTIVE")
}

func policiesActivateRace(s *stage) {
	var drafts []policy.Ref
	for range 8 {
		drafts = append(drafts, s.draft("bills").Ref())
	}
	var done sync.WaitGroup
	for _, ref := range drafts {
		done.Go(func() {
			// One that lost against another is told so, and may try again: that is no error of the port.
			if err := s.Policies.Activate(s.ctx, ref, act); err != nil && !errors.Is(err, port.ErrConflict) {
				s.Errorf("activating %s: %v", ref, err)
			}
		})
	}
	done.Wait()
	active := 0
	for _, v := range given(s.Policies.Versions(s.ctx))(s) {
		if v.Status() == policy.Active {
			active++
		}
	}
	if active != 1 {
		s.Errorf("%d versions are ACTIVE", active)
	}
}

func policiesInvalid(s *stage) {
	bad := spec("bills")
	bad.Route = nil
	if _, err := s.Policies.Draft(s.ctx, bad, act); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("a spec without a route: %v, want ErrInvalid", err)
	}
	if got := s.draft("bills").Ref().Version; got != 1 {
		s.Errorf("the first version after a refused one is %d", got)
	}
}

func policiesList(s *stage) {
	records := func() (texts []string) {
		for _, r := range given(s.Policies.List(s.ctx))(s) {
			texts = append(texts, fmt.Sprintf("%s %s %s by %s (%s, %s) let live by %q (%q, %v) retired %v", r.Version.Ref(), r.Version.Status(), r.Version.Name(),
				r.CreatedBy.Actor, r.CreatedBy.Reason, normal(r.CreatedBy.At), r.ApprovedBy.Actor, r.ApprovedBy.Reason, normal(r.ApprovedBy.At), normal(r.RetiredAt)))
		}
		return texts
	}
	if got := records(); len(got) != 0 {
		s.Errorf("an empty store lists %q", got)
	}
	first, other, second := s.draft("bills").Ref(), s.draft("reminders").Ref(), s.draft("bills").Ref()
	lee := port.Act{Actor: "lee", Reason: "looks good", At: noon.Add(time.Hour)}
	s.must(s.Policies.Activate(s.ctx, first, lee))
	later := port.Act{Actor: "이", Reason: "새 경로", At: noon.Add(2 * time.Hour)}
	s.must(s.Policies.Activate(s.ctx, second, later))
	never := time.Time{}
	line := func(ref policy.Ref, status policy.Status, name string, approved port.Act, retired time.Time) string {
		return fmt.Sprintf("%s %s %s by kim (a new route, %s) let live by %q (%q, %v) retired %v", ref, status, name, noon, approved.Actor, approved.Reason, approved.At, retired)
	}
	want := []string{
		line(first, policy.Retired, "bills", lee, later.At),
		line(second, policy.Active, "bills", later, never),
		line(other, policy.Draft, "reminders", port.Act{}, never),
	}
	if got := records(); !slices.Equal(got, want) {
		s.Errorf("listed\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
