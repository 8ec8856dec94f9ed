package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/wording"
)

// advice says what to do next, the most pressing first.
func (s Status) advice() []string {
	a := &advice{list: []string{}}
	a.sayIf(s.Halted, "Nothing is sent until the halt is lifted: `balsong resume --reason …`.")
	for _, h := range s.HaltedChannels {
		a.say(1, "The channel %[1]s is halted: nothing goes out by it, and who was refused on it does not continue on the next channel. Find out whether the customers or the provider or the data is the cause, then "+
			"`balsong resume --channel %[2]s --reason …`; with --share 50 it is halted again only above 50%% of refusals.", h.Channel, strings.ToLower(string(h.Channel)))
	}
	s.adviseOnPolicy(a)
	a.sayIf(s.everyMonth && !slices.ContainsFunc(s.Months, func(m MonthStatus) bool { return m.Open }), "No month is open: `balsong batch import --month … --file …`.")
	s.adviseOnDelivery(a)
	for _, m := range s.Months {
		for _, r := range m.Refusing {
			a.say(1, "%s: %s", m.Month, refusal(r))
		}
		m.adviseOnDue(a, s.Halted)
		m.adviseOnPeople(a)
	}
	return a.list
}

// advice collects sentences.
type advice struct{ list []string }

// say adds a sentence about n of something, if there are any.
func (a *advice) say(n int, format string, args ...any) { a.sayIf(n > 0, format, args...) }

// sayIf adds a sentence on a condition.
func (a *advice) sayIf(yes bool, format string, args ...any) {
	if yes {
		a.list = append(a.list, fmt.Sprintf(format, args...))
	}
}

// adviseOnPolicy says how a policy becomes ACTIVE where none is.
func (s Status) adviseOnPolicy(a *advice) {
	switch n := len(s.Drafts); {
	case s.Policy != "":
	case n == 0:
		a.say(1, "No policy is ACTIVE: `balsong policy draft --file …`, then `balsong policy activate …`.")
	default:
		a.say(1, "No policy is ACTIVE, and the DRAFT %s waits for it: look at `balsong policy list`, then `balsong policy activate …`.", s.Drafts[n-1])
	}
}

// adviseOnDelivery says why requests may wait although no call is in progress.
func (s Status) adviseOnDelivery(a *advice) {
	switch {
	case s.Halted || s.Lag == nil || *s.Lag == 0 || s.calls() > 0:
		return
	case s.Consumers != nil && *s.Consumers == 0:
		a.say(1, "Requests wait in the event log, and no process reads them: start the service `delivery`.")
		return
	case s.refusing() || len(s.HaltedChannels) > 0:
		return // what a provider says about us is said of it
	}
	a.say(1, "Requests wait in the event log and no call is in progress, although delivery reads them: a gateway may be down, its circuit breaker open, or it may be "+
		"quiet hours. `balsong doctor` asks the gateways; delivery's log and its metrics say what it waits for.")
}

// adviseOnDue says what becomes of the bills that are candidates.
func (m MonthStatus) adviseOnDue(a *advice, halted bool) {
	if candidates := m.candidates(); m.PastDeadline != "" {
		a.say(candidates, "%s: %s at the next dispatcher run and %s not sent: %s. Before it, %s.", m.Month,
			wording.Count(candidates, "bill expires", "bills expire"), wording.Form(candidates, "is", "are"), m.PastDeadline, BeforeTheyExpire)
	}
	a.say(m.NotRendered, "%s: render %s: `balsong batch render --month %s`.", m.Month, wording.Count(m.NotRendered, "bill", "bills"), m.Month)
	a.say(m.RenderFailed, "%s: %s could not be rendered (`balsong unreached --month %s` has the reasons): correct the data or the templates, then `balsong batch render --month %s --failed`.", m.Month, wording.Count(m.RenderFailed, "bill", "bills"), m.Month, m.Month)
	switch {
	case halted:
	case m.PastDeadline != "": // which does not bind copies
		n := m.copiesToSend()
		a.say(n, "%s: %s open and may still go out: the next dispatcher run takes what is due (`dispatcher --month %s` does it now).", m.Month, wording.Count(n, "copy is", "copies are"), m.Month)
	case m.Open:
		what, whats := "bill is", "bills are"
		if m.copiesToSend() > 0 {
			what, whats = "bill or copy is", "bills and copies are"
		}
		a.say(m.Due, "%s: %s due: the next dispatcher run takes %s (`dispatcher --month %s` does it now).", m.Month, wording.Count(m.Due, what, whats), wording.Form(m.Due, "it", "them"), m.Month)
	default:
		n := m.candidates() + m.copiesToSend()
		a.say(n, "%s: %s and the month is closed, so no run takes %s by itself: `dispatcher --month %s` takes %s due, `balsong month reopen --month %s` opens the month again.",
			m.Month, wording.Count(n, "bill waits", "bills wait"), wording.Form(n, "it", "them"), m.Month, wording.Form(n, "it once it is", "those that are"), m.Month)
	}
}

// adviseOnPeople says what waits for a person.
func (m MonthStatus) adviseOnPeople(a *advice) {
	a.say(m.Rejected, "%s: %s at the import and not resolved: `batch import refused --month %s` lists %s; correct the rows in rejects.csv and import that, or `batch import dismiss …`.",
		m.Month, wording.Count(m.Rejected, "row was refused", "rows were refused"), m.Month, wording.Form(m.Rejected, "it", "them"))
	a.say(m.Asking, "%s: %s UNKNOWN, and the provider is asked about %s: nothing to do unless that ends without an answer.", m.Month, wording.Count(m.Asking, "is", "are"), wording.Form(m.Asking, "it", "them"))
	unknown := m.Dispatch[billing.Unknown] - m.Asking
	a.say(unknown, "%s: %s UNKNOWN: ask the gateway, then `balsong target delivered`, `not-delivered`, `send-anyway` or `write-off`.", m.Month, wording.Count(unknown, "is", "are"))
	a.say(m.Reports.NotDelivered, "%s: %s reported as not delivered, and the policy only notes that (`undelivered`), so %s SUCCEEDED: `balsong unreached --month %s` lists %s, `balsong why` tells why, `balsong target copy` sends a copy.",
		m.Month, wording.Count(m.Reports.NotDelivered, "bill was", "bills were"), wording.Form(m.Reports.NotDelivered, "it stays", "they stay"), m.Month, wording.Form(m.Reports.NotDelivered, "it", "them"))
	for _, reason := range billing.PauseReasons {
		remedy := story.Remedy(reason)
		if reason == billing.PauseOperator {
			remedy = fmt.Sprintf("`balsong audit --month %s --action pause` says who paused and why; once that is settled, %s", m.Month, remedy)
		}
		a.say(m.Paused[reason], "%s: %s PAUSED (%s): %s.", m.Month, wording.Count(m.Paused[reason], "is", "are"), reason, remedy)
	}
	held := m.Copies[billing.Paused] + m.Copies[billing.Unknown]
	a.say(held, "%s: %s PAUSED or UNKNOWN and %s for a person: `balsong target copies --month %s` lists them, `balsong why` says what each needs.", m.Month, wording.Count(held, "copy is", "copies are"), wording.Form(held, "waits", "wait"), m.Month)
	a.sayIf(m.Open && m.Imported > 0 && m.Waiting() == 0 && waiting(m.Copies) == 0, "%s: every bill has come to an end: `balsong unreached --month %s` for the postal mailing, then `balsong month close --month %s`.", m.Month, m.Month, m.Month)
}

// candidates counts the bills that a run would take once they are due and rendered.
func (m MonthStatus) candidates() int { return m.Dispatch[billing.Ready] + m.Dispatch[billing.Failed] }

// copiesToSend counts the copies that a run would take once they are due.
func (m MonthStatus) copiesToSend() int { return m.Copies[billing.Ready] + m.Copies[billing.Failed] }

// WhenDue says of the READY and FAILED bills together how many are due, or when the first one is; "" where there is nothing to
// say. at is the time now, in the zone that people are shown.
func (m MonthStatus) WhenDue(at time.Time) string {
	if m.NextDue.IsZero() || m.candidates() == 0 {
		return ""
	}
	which := "of them"
	if m.Dispatch[billing.Ready] > 0 && m.Dispatch[billing.Failed] > 0 {
		which = "of the READY and FAILED together"
	}
	if m.copiesToSend() > 0 {
		which += " and of the copies"
	}
	text := fmt.Sprintf("%d %s %s due now", m.Due, which, wording.Form(m.Due, "is", "are"))
	if m.NextDue.After(at) || m.Due == 0 {
		text = fmt.Sprintf("none %s is due before %s", which, Clock(later(m.NextDue, at), at.Location()))
	}
	if !m.Open {
		text += ", and the month is closed: only a run that names it takes them"
	}
	return text
}

// later returns the later of two instants.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Clock writes an instant for people: to the second, in a zone that it names.
func Clock(at time.Time, zone *time.Location) string {
	return at.In(zone).Format("2006-01-02 15:04:05 MST")
}
