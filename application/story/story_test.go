package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

const november = key.Month(2026*12 + 10)

var (
	seoul = zone("Asia/Seoul")
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, seoul)
	bill  = key.Target{Month: november, UserID: 7}
	one   = policy.Ref{ID: 1, Version: 3}
)

func zone(name string) *time.Location {
	z, err := window.Zone(name)
	if err != nil {
		panic(err) // a machine without the zone database: nothing here can work
	}
	return z
}

// monthly is the route EMAIL ×2 → SMS, quiet hours 21:00–08:00 bind SMS and push, the deadline is 45 days.
func monthly(t *testing.T) policy.Version {
	t.Helper()
	quiet, err := window.NewForbidden(21*60, 8*60, seoul)
	if err != nil {
		t.Fatal(err)
	}
	v, err := policy.Restore(one, policy.Active, policy.Spec{
		Name: "monthly", Zone: seoul, QuietHours: quiet, QuietChannels: channel.NewSet(channel.SMS, channel.Push), Deadline: 45 * 24 * time.Hour,
		Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// row is a ledger row of the bill.
func row(n, round, step int16, kind channel.Kind, state attempt.State, change func(*attempt.Row)) attempt.Row {
	r := attempt.Row{
		Key: key.Delivery{Month: november, UserID: 7, Attempt: n, Round: round}, State: state, Provider: "smtp",
		Facts:     attempt.Facts{Channel: kind, Step: step, PolicyID: 1, PolicyVersion: 3, RunID: 5, Unknown: attempt.Hold},
		ClaimedAt: noon.Add(-time.Hour), LeaseUntil: noon.Add(-45 * time.Minute), FinishedAt: noon.Add(-59 * time.Minute),
	}
	if change != nil {
		change(&r)
	}
	return r
}

// telling is one kind of story: the facts, and what must be said.
type telling struct {
	state  func(s *billing.State)
	facts  func(f *story.Facts)
	says   []string // in the headline or the lines
	never  []string // in either
	next   []string
	waits  story.WaitsFor
	at     time.Time
	noRule bool // without an ACTIVE policy
}

func by(actor, reason string) port.Act { return port.Act{Actor: actor, Reason: reason, At: noon} }

// preparedTellings are of bills that no run has dispatched: import, rendering, quiet hours, corrections.
var preparedTellings = map[string]telling{
	"ready, not due before its send day": {
		state: func(s *billing.State) { s.AvailableAt = noon.Add(48 * time.Hour) },
		says:  []string{"has not been dispatched yet", "Imported from bills.csv, line 8, by kim on 2026-11-22 09:00:00 KST (november; import 4)", "rendered on 2026-11-22 10:00:00 KST into the pack 2026-11/000001-ab, with the templates words (3f2a9c1b)", "e-mail (k***@example.com) and SMS (010-****-5678)"},
		next:  []string{"due on 2026-11-24 12:00:00 KST, the opening of dispatch or its send day", "sends it by e-mail (step 0)", "After 2026-12-16 00:00:00 KST it expires"},
		waits: story.ForTime, at: noon.Add(48 * time.Hour),
	},
	"not rendered yet": {
		state: func(s *billing.State) { s.Batch = billing.Imported },
		facts: func(f *story.Facts) { f.Origin.RenderedAt = time.Time{} },
		says:  []string{"not rendered yet"}, next: []string{"balsong batch render --month 2026-11"}, waits: story.ForBatch,
	},
	"could not be rendered": {
		state: func(s *billing.State) { s.Batch = billing.RenderFailed },
		facts: func(f *story.Facts) { f.Origin.RenderError = "the currency has no digits" },
		says:  []string{"could not be rendered: the currency has no digits"}, next: []string{"Correct its data or the templates", "balsong batch render --month 2026-11 --failed"}, waits: story.ForPerson,
	},
	"deferred by quiet hours": {
		state: func(s *billing.State) {
			s.Reachable = channel.NewSet(channel.SMS)
			s.AvailableAt = noon.Add(20 * time.Hour)
			s.LastRule, s.LastDecision = billing.RuleQuietHours, "DEFER quiet_hours until 2026-11-23 08:00:00 KST for SMS step 2, quiet 21:00–08:00 Asia/Seoul, by policy 1 v3, skipped EMAIL (no_destination)"
		},
		says:  []string{`by the rule "quiet_hours": the customer was within quiet hours`, "21:00–08:00 Asia/Seoul (the policy's) bind SMS and push", `The policy is "monthly" 1 v3 (ACTIVE)`, "EMAIL → EMAIL → SMS"},
		next:  []string{"due on 2026-11-23 08:00:00 KST, when its quiet hours end", "by SMS (step 2), skipping e-mail (no destination)"},
		waits: story.ForTime, at: noon.Add(20 * time.Hour),
	},
	"will be deferred by the customer's own quiet hours": {
		state: func(s *billing.State) {
			s.Quiet, _ = window.NewForbidden(11*60, 13*60, zone("Asia/Tokyo"))
			s.Wished = channel.SMS
		},
		says:  []string{"own quiet hours 11:00–13:00 Asia/Tokyo", "prefers SMS"},
		next:  []string{"defers it to 2026-11-22 13:00:00 KST: quiet hours 11:00–13:00 Asia/Tokyo bind SMS"},
		waits: story.ForTime, at: noon.Add(time.Hour),
	},
	"corrected after it was published": {
		state: func(s *billing.State) { s.Policy, s.Round, s.Batch = one, 1, billing.Imported },
		facts: func(f *story.Facts) {
			f.Origin.Version, f.Origin.File, f.Origin.RenderedAt = 2, "corrected.csv", time.Time{}
			f.Rows = []attempt.Row{{Key: key.Delivery{Month: november, UserID: 7}, State: attempt.Revoked, Reason: attempt.ReasonCorrect, FinishedAt: noon}}
		},
		says:  []string{"Imported from corrected.csv, line 8", "version 2 of its data, a correction", "the older copy must not go out"},
		next:  []string{"waits to be rendered"},
		waits: story.ForBatch,
	},
	"imported again after an undo": {
		facts: func(f *story.Facts) {
			f.Origin.Version = 3
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.NotSent, func(r *attempt.Row) { r.Reason, r.Class = attempt.ReasonHeld, attempt.Provider })}
		},
		says: []string{"version 3 of its data.", "was dispatched by e-mail and put back"}, never: []string{"a correction", "try so far"}, waits: story.ForSettlement,
	},
}

func (c telling) tell(t *testing.T) story.Story {
	t.Helper()
	state := billing.State{
		Key: bill, Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: noon.Add(-time.Hour), Reachable: channel.NewSet(channel.Email, channel.SMS),
	}
	if c.state != nil {
		c.state(&state)
	}
	target, err := billing.Restore(state)
	if err != nil {
		t.Fatal(err)
	}
	f := story.Facts{
		Customer: "7590-VHVEG", Target: target, Now: noon, DatabaseNow: noon, Pack: "2026-11/000001-ab", Month: port.MonthState{Month: november, Open: true},
		Destinations: map[channel.Kind]string{channel.Email: "k***@example.com", channel.SMS: "010-****-5678"},
		Origin: port.Origin{
			File: "bills.csv", Line: 8, Version: 1, RenderedAt: noon.Add(-2 * time.Hour), Templates: "words (3f2a9c1b)",
			Import: port.ImportRecord{ID: 4, By: by("kim", "november"), StartedAt: noon.Add(-3 * time.Hour)},
		},
	}
	if !c.noRule {
		f.Policies = []policy.Version{monthly(t)}
	}
	if c.facts != nil {
		c.facts(&f)
	}
	return story.Of(f)
}

func TestEveryKindOfStoryIsComplete(t *testing.T) {
	t.Parallel()
	for _, tellings := range []map[string]telling{preparedTellings, triedTellings, heldTellings} {
		for name, c := range tellings {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.check(t)
			})
		}
	}
}

// check compares a story with what must be said, and returns it in one text.
func (c telling) check(t *testing.T) string {
	t.Helper()
	s := c.tell(t)
	said := s.Headline
	for _, line := range s.Lines {
		said += "\n" + line.Text
		if line.Text == "" || line.About == "" || strings.Contains(line.Text, "%!") || strings.Contains(line.Text, "0001-01-01") {
			t.Errorf("a line is %+v", line)
		}
	}
	for _, want := range c.says {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	for _, other := range c.never {
		if strings.Contains(said, other) {
			t.Errorf("it says %q:\n%s", other, said)
		}
	}
	for _, want := range append(c.next, "") {
		if !strings.Contains(s.Next.Text, want) || s.Next.Text == "" {
			t.Errorf("next does not say %q: %s", want, s.Next.Text)
		}
	}
	if s.Next.WaitsFor != c.waits || !s.Next.At.Equal(c.at) {
		t.Errorf("it waits for %q until %s, want %q until %s (%s)", s.Next.WaitsFor, s.Next.At, c.waits, c.at, s.Next.Text)
	}
	return said
}

// Whatever stands in a state or a row has words.
func TestNoStatusReasonOrPauseIsWithoutWords(t *testing.T) {
	t.Parallel()
	for _, status := range billing.Statuses {
		s := telling{state: func(s *billing.State) { s.Dispatch, s.Pause = status, billing.PauseOperator }}.tell(t)
		if s.Headline == "" || s.Next.Text == "" || s.Next.WaitsFor == "" {
			t.Errorf("%s: %q, %+v", status, s.Headline, s.Next)
		}
	}
	for _, pause := range billing.PauseReasons {
		s := telling{state: func(s *billing.State) { s.Dispatch, s.Pause = billing.Paused, pause }}.tell(t)
		if strings.Contains(s.Headline, "): .") || strings.HasSuffix(s.Next.Text, ": .") {
			t.Errorf("%s: %q, %q", pause, s.Headline, s.Next.Text)
		}
	}
	for _, state := range attempt.States {
		for _, reason := range attempt.Reasons {
			s := telling{facts: func(f *story.Facts) {
				f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, state, func(r *attempt.Row) { r.Reason = reason })}
			}}.tell(t)
			told := ""
			for _, line := range s.Lines {
				if line.About == "try" {
					told = line.Text
				}
			}
			if strings.Contains(told, "nothing was said") || strings.Contains(told, "because "+string(reason)) {
				t.Errorf("%s (%s): %s", state, reason, told)
			}
		}
	}
}

func TestTheReasonForAMissingBillIsGiven(t *testing.T) {
	t.Parallel()
	open := port.MonthState{Month: november, Open: true}
	for name, c := range map[string]struct {
		month   port.MonthState
		refused []port.Reject
		says    string
		told    string
		waits   story.WaitsFor
	}{
		"never opened": {says: "was never opened", waits: story.ForPerson},
		"refused at the import": {
			month: open, refused: []port.Reject{{File: "bills.csv", Line: 9, Field: "email", Reason: "has no @"}, {File: "b.csv", Line: 2, Reason: "has 3 fields, the header has 9"}},
			says: "its row was refused at the import", told: "Refused in bills.csv, line 9: email has no @.\nRefused in b.csv, line 2: the row has 3 fields, the header has 9.\n", waits: story.ForPerson,
		},
		"refused twice": {
			month: open, refused: []port.Reject{{File: "a.csv", Line: 9, Field: "email", Reason: "has no @", Import: 1}, {File: "b.csv", Line: 9, Field: "amount", Reason: "is empty", Import: 4}},
			says: "its row was refused at the import", told: "Refused in b.csv, line 9: amount is empty.\nRefused in a.csv, line 9: email has no @.\n", waits: story.ForPerson,
		},
		"removed":   {month: port.MonthState{Month: november, DroppedAt: time.Date(2028, 1, 4, 20, 0, 0, 0, time.UTC)}, says: "removed by retention on 2028-01-05 KST", waits: story.ForNothing},
		"not named": {month: open, says: `Customer "C-1" has no bill in 2026-11.`, waits: story.ForNothing},
	} {
		a := story.Missing("C-1", november, c.month, c.refused, seoul)
		told := ""
		for _, line := range a.Lines {
			told += line.Text + "\n"
		}
		if !strings.Contains(a.Headline, c.says) || told != c.told || a.Next.WaitsFor != c.waits || a.Next.Text == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}
