package story_test

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

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

// triedTellings are of bills that were dispatched: their tries, and what comes next.
var triedTellings = map[string]telling{
	"delivered at the first try": {
		state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Succeeded, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, func(r *attempt.Row) { r.ProviderMessageID = "<4711@relay>" })}
		},
		says: []string{"was accepted by the e-mail gateway on 2026-11-22 11:01:00 KST", "Attempt 0, round 0, by e-mail through smtp (step 0, policy 1 v3, delivery key 2026-11/7/0/0), claimed on 2026-11-22 11:00:00 KST", "the gateway's message id is <4711@relay>"},
		next: []string{"never sent again"}, waits: story.ForNothing,
	},
	"delivered, at a price": {
		state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Succeeded, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.SMS, attempt.Succeeded, func(r *attempt.Row) {
				r.Charge = cost.Charge{Units: cost.Units{Unit: cost.Segment, Count: 2}, Amount: 16_600, Currency: "USD"}
			})}
		},
		says: []string{"; it costs 2 segments, USD 0.0166."},
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
}
