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

// refusedThenThrottled are the rows of a bill that e-mail refused for good and that the SMS gateway put back.
func refusedThenThrottled() []attempt.Row {
	return []attempt.Row{
		row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) {
			r.Class, r.Reason, r.Detail = attempt.Permanent, attempt.ReasonRefused, "550 no such mailbox"
		}),
		row(1, 0, 2, channel.SMS, attempt.NotSent, func(r *attempt.Row) {
			r.Class, r.Reason, r.Detail, r.NotBefore = attempt.Throttled, attempt.ReasonThrottled, "429 slow down", noon.Add(time.Minute)
			r.ClaimedAt, r.FinishedAt = noon.Add(-30*time.Minute), noon.Add(-29*time.Minute)
		}),
	}
}

func by(actor, reason string) port.Act { return port.Act{Actor: actor, Reason: reason, At: noon} }

var tellings = map[string]telling{
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
	"delivered at the first try": {
		state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Succeeded, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, func(r *attempt.Row) { r.ProviderMessageID = "<4711@relay>" })}
		},
		says: []string{"was accepted by the e-mail gateway on 2026-11-22 11:01:00 KST", "Attempt 0, round 0, by e-mail through smtp (step 0, policy 1 v3, delivery key 2026-11/7/0/0), claimed on 2026-11-22 11:00:00 KST", "the gateway's message id is <4711@relay>"},
		next: []string{"never sent again"}, waits: story.ForNothing,
	},
	"taken over by another provider": {
		state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Succeeded, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, func(r *attempt.Row) {
				r.Provider, r.Earlier = "ses", attempt.Earlier("").And("smtp", attempt.ReasonProvider).And("ses", attempt.ReasonHeld)
			})}
		},
		says: []string{"by e-mail through ses, after smtp (the gateway refused it because of the sender, whoever the customer is) (step 0"},
		next: []string{"never sent again"}, waits: story.ForNothing,
	},
	"refused for now, waits out its pause": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.Attempt, s.Step, s.AvailableAt, s.LastError = billing.Failed, one, 1, 1, noon.Add(10*time.Minute), "refused (temporary)"
			s.LastRule, s.LastDecision, s.RequestedAt, s.RunID = billing.RuleDue, "DISPATCH due EMAIL step 0 by policy 1 v3", time.Time{}, 5
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) {
				r.Class, r.Reason, r.Detail = attempt.Temporary, attempt.ReasonRefused, `451 4.3.0 "try later"`
			})}
		},
		says:  []string{"was refused by the e-mail gateway on 2026-11-22 11:01:00 KST and waits for its next attempt. It goes again by e-mail on 2026-11-22 12:10:00 KST at the earliest. One try so far", `refused for now on 2026-11-22 11:01:00 KST; the gateway said: "451 4.3.0 'try later'"`, "The last error was: refused (temporary)"},
		next:  []string{"due on 2026-11-22 12:10:00 KST, the pause after a refusal", "sends it by e-mail (step 1)"},
		waits: story.ForTime, at: noon.Add(10 * time.Minute),
	},
	"refused because of the sender": {
		state: func(s *billing.State) { s.Policy, s.Round, s.AvailableAt = one, 1, noon.Add(10*time.Minute) },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.NotSent, func(r *attempt.Row) {
				r.Class, r.Reason, r.Detail = attempt.Provider, attempt.ReasonProvider, "554 5.7.1 Sending suspended"
			})}
		},
		says:  []string{`refused because of the sender, whoever the customer is, without spending an attempt on 2026-11-22 11:01:00 KST; the gateway said: "554 5.7.1 Sending suspended"`},
		next:  []string{"after it was put back (the gateway refused it because of the sender, whoever the customer is)", "sends it by e-mail (step 0)"},
		waits: story.ForTime, at: noon.Add(10 * time.Minute),
	},
	"answered, and nobody can tell how": {
		state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Unknown, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.SMS, attempt.Unknown, func(r *attempt.Row) { r.Reason, r.Detail = attempt.ReasonUnclear, "502 Bad Gateway" })}
		},
		says:  []string{`the gateway's answer does not say whether it was accepted; the gateway said: "502 Bad Gateway"`},
		waits: story.ForPerson,
	},
	"refused for now, then deferred by quiet hours": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.Attempt, s.Step, s.AvailableAt, s.LastError = billing.Failed, one, 2, 2, noon.Add(20*time.Hour), "refused (temporary)"
			s.LastRule, s.LastDecision = billing.RuleQuietHours, "DEFER quiet_hours until 2026-11-23 08:00:00 KST for SMS step 2"
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{
				row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) {
					r.Class, r.Reason, r.Detail = attempt.Temporary, attempt.ReasonRefused, "451 first"
				}),
				row(1, 0, 1, channel.Email, attempt.Failed, func(r *attempt.Row) {
					r.Class, r.Reason, r.Detail = attempt.Temporary, attempt.ReasonRefused, "451 second"
				}),
			}
		},
		says: []string{"2 tries so far", "(step 1, policy 1 v3, delivery key 2026-11/7/1/0)"}, next: []string{"due on 2026-11-23 08:00:00 KST, when its quiet hours end"},
		waits: story.ForTime, at: noon.Add(20 * time.Hour),
	},
	"refused for good by e-mail, goes on with SMS": {
		state: func(s *billing.State) { s.Dispatch, s.Policy, s.Attempt, s.Step = billing.Failed, one, 1, 2 },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) {
				r.Class, r.Reason, r.Detail = attempt.Permanent, attempt.ReasonRefused, "550 5.1.1 no such mailbox"
			})}
		},
		says:  []string{"refused for good on this channel", "550 5.1.1 no such mailbox"},
		next:  []string{"The next dispatcher run sends it by SMS (step 2)"},
		waits: story.ForDispatcher,
	},
	"throttled": {
		state: func(s *billing.State) {
			s.Policy, s.Round, s.AvailableAt, s.LastError = one, 1, noon.Add(time.Minute), "throttled"
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.NotSent, func(r *attempt.Row) {
				r.Class, r.Reason, r.Detail, r.NotBefore = attempt.Throttled, attempt.ReasonThrottled, "429 slow down", noon.Add(time.Minute)
			})}
		},
		says:  []string{"not sent on 2026-11-22 11:01:00 KST, because the gateway asked for a later try", `"429 slow down"`, "not again before 2026-11-22 12:01:00 KST; no attempt is spent"},
		next:  []string{"after it was put back (the gateway asked for a later try)"},
		waits: story.ForTime, at: noon.Add(time.Minute),
	},
	"held back because its provider refuses everything": {
		state: func(s *billing.State) { s.Policy, s.Round, s.AvailableAt = one, 1, noon.Add(-time.Minute) },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.NotSent, func(r *attempt.Row) { r.Class, r.Reason = attempt.Provider, attempt.ReasonHeld })}
		},
		says:  []string{"was dispatched by e-mail and put back on 2026-11-22 11:01:00 KST: the gateway was refusing every message, or its channel was halted, so it was not called. It goes again by e-mail with the next dispatcher run."},
		never: []string{"has not been dispatched"}, next: []string{"sends it by e-mail (step 0)"}, waits: story.ForDispatcher,
	},
	"put back while everything is halted": {
		state: func(s *billing.State) { s.Policy, s.Round = one, 1 },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.NotSent, func(r *attempt.Row) { r.Reason = attempt.ReasonNotCalled })}
			f.Halt = port.Halt{On: true, Actor: "lee", Reason: "wrong amounts", Since: noon}
		},
		says: []string{"was dispatched by e-mail and put back on"}, never: []string{"It goes again"}, next: []string{"until the halt is lifted"}, waits: story.ForPerson,
	},
	"put back by throttling, then deferred by quiet hours": {
		state: func(s *billing.State) {
			s.Policy, s.Round, s.Step, s.AvailableAt, s.LastError = one, 1, 2, noon.Add(20*time.Hour), "throttled"
			s.LastRule, s.LastDecision = billing.RuleQuietHours, "DEFER quiet_hours until 2026-11-23 08:00:00 KST for SMS step 2"
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 2, channel.SMS, attempt.NotSent, func(r *attempt.Row) { r.Class, r.Reason = attempt.Throttled, attempt.ReasonThrottled })}
		},
		says: []string{"put back", "It goes again by SMS on 2026-11-23 08:00:00 KST at the earliest"}, next: []string{"due on 2026-11-23 08:00:00 KST, when its quiet hours end"},
		waits: story.ForTime, at: noon.Add(20 * time.Hour),
	},
	"its request was not acknowledged": {
		state: func(s *billing.State) {
			s.AvailableAt, s.LastError, s.LastRule, s.LastDecision = noon.Add(time.Minute), "no acknowledgement in time", billing.RuleDue, "DISPATCH due EMAIL step 0 by policy 1 v3"
		},
		says: []string{"was to go out, but the event log did not acknowledge its request. It goes again by e-mail on 2026-11-22 12:01:00 KST at the earliest."},
		next: []string{"the pause after a request that was not acknowledged"}, never: []string{"has not been dispatched"}, waits: story.ForTime, at: noon.Add(time.Minute),
	},
	"its request was lost": {
		state: func(s *billing.State) { s.Policy, s.Requeues, s.LastRule = one, 1, billing.RuleDue },
		says:  []string{"was dispatched, but its request was lost from the event log. It goes again by e-mail with the next dispatcher run."},
		never: []string{"has not been dispatched"}, next: []string{"sends it by e-mail"}, waits: story.ForDispatcher,
	},
	"the cancellation was taken back": {
		state: func(s *billing.State) { s.Policy, s.Round = one, 1 },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{{Key: key.Delivery{Month: november, UserID: 7}, State: attempt.Revoked, Reason: attempt.ReasonCancel, FinishedAt: noon.Add(-time.Hour)}}
			f.Notes = []port.AuditEntry{{Action: port.ActionCancel, By: by("lee", "billed twice")}, {Action: port.ActionUncancel, By: by("lee", "it was not")}}
		},
		says: []string{"was cancelled, and the cancellation was taken back on 2026-11-22 12:00:00 KST. It goes again by e-mail"}, next: []string{"sends it by e-mail"}, waits: story.ForDispatcher,
	},
	"refused by e-mail, throttled by SMS": {
		state: func(s *billing.State) {
			s.Policy, s.Attempt, s.Round, s.Step, s.AvailableAt, s.LastError = one, 1, 1, 2, noon.Add(time.Minute), "throttled"
			s.LastRule, s.LastDecision = billing.RuleDue, "DISPATCH due SMS step 2 by policy 1 v3"
		},
		facts: func(f *story.Facts) { f.Rows = refusedThenThrottled() },
		says: []string{
			"was dispatched by SMS and put back on 2026-11-22 11:31:00 KST: the gateway asked for a later try. It goes again by SMS on 2026-11-22 12:01:00 KST at the earliest. 2 tries so far.",
			"550 no such mailbox\".\nAttempt 1, round 0, by SMS",
		},
		next: []string{"after it was put back (the gateway asked for a later try)"}, waits: story.ForTime, at: noon.Add(time.Minute),
	},
	"refused by e-mail, throttled and then refused by SMS": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.Attempt, s.Round, s.Step, s.LastError = billing.Exhausted, one, 1, 1, 2, "refused (permanent)"
		},
		facts: func(f *story.Facts) {
			f.Rows = append(refusedThenThrottled(), row(1, 1, 2, channel.SMS, attempt.Failed, func(r *attempt.Row) {
				r.Class, r.Reason, r.ClaimedAt, r.FinishedAt = attempt.Permanent, attempt.ReasonRefused, noon.Add(-2*time.Minute), noon.Add(-time.Minute)
			}))
		},
		says: []string{"every step of its route was refused (EXHAUSTED), the last one by the SMS gateway on 2026-11-22 11:59:00 KST."}, next: []string{"postal mailing"}, waits: story.ForNothing,
	},
	"the customer lives by another clock": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.Zone = billing.Succeeded, one, zone("America/New_York")
		},
		facts: func(f *story.Facts) { f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, nil)} },
		says:  []string{"was accepted by the e-mail gateway on 2026-11-22 11:01:00 KST (2026-11-21 21:01:00 EST for the customer)."},
		next:  []string{"never sent again"}, waits: story.ForNothing,
	},
	"bound to a policy of another zone, which is retired": {
		state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Succeeded, policy.Ref{ID: 1, Version: 2} },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, nil)}
			spec := f.Policies[0].Spec()
			spec.Zone, spec.QuietHours, spec.QuietChannels = zone("Europe/Paris"), window.Forbidden{}, 0
			retired, err := policy.Restore(policy.Ref{ID: 1, Version: 2}, policy.Retired, spec)
			if err != nil {
				panic(err) // the spec is that of the ACTIVE one
			}
			f.Policies = append(f.Policies, retired)
		},
		says: []string{"on 2026-11-22 11:01:00 KST."}, never: []string{"CET"}, next: []string{"never sent again"}, waits: story.ForNothing,
	},
	"requested, waits for delivery": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.RequestedAt, s.RunID, s.Requeues = billing.Requested, one, noon.Add(-time.Minute), 5, 1
			s.LastRule, s.LastDecision = billing.RuleDue, "DISPATCH due EMAIL step 0 by policy 1 v3"
		},
		facts: func(f *story.Facts) { f.Run = port.Run{ID: 5, By: by("scheduler", "every two hours")} },
		says:  []string{"requested on 2026-11-22 11:59:00 KST by run 5 of scheduler (every two hours)", "was lost and repeated once"},
		next:  []string{"waits for delivery", "(1 of 3 times so far)"}, waits: story.ForDelivery,
	},
	"being called": {
		state: func(s *billing.State) { s.Dispatch, s.Policy, s.RequestedAt = billing.Requested, one, noon },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Claimed, func(r *attempt.Row) {
				r.FinishedAt, r.LeaseUntil = time.Time{}, noon.Add(time.Minute)
			})}
		},
		says: []string{"being called now; its lease ends at 2026-11-22 12:01:00 KST"}, next: []string{"becomes UNKNOWN"},
		waits: story.ForDelivery, at: noon.Add(time.Minute),
	},
	"its caller recorded no outcome": {
		state: func(s *billing.State) { s.Dispatch, s.Policy, s.RequestedAt = billing.Requested, one, noon },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Claimed, func(r *attempt.Row) { r.FinishedAt = time.Time{} })}
		},
		next: []string{"the sweeper makes it UNKNOWN"}, waits: story.ForSettlement,
	},
	"outcome known, not settled": {
		state: func(s *billing.State) { s.Dispatch, s.Policy, s.RequestedAt = billing.Requested, one, noon },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, nil)}
		},
		next: []string{"settlement applies it"}, waits: story.ForSettlement,
	},
	"unknown, held": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.LastError = billing.Unknown, one, "lease_expired"
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Unknown, func(r *attempt.Row) { r.Reason, r.FinishedAt = attempt.ReasonLease, time.Time{} })}
		},
		says: []string{"may have been delivered", "the process that had claimed it recorded no outcome until its lease ended on 2026-11-22 11:15:00 KST", "not repeated"},
		next: []string{"ask the gateway for 2026-11/7/0/0 (e-mail)", "balsong target delivered"}, waits: story.ForPerson,
	},
	"paused: no destination": {
		state: func(s *billing.State) {
			s.Dispatch, s.Pause, s.Reachable = billing.Paused, billing.PauseNoDestination, 0
			s.LastRule, s.LastDecision = billing.RuleNoDestination, "PAUSE no_destination by policy 1 v3, skipped EMAIL (no_destination), SMS (no_destination)"
		},
		says: []string{"is paused (PAUSED, no_destination)", "The customer has no destination on any channel", `by the rule "no_destination"`},
		next: []string{"postal mailing"}, waits: story.ForPerson,
	},
	"paused: no statement": {
		state: func(s *billing.State) {
			s.Dispatch, s.Pause, s.LastRule, s.LastDecision = billing.Paused, billing.PauseNoStatement, billing.RuleNoStatement, "PAUSE no_statement by policy 1 v3"
		},
		says: []string{"is paused (PAUSED, no_statement)", "has no statement to send", `by the rule "no_statement"`},
		next: []string{"correct its data", "balsong target resume"}, waits: story.ForPerson,
	},
	"paused: content": {
		state: func(s *billing.State) { s.Dispatch, s.Pause, s.Policy = billing.Paused, billing.PauseContent, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) {
				r.Class, r.Reason, r.Provider, r.ClaimedAt = attempt.Content, attempt.ReasonContent, "", time.Time{}
			})}
		},
		says: []string{"its content must not go out", "not to be sent on 2026-11-22 11:01:00 KST, because its content could not be verified or was refused"},
		next: []string{"correct its data, render it again"}, waits: story.ForPerson,
	},
	"suppressed": {
		state: func(s *billing.State) {
			s.Dispatch, s.Pause, s.Suppressed = billing.Paused, billing.PauseSuppressed, channel.NewSet(channel.Email, channel.SMS)
		},
		facts: func(f *story.Facts) {
			f.Suppressions = []port.Suppression{{Contact: port.Contact{UserID: 7, Channel: channel.Email}, Reason: "asked for it", Since: noon}}
		},
		says: []string{"On the suppression list for e-mail since 2026-11-22 12:00:00 KST: asked for it"}, next: []string{"suppress --lift"}, waits: story.ForPerson,
	},
	"paused by an operator": {
		state: func(s *billing.State) { s.Dispatch, s.Pause = billing.Paused, billing.PauseOperator },
		facts: func(f *story.Facts) {
			f.Notes = []port.AuditEntry{{Action: "pause", Subject: bill.String(), By: port.Act{Actor: "lee", Reason: "the customer asked", At: noon, ApprovedBy: "park"}}}
		},
		says: []string{"2026-11-22 12:00:00 KST: pause, by lee: the customer asked (noted as approved by park)"},
		next: []string{"paused by lee (the customer asked): once that is settled, resume it with `balsong target resume`"}, waits: story.ForPerson,
	},
	"cancelled by an operator": {
		state: func(s *billing.State) { s.Dispatch = billing.Cancelled },
		facts: func(f *story.Facts) {
			f.Notes = []port.AuditEntry{{Action: "cancel", By: by("lee", "billed twice")}}
			f.Rows = []attempt.Row{{Key: key.Delivery{Month: november, UserID: 7}, State: attempt.Revoked, Reason: attempt.ReasonCancel, FinishedAt: noon}}
		},
		says: []string{"was cancelled", "cancel, by lee: billed twice", "closed before a call on 2026-11-22 12:00:00 KST, because it was cancelled"},
		next: []string{"uncancel"}, waits: story.ForNothing,
	},
	"to be cancelled once its call has an outcome": {
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.PendingEnd, s.RequestedAt = billing.Requested, one, billing.Cancelled, noon
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Claimed, func(r *attempt.Row) { r.LeaseUntil = noon.Add(time.Minute) })}
		},
		says: []string{"It becomes CANCELLED once"}, waits: story.ForDelivery, at: noon.Add(time.Minute),
	},
	"expired": {
		state: func(s *billing.State) { s.Dispatch = billing.Expired },
		says:  []string{"its deadline passed (EXPIRED)"}, next: []string{"postal mailing"}, waits: story.ForNothing,
	},
	"about to expire": {
		state: func(s *billing.State) { s.Deadline = noon.Add(-time.Minute) },
		next:  []string{"ends it as EXPIRED: its deadline passed on 2026-11-22 11:59:00 KST"}, waits: story.ForDispatcher,
	},
	"exhausted": {
		state: func(s *billing.State) { s.Dispatch, s.Policy, s.Attempt, s.Step = billing.Exhausted, one, 2, 2 },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{
				row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) { r.Class, r.Reason = attempt.Temporary, attempt.ReasonRefused }),
				row(1, 0, 1, channel.Email, attempt.Failed, func(r *attempt.Row) { r.Class, r.Reason = attempt.Temporary, attempt.ReasonRefused }),
				row(2, 0, 2, channel.SMS, attempt.Failed, func(r *attempt.Row) { r.Class, r.Reason = attempt.Permanent, attempt.ReasonRefused }),
			}
		},
		says: []string{"every step of its route was refused", "Attempt 2, round 0, by SMS"}, next: []string{"postal mailing"}, waits: story.ForNothing,
	},
	"written off": {
		state: func(s *billing.State) { s.Dispatch = billing.WrittenOff },
		says:  []string{"outcome unknown (WRITTEN_OFF)"}, next: []string{"becomes SUCCEEDED"}, waits: story.ForNothing,
	},
	"delivered, by an operator's word": {
		state: func(s *billing.State) { s.Dispatch = billing.Succeeded },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.SMS, attempt.Succeeded, func(r *attempt.Row) { r.Reason = attempt.ReasonManual })}
			f.Notes = []port.AuditEntry{{Action: "verdict: delivered", By: by("lee", "the gateway's list shows it")}}
		},
		says: []string{"delivered, as recorded by an operator", "verdict: delivered, by lee"}, waits: story.ForNothing,
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
	"the month is closed": {
		facts: func(f *story.Facts) { f.Month.Open, f.Month.ClosedAt = false, noon },
		says:  []string{"The month was closed on 2026-11-22 12:00:00 KST"}, next: []string{"only a run that names it"}, waits: story.ForDispatcher,
	},
	"everything is halted": {
		facts: func(f *story.Facts) {
			f.Halt = port.Halt{On: true, Actor: "lee", Reason: "wrong amounts", Since: noon}
		},
		says: []string{"Everything is halted since 2026-11-22 12:00:00 KST by lee: wrong amounts"}, next: []string{"until the halt is lifted"}, waits: story.ForPerson,
	},
	"its channel is halted": {
		facts: func(f *story.Facts) {
			f.ChannelHalts = []port.ChannelHalt{{Channel: channel.Email, Halt: port.Halt{On: true, Actor: "balsong/delivery", Reason: "104 of the last 431 answers", Since: noon}}}
		},
		says: []string{"The channel EMAIL is halted since 2026-11-22 12:00:00 KST by balsong/delivery: 104 of the last 431 answers."}, never: []string{"Everything"},
		next: []string{"It waits until the halt of the channel EMAIL is lifted (`balsong resume --channel email`)."}, waits: story.ForPerson,
	},
	"it was refused on a channel that is halted": {
		state: func(s *billing.State) { s.Dispatch, s.Attempt, s.Step, s.Policy = billing.Failed, 1, 2, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) { r.Class, r.Reason = attempt.Permanent, attempt.ReasonRefused })}
			f.ChannelHalts = []port.ChannelHalt{{Channel: channel.Email, Halt: port.Halt{On: true, Actor: "kim", Reason: "why?", Since: noon}}}
		},
		says: []string{"The channel EMAIL is halted"}, never: []string{"It goes again"}, next: []string{"`balsong resume --channel email`"}, waits: story.ForPerson,
	},
	"another channel is halted": {
		facts: func(f *story.Facts) {
			f.ChannelHalts = []port.ChannelHalt{{Channel: channel.SMS, Halt: port.Halt{On: true, Actor: "kim", Reason: "why?", Since: noon}}}
		},
		never: []string{"halted"}, next: []string{"sends it by e-mail"}, waits: story.ForDispatcher,
	},
	"requested on a channel that is halted": {
		state: func(s *billing.State) { s.Dispatch, s.Policy, s.Step, s.RequestedAt = billing.Requested, one, 2, noon },
		facts: func(f *story.Facts) {
			f.ChannelHalts = []port.ChannelHalt{{Channel: channel.SMS, Halt: port.Halt{On: true, Actor: "kim", Reason: "why?", Since: noon}}}
		},
		says: []string{"The channel SMS is halted"}, next: []string{"Delivery is paused on the channel SMS", "resume --channel sms"}, waits: story.ForPerson,
	},
	"a copy that waits": {
		state: func(s *billing.State) {
			s.Key, s.Reachable, s.Deadline = bill.Copy(2), channel.NewSet(channel.SMS), noon.Add(7*24*time.Hour)
		},
		facts: func(f *story.Facts) { f.Origin = port.Origin{RenderedAt: noon.Add(-2 * time.Hour)} },
		says:  []string{"Copy 2 of customer 7590-VHVEG's bill of 2026-11 has not been dispatched yet", "rendered on 2026-11-22 10:00:00 KST for the bill, and stored once more for the copy", "It goes by SMS (010-****-5678)"},
		next:  []string{"sends it by SMS", "After 2026-11-29 12:00:00 KST it expires"}, waits: story.ForDispatcher,
	},
	"a copy whose content must not go out": {
		state: func(s *billing.State) {
			s.Key, s.Dispatch, s.Pause = bill.Copy(1), billing.Paused, billing.PauseContent
		},
		next: []string{"`balsong target cancel --copy 1`", "ask for another one"}, waits: story.ForPerson,
	},
	"a copy that is UNKNOWN": {
		state: func(s *billing.State) { s.Key, s.Dispatch = bill.Copy(1), billing.Unknown },
		next:  []string{"balsong target delivered", "named by --copy 1"}, waits: story.ForPerson,
	},
	"a copy that reached nobody": {
		state: func(s *billing.State) { s.Key, s.Dispatch = bill.Copy(1), billing.Exhausted },
		next:  []string{"another copy can be asked for"}, waits: story.ForNothing,
	},
	"no policy is active": {
		noRule: true, next: []string{"no policy is ACTIVE"}, waits: story.ForPerson,
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
	for name, c := range tellings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.check(t)
		})
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
