package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Status returns the state of the given months, or, if none is given, of every open one and of every closed one in which bills or
// copies have not come to an end, each with its last runs, as many
// as runs says. ErrNotFound if a month was never opened.
func (a *Answers) Status(ctx context.Context, months []key.Month, runs int) (Status, error) {
	return a.status(ctx, months, runs, len(months) > 0)
}

// status is Status; costs are asked for where that is said, as it reads the whole ledger of each month.
func (a *Answers) status(ctx context.Context, months []key.Month, runs int, costs bool) (Status, error) {
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
			if costs {
				if m.Costs, err = a.costs(ctx, state.Month); ctx.Err() != nil {
					return s, err
				} else if err != nil { // reading it may take longer than a statement has
					m.CostProblem = err.Error()
				}
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
