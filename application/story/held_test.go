package story_test

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// heldTellings are of bills that are held or have ended, and of copies.
var heldTellings = map[string]telling{
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
		next: []string{"It waits until the halt of the channel EMAIL is lifted (`balsong resume --channel email --reason …`)."}, waits: story.ForPerson,
	},
	"it was refused on a channel that is halted": {
		state: func(s *billing.State) { s.Dispatch, s.Attempt, s.Step, s.Policy = billing.Failed, 1, 2, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Failed, func(r *attempt.Row) { r.Class, r.Reason = attempt.Permanent, attempt.ReasonRefused })}
			f.ChannelHalts = []port.ChannelHalt{{Channel: channel.Email, Halt: port.Halt{On: true, Actor: "kim", Reason: "why?", Since: noon}}}
		},
		says: []string{"The channel EMAIL is halted"}, never: []string{"It goes again"}, next: []string{"`balsong resume --channel email --reason …`"}, waits: story.ForPerson,
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
