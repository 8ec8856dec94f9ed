package operatorcmd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

const statusHelp = `Show how everything stands: the halts, the policy, how far delivery is behind, and for each open month, and for each closed one in
which bills or copies have not come to an end, the way from import to the gateways, what providers reported, what is held back and why, the last runs, and what to do next.

Times are in the ACTIVE policy's zone, which the first line names with its offset; without such a policy in UTC.
How far delivery is behind is asked where BALSONG_KAFKA_BROKERS is set.`

// newStatus is the subcommand "status".
func newStatus() *cobra.Command {
	a := &billFlags{}
	var runs int
	cmd := &cobra.Command{
		Use: "status", Args: cli.NoArguments,
		Short: "Show how the months stand, what is held and why, and what to do next", Long: statusHelp,
		Example: "  balsong status\n  balsong status --month 2026-11 --output json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var asked []key.Month
			if a.month != 0 {
				asked = []key.Month{a.month}
			}
			return withUseCases(cmd, operatorapp.Status, func(ctx context.Context, u operatorapp.UseCases) error {
				s, err := u.Answers.Status(ctx, asked, runs)
				if err != nil {
					return err
				}
				return cli.Answer(cmd, s, func(w io.Writer) { printStatus(w, s) })
			})
		},
	}
	cli.MonthFlag(cmd, &a.month, "; without: every open month, and closed ones that are not finished")
	cmd.Flags().IntVar(&runs, "runs", 3, "how many of each month's last runs to show")
	completeMonth(cmd)
	describe[config.Status](cmd)
	return cmd
}

func printStatus(w io.Writer, s answer.Status) {
	now := s.At.In(s.Location())
	fmt.Fprintf(w, "Times are in %s (%s).\n", s.Zone, now.Format("-07:00"))
	if s.Halted {
		fmt.Fprintf(w, "HALTED by %s since %s: %s\n", s.Halt.Actor, answer.Clock(s.Halt.Since, now.Location()), s.Halt.Reason)
	}
	for _, h := range s.HaltedChannels {
		fmt.Fprintf(w, "HALTED channel %s by %s since %s: %s\n", h.Channel, h.Actor, answer.Clock(h.Since, now.Location()), h.Reason)
	}
	policy := "none is ACTIVE"
	if s.Policy != "" {
		policy = s.Policy + " is ACTIVE"
	}
	fmt.Fprintf(w, "policy: %s, drafts: %d\n", policy, len(s.Drafts))
	if s.Lag != nil {
		consumers := ""
		if s.Consumers != nil {
			consumers = fmt.Sprintf(", consumers: %d", *s.Consumers)
		}
		fmt.Fprintf(w, "delivery: %s behind%s\n", progress.Counted(*s.Lag, "request", "requests"), consumers)
		if done := s.Done(); done != "" {
			fmt.Fprintf(w, "  of them %s\n", done)
		}
	} else {
		fmt.Fprintf(w, "delivery: how far it is behind is not known: %s\n", s.LagProblem)
	}
	for _, p := range s.Providers {
		fmt.Fprintf(w, "provider %s: %.3g calls a second by all processes together", p.Provider, p.Rate)
		if p.Slowed() {
			fmt.Fprintf(w, ", of %.3g: it throttled at %s", p.Limit, answer.Clock(p.SlowedAt, now.Location()))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "suppression list: %s\n", progress.Counted(s.Suppressions, "entry", "entries"))
	for _, m := range s.Months {
		printMonth(w, m, now)
	}
	if len(s.Next) > 0 {
		fmt.Fprintln(w, "\nWhat to do next:")
		for _, line := range s.Next {
			fmt.Fprintln(w, wrapped(line, "  - ", "    "))
		}
	}
}

// printMonth writes a month; times are in the zone of now.
func printMonth(w io.Writer, m answer.MonthStatus, now time.Time) {
	state := "open"
	if !m.Open {
		state = "closed"
	}
	fmt.Fprintf(w, "\n%s (%s)\n", m.Month, state)
	count := func(n int, what string, args ...any) {
		fmt.Fprintf(w, "  %11s  %s\n", progress.Thousands(n), fmt.Sprintf(what, args...))
	}
	some := func(n int, what string, args ...any) {
		if n > 0 {
			count(n, what, args...)
		}
	}
	if m.PastDeadline != "" {
		fmt.Fprintf(w, "  %s\n", wrapped(m.PastDeadline, "", "  "))
	}
	count(m.Imported, "imported")
	some(m.Rejected, "refused at the import, and not resolved")
	count(m.Rendered, "rendered")
	some(m.NotRendered, "not rendered yet: no run takes them")
	some(m.RenderFailed, "could not be rendered")
	for _, status := range billing.Statuses {
		some(m.Dispatch[status], "%s", status)
		for _, part := range partsOf(m, status) {
			some(part.n, "  of them: %s", part.what)
		}
	}
	printReports(w, m.Reports, now.Location())
	for _, c := range m.Costs {
		fmt.Fprintf(w, "  %11s  cost: %s\n", "", c)
	}
	if m.CostProblem != "" {
		fmt.Fprintf(w, "  %11s  cost: not known now: %s\n", "", m.CostProblem)
	}
	if text := m.CopiesText(); text != "" {
		fmt.Fprintf(w, "  %11s  copies: %s\n", "", text)
	}
	if text := m.WhenDue(now); text != "" {
		fmt.Fprintf(w, "  %11s  %s\n", "", text)
	}
	some(m.Calls, "being called now; what has no answer by %s becomes UNKNOWN", answer.Clock(m.CallsUntil, now.Location()))
	for _, r := range m.Runs {
		printRun(w, r, now.Location())
	}
}

// part is a part of the bills in a status.
type part struct {
	n    int
	what string
}

// partsOf divides the bills in a status.
func partsOf(m answer.MonthStatus, status billing.Status) (parts []part) {
	switch {
	case status == billing.Succeeded && m.Reports.Known():
		parts = []part{{m.Reports.Delivered, "reported as delivered"}, {m.Reports.NotDelivered, "reported as not delivered"}, {m.Reports.NotReported, "not reported"}}
	case status == billing.Unknown:
		parts = []part{{m.Asking, "the provider is asked"}}
	case status == billing.Paused:
		for _, reason := range billing.PauseReasons {
			parts = append(parts, part{m.Paused[reason], string(reason)})
		}
	}
	return parts
}

// printReports says how many reports came, and how many are about nothing that is known.
func printReports(w io.Writer, r answer.ReportStatus, zone *time.Location) {
	var counts, apart []string
	for _, kind := range report.Kinds {
		if n := r.Kinds[kind]; n > 0 {
			counts = append(counts, progress.Thousands(n)+" "+string(kind))
		}
	}
	for _, why := range port.Strays {
		if n := r.KeptApart[why]; n > 0 {
			apart = append(apart, progress.Thousands(n)+" "+string(why))
		}
	}
	if len(counts) > 0 {
		fmt.Fprintf(w, "  %11s  reports: %s, the last at %s\n", "", strings.Join(counts, ", "), answer.Clock(r.LastAt, zone))
	}
	if len(apart) > 0 {
		fmt.Fprintf(w, "  %11s  reports kept apart: %s\n", "", strings.Join(apart, ", "))
	}
}

func printRun(w io.Writer, r answer.RunStatus, zone *time.Location) {
	took := "under way"
	if !r.FinishedAt.IsZero() {
		took = "after " + r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond).String()
	}
	by := r.CreatedBy
	if r.ApprovedBy != "" {
		by += ", noted as approved by " + r.ApprovedBy
	}
	fmt.Fprintf(w, "  run %d, %s, by %s (%s): %s %s, %s published, %s not acknowledged, %s left\n", r.ID, answer.Clock(r.StartedAt, zone), by, r.Reason, r.Status, took,
		progress.Thousands(r.Published), progress.Thousands(r.Failed), progress.Thousands(r.Left))
	for _, rule := range billing.RuleTable.Codes() {
		if n := r.Decisions[rule]; n > 0 {
			fmt.Fprintf(w, "       %11s  %s %s\n", progress.Thousands(n), rule.Kind(), rule)
		}
	}
	if r.Error != "" {
		fmt.Fprintf(w, "       %s\n", r.Error)
	}
}
