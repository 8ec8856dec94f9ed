package answer

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// situation is a state of everything, and what is said about it.
type situation struct {
	change func(s *Status, m *MonthStatus)
	says   []string
	never  []string
}

var situations = map[string]situation{
	"no policy": {
		change: func(s *Status, _ *MonthStatus) { s.Policy = "" }, says: []string{"`balsong policy draft --file …`"}, never: []string{"the DRAFT"},
	},
	"a draft waits": {
		change: func(s *Status, _ *MonthStatus) { s.Policy, s.Drafts = "", []string{"1 v1", "1 v2"} },
		says:   []string{"the DRAFT 1 v2 waits", "`balsong policy activate …`"}, never: []string{"policy draft"},
	},
	"nobody reads the requests": {
		change: func(s *Status, _ *MonthStatus) { s.waits(7, 0) }, says: []string{"start the service `delivery`"}, never: []string{"gateway"},
	},
	"the gateway is down": {
		change: func(s *Status, _ *MonthStatus) { s.waits(7, 2) }, says: []string{"a gateway may be down"}, never: []string{"start the service", "running?"},
	},
	"a provider refuses everything": {
		change: func(s *Status, m *MonthStatus) {
			s.waits(7, 2)
			m.Refusing = []port.ProviderRefusal{{Provider: "email/smtp", Class: attempt.Provider, Reason: attempt.ReasonProvider, Said: "535 no", Refused: 2}}
		},
		says: []string{`the provider email/smtp refuses every message because of the sender (2 put back within the hour). It said: "535 no". Nothing is sent`}, never: []string{"Requests wait", "cannot be called"},
	},
	"a provider cannot be called": {
		change: func(s *Status, m *MonthStatus) {
			s.waits(7, 2)
			m.Refusing = []port.ProviderRefusal{{Provider: "email/smtp", Reason: attempt.ReasonNotCalled, Said: "connection refused", Refused: 4}}
		},
		says: []string{"the provider email/smtp cannot be called (4 put back within the hour): connection refused. The bills stay due: look at `balsong doctor`"}, never: []string{"Requests wait", "refuses every message"},
	},
	"a provider cannot be called, and nothing reads": {
		change: func(s *Status, m *MonthStatus) {
			s.waits(1, 0)
			m.Refusing = []port.ProviderRefusal{{Provider: "email/smtp", Reason: attempt.ReasonNotCalled, Said: "connection refused", Refused: 4}}
		},
		says: []string{"start the service `delivery`"},
	},
	"delivery calls": {
		change: func(s *Status, m *MonthStatus) { s.waits(7, 2); m.Calls = 1 }, never: []string{"Requests wait"},
	},
	"everything is halted": {
		change: func(s *Status, m *MonthStatus) { s.waits(7, 0); s.Halted, m.Due = true, 3 },
		says:   []string{"until the halt is lifted"}, never: []string{"Requests wait", "are due"},
	},
	"some are due": {
		change: func(_ *Status, m *MonthStatus) {
			m.Dispatch[billing.Ready], m.Dispatch[billing.Failed], m.Due, m.NextDue = 5, 2, 3, now
		},
		says: []string{"3 bills are due: the next dispatcher run takes them", "3 of the READY and FAILED together are due now"},
	},
	"one is due": {
		change: func(_ *Status, m *MonthStatus) {
			m.Dispatch[billing.Ready], m.Due, m.NextDue = 5, 1, now.Add(-time.Hour)
		},
		says: []string{"1 bill is due: the next dispatcher run takes it", "1 of them is due now"}, never: []string{"FAILED"},
	},
	"one of each waits for a person": {
		change: func(_ *Status, m *MonthStatus) {
			m.Dispatch[billing.Unknown], m.NotRendered, m.RenderFailed = 1, 1, 1
			m.Paused = map[billing.PauseReason]int{billing.PauseContent: 1}
		},
		says: []string{"1 is UNKNOWN", "1 is PAUSED (content)", "render 1 bill:", "1 bill could not be rendered", "batch render --month 2026-11 --failed"}, never: []string{"1 are", "1 bills"},
	},
	"one was paused by an operator": {
		change: func(_ *Status, m *MonthStatus) { m.Paused = map[billing.PauseReason]int{billing.PauseOperator: 1} },
		says:   []string{"1 is PAUSED (operator): `balsong audit --month 2026-11 --action pause` says who paused and why; once that is settled, resume it"},
	},
	"most of the lag is done": {
		change: func(s *Status, m *MonthStatus) {
			s.waits(18390, 2)
			s.everyMonth, m.Dispatch[billing.Requested] = true, 663
		},
		says: []string{"663 REQUESTED; the other requests are done"},
	},
	"all of the lag is to be done": {
		change: func(s *Status, m *MonthStatus) {
			s.waits(663, 2)
			s.everyMonth, m.Dispatch[billing.Requested] = true, 663
		},
		never: []string{"are done"},
	},
	"one expires": {
		change: func(_ *Status, m *MonthStatus) { m.Dispatch[billing.Ready], m.PastDeadline = 1, "it passed" },
		says:   []string{"1 bill expires at the next dispatcher run and is not sent: it passed"},
	},
	"closed with one bill": {
		change: func(_ *Status, m *MonthStatus) { m.Open, m.Dispatch[billing.Ready] = false, 1 },
		says:   []string{"1 bill waits and the month is closed, so no run takes it by itself: `dispatcher --month 2026-11` takes it once it is due"},
	},
	"the first is due later": {
		change: func(_ *Status, m *MonthStatus) { m.Dispatch[billing.Ready], m.NextDue = 5, now.Add(time.Hour) },
		says:   []string{"none of them is due before 2026-11-22 13:00:00 KST"}, never: []string{"due now", "UTC"},
	},
	"closed with bills that wait": {
		change: func(_ *Status, m *MonthStatus) {
			m.Open, m.Dispatch[billing.Ready], m.NextDue = false, 5, now.Add(time.Hour)
		},
		says:  []string{"5 bills wait and the month is closed, so no run takes them by itself", "balsong month reopen --month 2026-11", "only a run that names it takes them"},
		never: []string{"the next dispatcher run takes them"},
	},
	"closed with bills that are due": {
		change: func(_ *Status, m *MonthStatus) {
			m.Open, m.Dispatch[billing.Ready], m.Due, m.NextDue = false, 5, 5, now
		},
		says:  []string{"`dispatcher --month 2026-11` takes those that are due", "5 of them are due now, and the month is closed"},
		never: []string{"the next dispatcher run takes them"},
	},
	"closed and at its end": {
		change: func(_ *Status, m *MonthStatus) { m.Open, m.Imported, m.Dispatch[billing.Succeeded] = false, 5, 5 },
		never:  []string{"wait", "month close", "due"},
	},
}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("KST", 9*3600))

// waits lets requests wait while so many processes read them.
func (s *Status) waits(requests int64, consumers int) { s.Lag, s.Consumers = &requests, &consumers }

func TestEverySituationHasItsSentences(t *testing.T) {
	t.Parallel()
	for name, c := range situations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Status{Policy: "1 v1"}
			m := MonthStatus{Month: 2026*12 + 10, Open: true, Dispatch: map[billing.Status]int{}}
			c.change(&s, &m)
			s.Months = []MonthStatus{m}
			said := strings.Join(append(s.advice(), m.WhenDue(now), s.Done()), "\n")
			for _, words := range c.says {
				if !strings.Contains(said, words) {
					t.Errorf("it does not say %q:\n%s", words, said)
				}
			}
			for _, words := range c.never {
				if strings.Contains(said, words) {
					t.Errorf("it says %q:\n%s", words, said)
				}
			}
		})
	}
}
