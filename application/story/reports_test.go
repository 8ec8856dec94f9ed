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
	"github.com/balsong/balsong/domain/report"
)

// bounced is a definitive report that attempt 0 was not delivered; change may alter it.
func bounced(class attempt.FailureClass, change ...func(*report.Report)) report.Report {
	r := report.Report{
		Key: key.Delivery{Month: november, UserID: 7}, Provider: "smtp", ID: "b-" + string(class), Kind: report.Undelivered, Class: class, Definitive: true,
		Code: "5.1.1", Detail: `550 5.1.1 no such "user"`, SaidAt: noon.Add(-31 * time.Minute), StoredAt: noon.Add(-30 * time.Minute),
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func arrived(r *report.Report) {
	r.ID, r.Kind, r.Class, r.Code, r.Detail, r.StoredAt = "d", report.Delivered, "", "", "", noon.Add(-20*time.Minute)
}

// takesBack puts in place of the policy one whose route goes on after a report that a message was not delivered.
func takesBack(f *story.Facts) {
	spec := f.Policies[0].Spec()
	spec.Undelivered = map[channel.Kind]policy.Undelivered{channel.Email: policy.UndeliveredNext, channel.SMS: policy.UndeliveredNext}
	v, err := policy.Restore(one, policy.Active, spec)
	if err != nil {
		panic(err) // the spec is that of the ACTIVE one
	}
	f.Policies[0] = v
}

// accepted is a bill in a status whose attempt 0 was accepted by e-mail, with what was reported since.
func accepted(status billing.Status, next bool, reports ...report.Report) telling {
	return telling{
		state: func(s *billing.State) { s.Dispatch, s.Policy = status, one },
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, nil)}
			f.Reports = reports
			if next {
				takesBack(f)
			}
		},
		waits: story.ForNothing,
	}
}

func TestAStoryTellsWhatProvidersReported(t *testing.T) {
	t.Parallel()
	soft := func(r *report.Report) { r.Definitive = false }
	kind := func(k report.Kind) func(*report.Report) {
		return func(r *report.Report) { r.Kind, r.Class, r.Code, r.Detail = k, "", "", "" }
	}
	for name, c := range map[string]struct {
		telling
		says, never []string
		next        string
	}{
		"delivered": {
			telling: accepted(billing.Succeeded, true, bounced("", arrived)),
			says:    []string{"was accepted by the e-mail gateway on 2026-11-22 11:01:00 KST, and reported as delivered on 2026-11-22 11:40:00 KST.", "smtp reported on 2026-11-22 11:40:00 KST that it was delivered, of 2026-11-22 11:29:00 KST."},
			next:    "never sent again, unless the provider reports for certain that it was not delivered",
		},
		"bounced, where the policy only notes that": {
			telling: accepted(billing.Succeeded, false, bounced(attempt.Permanent)),
			says: []string{
				"gateway on 2026-11-22 11:01:00 KST, and reported as not delivered on 2026-11-22 11:30:00 KST.",
				`Attempt 0, round 0, by e-mail: smtp reported on 2026-11-22 11:30:00 KST that it was not delivered, for good on this channel; its code is 5.1.1; it said: "550 5.1.1 no such 'user'", of 2026-11-22 11:29:00 KST; policy 1 v3 only notes that, so the bill stays accepted.`,
			},
			next: "Nothing: it is never sent again.",
		},
		"delivered, then bounced": {
			telling: accepted(billing.Succeeded, false, bounced("", arrived, func(r *report.Report) { r.StoredAt = noon.Add(-40 * time.Minute) }), bounced(attempt.Permanent)),
			says:    []string{"that it was delivered, of 2026-11-22 11:29:00 KST; that contradicts its report that it was not delivered, and changes nothing.", "only notes that"},
			next:    "never sent again",
		},
		"no last word": {
			telling: accepted(billing.Succeeded, true, bounced(attempt.Temporary, soft)),
			says:    []string{"not delivered, for now; ", "that is not its last word, so the bill stays as it is", "gateway on 2026-11-22 11:01:00 KST."},
			next:    "never sent again",
		},
		"called abuse": {
			telling: accepted(billing.Succeeded, true, bounced("", kind(report.Complained))),
			says:    []string{"that the customer called it abuse, of 2026-11-22 11:29:00 KST; the bill stays as it is"}, next: "never sent again",
		},
		"opted out": {
			telling: accepted(billing.Succeeded, true, bounced("", kind(report.OptedOut))),
			says:    []string{"that the customer wants no more messages on this channel"}, next: "never sent again",
		},
		"bounced, and settlement has not seen it": {
			telling: func() telling {
				c := accepted(billing.Succeeded, true, bounced(attempt.Permanent))
				c.waits = story.ForSettlement
				return c
			}(),
			says: []string{"was accepted, and reported as not delivered by e-mail on 2026-11-22 11:30:00 KST.", "so it counts as refused, and the route goes on."},
			next: "settlement takes the acceptance back",
		},
		"bounced, and no step is left": {
			telling: accepted(billing.Exhausted, true, bounced(attempt.Permanent)),
			says:    []string{"every step of its route was refused or not delivered (EXHAUSTED), the last one, by e-mail, was reported as not delivered on 2026-11-22 11:30:00 KST.", "so it counts as refused, and the bill ends as EXHAUSTED."}, next: "postal mailing",
		},
		"bounced because of us": {
			telling: accepted(billing.WrittenOff, true, bounced(attempt.Provider)),
			says:    []string{"not delivered, because of the sender", "so it counts as put back, and the same channel takes it once more"}, next: "Nothing",
		},
		"bounced because of its content": {
			telling: accepted(billing.Cancelled, true, bounced(attempt.Content)),
			says:    []string{"so it counts as refused, and is held until it is corrected"}, next: "uncancel",
		},
		"the policy that decides is gone": {
			telling: func() telling {
				c := accepted(billing.Succeeded, true, bounced(attempt.Permanent))
				facts := c.facts
				c.facts = func(f *story.Facts) { facts(f); f.Rows[0].PolicyVersion = 9 }
				return c
			}(),
			says: []string{"nothing follows, as the policy version that decides about it is gone"}, next: "never sent again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.telling.says, c.telling.never, c.telling.next = c.says, c.never, []string{c.next}
			c.check(t)
		})
	}
}

// The ledger's row stays SUCCEEDED; the story is that of what is so now.
func TestABillThatBouncedIsToldAsWhatItIsNowInTheOrderOfWhatHappened(t *testing.T) {
	t.Parallel()
	c := telling{
		state: func(s *billing.State) {
			s.Dispatch, s.Policy, s.Attempt, s.Step, s.LastError = billing.Failed, one, 1, 2, "reported (permanent)"
		},
		facts: func(f *story.Facts) {
			f.Rows = []attempt.Row{row(0, 0, 0, channel.Email, attempt.Succeeded, nil)}
			f.Reports = []report.Report{bounced(attempt.Permanent), bounced("", arrived)}
			takesBack(f)
		},
		says: []string{
			"was reported as not delivered by e-mail on 2026-11-22 11:30:00 KST and waits for its next attempt. It goes again by SMS with the next dispatcher run. One try so far.",
			"so it counts as refused, and the route goes on.\nAttempt 0, round 0, by e-mail: smtp reported on 2026-11-22 11:40:00 KST that it was delivered",
			"that contradicts its report that it was not delivered, and changes nothing",
		},
		next: []string{"sends it by SMS (step 2)"}, waits: story.ForDispatcher,
	}
	c.check(t)
	facts := c.facts
	c.state = func(s *billing.State) { s.Dispatch, s.Policy, s.Attempt, s.Step = billing.Succeeded, one, 1, 2 }
	c.facts = func(f *story.Facts) {
		facts(f)
		f.Rows = append(f.Rows, row(1, 0, 2, channel.SMS, attempt.Succeeded, func(r *attempt.Row) {
			r.ClaimedAt, r.FinishedAt = noon.Add(-10*time.Minute), noon.Add(-9*time.Minute)
		}))
	}
	c.says = []string{"was accepted by the SMS gateway on 2026-11-22 11:51:00 KST."}
	c.next, c.waits = []string{"never sent again, unless"}, story.ForNothing
	said := c.check(t)
	order := []string{"Attempt 0, round 0, by e-mail through smtp", "was not delivered", "was delivered, of", "Attempt 1, round 0, by SMS through"}
	for at := 0; len(order) > 0; order = order[1:] {
		i := strings.Index(said[at:], order[0])
		if i < 0 {
			t.Fatalf("%q does not come next:\n%s", order[0], said)
		}
		at += i
	}
}

func TestAStoryTellsWhatProvidersWereAsked(t *testing.T) {
	t.Parallel()
	about := key.Delivery{Month: november, UserID: 7}
	unknown := func(q port.Inquiry) telling {
		return telling{
			state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Unknown, one },
			facts: func(f *story.Facts) {
				f.Rows = []attempt.Row{row(0, 0, 0, channel.SMS, attempt.Unknown, func(r *attempt.Row) { r.Reason, r.Provider = attempt.ReasonNoAnswer, "nhn" })}
				f.Inquiries = []port.Inquiry{q}
			},
		}
	}
	c := unknown(port.Inquiry{Key: about, Asks: 3, AskedAt: noon.Add(-time.Minute), Again: noon.Add(3 * time.Minute), Last: port.Finding{Found: port.FoundNothing}})
	c.says = []string{"Attempt 0, round 0, by SMS: nhn was asked 3 times what became of it; its last answer, on 2026-11-22 11:59:00 KST: it knows nothing of it; it is asked again on 2026-11-22 12:03:00 KST."}
	c.next, c.waits, c.at = []string{"The gateway is asked again on 2026-11-22 12:03:00 KST. A person can end it before: ask the gateway for 2026-11/7/0/0 (SMS)"}, story.ForAnswer, noon.Add(3*time.Minute)
	c.check(t)
	c = unknown(port.Inquiry{Key: about, Asks: 1, AskedAt: noon.Add(-time.Minute), Last: port.Finding{Found: port.FoundNoAnswer, Detail: "503"}})
	c.says = []string{`nhn was asked once what became of it; its last answer, on 2026-11-22 11:59:00 KST: none came; it said: "503"; it is not asked again.`}
	c.next, c.waits = []string{"It waits for a person: ask the gateway"}, story.ForPerson
	c.check(t)
	for want, last := range map[string]port.Finding{
		"it was accepted.":                          {Found: port.FoundAccepted},
		"it was refused for good on this channel; ": {Found: port.FoundRefused, Class: attempt.Permanent, Code: "2000"},
		"it was delivered.":                         {Found: port.FoundDelivered},
		"it was not delivered, for now.":            {Found: port.FoundUndelivered, Class: attempt.Temporary},
	} {
		c := telling{
			state: func(s *billing.State) { s.Dispatch, s.Policy = billing.Succeeded, one },
			facts: func(f *story.Facts) {
				f.Rows = []attempt.Row{row(0, 0, 0, channel.SMS, attempt.Succeeded, func(r *attempt.Row) { r.Reason, r.Provider = attempt.ReasonInquiry, "nhn" })}
				f.Inquiries = []port.Inquiry{{Key: about, Asks: 2, AskedAt: noon, Last: last}}
			},
			says:  []string{want, "accepted by the gateway, as it said on 2026-11-22 11:01:00 KST when it was asked"},
			never: []string{"asked again"}, waits: story.ForNothing,
		}
		c.check(t)
	}
}
