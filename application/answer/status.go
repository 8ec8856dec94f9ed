package answer

import (
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Status is the state of everything.
type Status struct {
	At             time.Time           `json:"at"`
	Halted         bool                `json:"halted"`
	Halt           *HaltStatus         `json:"halt,omitempty"`
	HaltedChannels []ChannelHaltStatus `json:"halted_channels"`
	Policy         string              `json:"policy"`       // the ACTIVE version, "1 v3"; "": none
	Zone           string              `json:"zone"`         // of the times that people are shown: the ACTIVE policy's; UTC without one
	Drafts         []string            `json:"drafts"`       // versions that are not activated
	Lag            *int64              `json:"lag"`          // requests that delivery has not done; null: it could not be found out
	LagProblem     string              `json:"lag_problem"`  // why it could not be found out
	Consumers      *int                `json:"consumers"`    // processes of delivery that read requests; null: it could not be found out
	Providers      []RateStatus        `json:"providers"`    // that have a limit and were called within a day
	Suppressions   int                 `json:"suppressions"` // entries of the suppression list
	Months         []MonthStatus       `json:"months"`
	Next           []string            `json:"what_to_do_next"`

	active     policy.Version
	everyMonth bool // Months are all that are open, and those closed ones that are not finished
}

// Location is the zone of the times that people are shown, as Zone names it.
func (s Status) Location() *time.Location {
	if s.Policy == "" {
		return time.UTC
	}
	return s.active.Zone()
}

// RateStatus is how many calls a second all processes together may make to a provider.
type RateStatus struct {
	Provider string    `json:"provider"`
	Rate     float64   `json:"rate"`               // at present
	Limit    float64   `json:"limit"`              // as configured
	SlowedAt time.Time `json:"slowed_at,omitzero"` // when the provider throttled last
}

// Slowed reports whether the rate is lower than its limit, because the provider has throttled.
func (r RateStatus) Slowed() bool { return r.Rate < 0.995*r.Limit }

// HaltStatus is who halted everything, and why.
type HaltStatus struct {
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// ChannelHaltStatus is who halted a channel, and why: of a halt by a process, what was refused.
type ChannelHaltStatus struct {
	Channel channel.Kind `json:"channel"`
	HaltStatus
}

// MonthStatus is the state of a month.
type MonthStatus struct {
	Month        key.Month                   `json:"month"`
	Open         bool                        `json:"open"`
	Imported     int                         `json:"imported"`
	Rejected     int                         `json:"rejected"`
	Rendered     int                         `json:"rendered"`
	NotRendered  int                         `json:"not_rendered_yet"`
	RenderFailed int                         `json:"render_failed"`
	Dispatch     map[billing.Status]int      `json:"dispatch"`
	Paused       map[billing.PauseReason]int `json:"paused"`
	Reports      ReportStatus                `json:"reports"`
	Asking       int                         `json:"being_asked"` // of the UNKNOWN bills those about which a provider is still to be asked
	Copies       map[billing.Status]int      `json:"copies"`      // of bills, on request; in none of the other counts but due
	Due          int                         `json:"due"`         // candidates that the next run would take
	NextDue      time.Time                   `json:"next_due,omitzero"`
	Calls        int                         `json:"being_called"`
	CallsUntil   time.Time                   `json:"being_called_until,omitzero"`
	Refusing     []port.ProviderRefusal      `json:"refusing"`                // providers that refuse everything, ask to wait, or cannot be called
	PastDeadline string                      `json:"past_deadline,omitempty"` // in words, where what the ACTIVE policy gives the month has passed
	Costs        []CostStatus                `json:"costs,omitempty"`         // of a month that is asked for
	CostProblem  string                      `json:"cost_problem,omitempty"`  // why they could not be found out
	Runs         []RunStatus                 `json:"runs"`                    // the newest first
}

// RunStatus is a short form of a run's record.
type RunStatus struct {
	ID         int64                `json:"id"`
	CreatedBy  string               `json:"created_by"`
	ApprovedBy string               `json:"approved_by,omitempty"`
	Reason     string               `json:"reason"`
	Status     port.RunStatus       `json:"status"`
	StartedAt  time.Time            `json:"started_at"`
	FinishedAt time.Time            `json:"finished_at,omitzero"`
	Published  int                  `json:"published"`
	Failed     int                  `json:"not_acknowledged"`
	Left       int                  `json:"left"`
	Unrendered int                  `json:"not_rendered_yet"`
	Decisions  map[billing.Rule]int `json:"decisions"`
	Error      string               `json:"error,omitempty"`
}

// Waiting counts the bills that have not come to an end: they may still go out, or wait for a person.
func (m MonthStatus) Waiting() int { return waiting(m.Dispatch) }

// waiting counts those that have not come to an end.
func waiting(counts map[billing.Status]int) (n int) {
	for status, count := range counts {
		if !status.Final() {
			n += count
		}
	}
	return n
}

// total counts all of them.
func total(counts map[billing.Status]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// CopiesText says how the copies of a month stand: "3, sent 2, open 1"; "" where there is none.
func (m MonthStatus) CopiesText() string {
	n := total(m.Copies)
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf("%d, sent %d", n, m.Copies[billing.Succeeded])
	if open := waiting(m.Copies); open > 0 {
		text += fmt.Sprintf(", open %d", open)
	}
	if ended := n - waiting(m.Copies) - m.Copies[billing.Succeeded]; ended > 0 {
		text += fmt.Sprintf(", ended without success %d", ended)
	}
	return text
}

// dueAtMost bounds the counting of what is due.
const dueAtMost = 100_000_000

// calls counts the gateway calls under way.
func (s Status) calls() (n int) {
	for _, m := range s.Months {
		n += m.Calls
	}
	return n
}

// Done says, where it is plain, that most of the requests that delivery is behind are done: one that is not done keeps its
// partition's committed offset back, and with it all that were done after it. "" where it is not plain.
func (s Status) Done() string {
	requested := 0
	for _, m := range s.Months {
		requested += m.Dispatch[billing.Requested] + m.Copies[billing.Requested]
	}
	if s.Lag == nil || !s.everyMonth || *s.Lag <= int64(requested) {
		return ""
	}
	return fmt.Sprintf("%d REQUESTED; the other requests are done, and count until those before them in their partition are", requested)
}

// refusing reports whether a provider refuses everything or cannot be called, which is why requests wait.
func (s Status) refusing() bool {
	return slices.ContainsFunc(s.Months, func(m MonthStatus) bool { return len(m.Refusing) > 0 })
}

// refusal says which provider refuses or cannot be called, in its own words, and what follows.
func refusal(r port.ProviderRefusal) string {
	if r.Reason == attempt.ReasonNotCalled {
		return fmt.Sprintf("the provider %s cannot be called (%d put back within the hour): %s. The bills stay due: look at `balsong doctor`, which asks the gateways.", r.Provider, r.Refused, r.Said)
	}
	text := fmt.Sprintf("the provider %s refuses every message because of the sender", r.Provider)
	if r.Class == attempt.Throttled {
		text = fmt.Sprintf("the provider %s asks to wait", r.Provider)
	}
	return fmt.Sprintf(`%s (%d put back within the hour). It said: "%s". Nothing is sent through it until it takes a message again; no attempt is spent.`, text, r.Refused, r.Said)
}
