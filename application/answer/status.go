package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// Status returns the state of the given months, or, if none is given, of every open one and of every closed one in which bills or
// copies have not come to an end, each with its last runs, as many
// as runs says. ErrNotFound if a month was never opened.
func (a *Answers) Status(ctx context.Context, months []key.Month, runs int) (Status, error) {
	s := Status{At: a.Clock.Now(), Zone: "UTC", everyMonth: len(months) == 0, Months: []MonthStatus{}, Drafts: []string{}, Providers: []RateStatus{}, HaltedChannels: []ChannelHaltStatus{}, Next: []string{}}
	for _, ask := range []func(context.Context, *Status) error{a.askHalt, a.askPolicies, a.askLag, a.askRates} {
		if err := ask(ctx, &s); err != nil {
			return s, err
		}
	}
	var err error
	if s.Suppressions, err = a.Suppressions.Count(ctx); err != nil {
		return s, err
	}
	all, err := a.Months.All(ctx)
	if err != nil {
		return s, err
	}
	wanted := make(map[key.Month]bool, len(months))
	for _, month := range months {
		wanted[month] = true
	}
	for _, state := range all {
		shown := wanted[state.Month]
		if len(months) == 0 {
			if shown, err = a.mayBeUnfinished(ctx, state); err != nil {
				return s, err
			}
		}
		if shown {
			delete(wanted, state.Month)
			m, err := a.Month(ctx, state, runs)
			if err != nil {
				return s, err
			}
			if len(months) == 0 && !m.Open && m.Waiting() == 0 && waiting(m.Copies) == 0 {
				continue
			}
			if s.Policy != "" {
				m.PastDeadline = PastDeadline(s.active, m.Month, s.At)
			}
			s.Months = append(s.Months, m)
		}
	}
	for month := range wanted {
		return s, fmt.Errorf("%s was never opened (an import opens a month): %w", month, port.ErrNotFound)
	}
	s.Next = s.advice()
	return s, nil
}

// mayBeUnfinished reports whether a month is open, or was closed and may have bills or copies that have not come to an end. Counting
// those of every closed month would take too long: its closing says whether any were left, and what an act on a bill opened since
// then, an index finds.
func (a *Answers) mayBeUnfinished(ctx context.Context, month port.MonthState) (bool, error) {
	if month.Open || !month.DroppedAt.IsZero() {
		return month.Open, nil
	}
	acts, err := a.Audit.About(ctx, []string{month.Month.String()})
	if err != nil {
		return false, err
	}
	for _, act := range slices.Backward(acts) {
		if rest, ok := strings.CutPrefix(string(act.Action), string(port.ActionCloseMonth)); ok {
			if rest != "" {
				return true, nil
			}
			break
		}
	}
	next, err := a.Backlog.NextDue(ctx, month.Month)
	if err != nil || !next.IsZero() {
		return true, err
	}
	requested, err := a.Backlog.InFlight(ctx, month.Month, 1)
	return requested > 0, err
}

// Month returns the state of one month, with its last runs.
func (a *Answers) Month(ctx context.Context, state port.MonthState, runs int) (MonthStatus, error) {
	m := MonthStatus{Month: state.Month, Open: state.Open, Runs: []RunStatus{}}
	f, err := a.Report.Funnel(ctx, state.Month)
	if err != nil {
		return m, err
	}
	m.Imported, m.Rejected, m.Dispatch, m.Paused, m.Copies = f.Imported, f.Rejected, f.Dispatch, f.Paused, f.Copies
	m.Rendered, m.NotRendered, m.RenderFailed = f.Batch[billing.Rendered], f.Batch[billing.Imported], f.Batch[billing.RenderFailed]
	if m.Due, err = a.Backlog.Due(ctx, state.Month, a.Clock.Now(), dueAtMost); err != nil {
		return m, err
	}
	if m.NextDue, err = a.Backlog.NextDue(ctx, state.Month); err != nil {
		return m, err
	}
	if m.Calls, m.CallsUntil, err = a.Sweeps.InDoubt(ctx, state.Month); err != nil {
		return m, err
	}
	if m.Refusing, err = a.Report.Refusing(ctx, state.Month); err != nil {
		return m, err
	}
	if err := a.askReports(ctx, &m); err != nil {
		return m, err
	}
	records, err := a.Runs.Latest(ctx, state.Month, runs)
	for _, r := range records {
		m.Runs = append(m.Runs, RunStatus{
			ID: r.ID, CreatedBy: r.By.Actor, ApprovedBy: r.By.ApprovedBy, Reason: r.By.Reason, Status: r.Status, StartedAt: r.StartedAt,
			FinishedAt: r.FinishedAt, Published: r.Published, Failed: r.Failed, Left: r.Left, Unrendered: r.Unrendered, Decisions: r.Decisions, Error: r.Error,
		})
	}
	return m, err
}

func (a *Answers) askHalt(ctx context.Context, s *Status) error {
	halt, err := a.Control.Halted(ctx)
	if err == nil && halt.On {
		s.Halted, s.Halt = true, &HaltStatus{Actor: halt.Actor, Reason: halt.Reason, Since: halt.Since}
	}
	if err != nil {
		return err
	}
	channels, err := a.ChannelHalts.All(ctx)
	for _, h := range channels {
		if h.On {
			s.HaltedChannels = append(s.HaltedChannels, ChannelHaltStatus{h.Channel, HaltStatus{Actor: h.Actor, Reason: h.Reason, Since: h.Since}})
		}
	}
	return err
}

func (a *Answers) askPolicies(ctx context.Context, s *Status) error {
	records, err := a.Policies.List(ctx)
	for _, r := range records {
		switch r.Version.Status() {
		case policy.Active:
			s.Policy, s.Zone, s.active = r.Version.Ref().String(), r.Version.Zone().String(), r.Version
		case policy.Draft:
			s.Drafts = append(s.Drafts, r.Version.Ref().String())
		default:
		}
	}
	return err
}

func (a *Answers) askRates(ctx context.Context, s *Status) error {
	budgets, err := a.Budgets.All(ctx)
	for _, b := range budgets {
		s.Providers = append(s.Providers, RateStatus{Provider: b.Provider, Rate: b.Rate, Limit: b.Limit, SlowedAt: b.SlowedAt})
	}
	return err
}

// askLag asks the event log. If it does not answer, the status says so.
func (a *Answers) askLag(ctx context.Context, s *Status) error {
	if a.Delivery == nil {
		s.LagProblem = "no brokers are configured here (BALSONG_KAFKA_BROKERS)"
		return nil
	}
	state, err := a.Delivery(ctx)
	if err != nil {
		s.LagProblem = err.Error()
		return ctx.Err()
	}
	s.Lag = &state.Behind
	if state.Consumers >= 0 {
		s.Consumers = &state.Consumers
	}
	return nil
}

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
