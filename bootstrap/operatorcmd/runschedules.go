package operatorcmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/schedule"
	"github.com/balsong/balsong/domain/window"
)

// scheduleDocument is a schedule, for programs.
type scheduleDocument struct {
	Name       string      `json:"name,omitempty"`
	Expression string      `json:"expression"`
	Zone       string      `json:"zone"`
	Disabled   bool        `json:"disabled,omitempty"`
	Note       string      `json:"note,omitempty"`
	Next       []time.Time `json:"next"`
}

func scheduleAnswer(s port.RunSchedule, next []time.Time) scheduleDocument {
	d := scheduleDocument{Name: s.Name, Expression: s.Expression, Zone: s.Zone, Disabled: s.Disabled, Note: s.Note, Next: []time.Time{}}
	for _, at := range next {
		d.Next = append(d.Next, at.UTC())
	}
	return d
}

func newRunSchedules() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedules", Args: cli.NoArguments, Short: "List what starts runs, and when",
		Long: "List the schedules of the group (BALSONG_RUN_ECS_SCHEDULE_GROUP), those of the installation too, with the next times of each. When a rate\n" +
			"is due next only AWS knows.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSchedules(cmd, func(ctx context.Context, o *operate.Operator) error {
				list, err := o.Schedules.List(ctx)
				if err != nil {
					return err
				}
				documents := make([]scheduleDocument, 0, len(list))
				for _, one := range list {
					documents = append(documents, scheduleAnswer(one, nextOf(one, o.Clock.Now())))
				}
				return cli.Answer(cmd, documents, func(w io.Writer) { printSchedules(w, documents) })
			})
		},
	}
	describe[config.Starting](cmd)
	return cmd
}

// nextOf are the next times of a schedule that can be known from here: not those of a rate, whose beginning AWS keeps.
func nextOf(s port.RunSchedule, now time.Time) []time.Time {
	e, err := schedule.Parse(s.Expression)
	zone, zoneErr := window.Zone(s.Zone)
	if err != nil || zoneErr != nil || s.Disabled || e.IsRate() {
		return nil
	}
	return e.Next(now, zone, 2)
}

func printSchedules(w io.Writer, list []scheduleDocument) {
	for _, s := range list {
		state := ""
		if s.Disabled {
			state = " (disabled)"
		}
		fmt.Fprintf(w, "%s%s  %s in %s: %s\n", s.Name, state, s.Expression, s.Zone, s.Note)
		zone, err := window.Zone(s.Zone)
		for _, at := range s.Next {
			if err == nil {
				fmt.Fprintf(w, "    %s\n", answer.Clock(at, zone))
			}
		}
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "nothing is scheduled")
	}
}

// next are the flags of "run next".
type next struct {
	expression, zone string
	from             time.Time
	count            int
}

func newRunNext() *cobra.Command {
	n := &next{}
	cmd := &cobra.Command{
		Use: "next", Args: cli.NoArguments, Short: "Check a schedule expression, and say when it is due",
		Long: "Check an expression of EventBridge Scheduler (rate, cron or at), as for a parameter of a template, and say when it is due next. It asks no server\n" +
			"and needs no configuration. What the clock of the zone skips is left out, and what it repeats is due once, as AWS documents it. What AWS does not\n" +
			"document is refused (exit code 2), and so is what is never due (5).",
		Example: "  balsong run next --expression \"cron(0 8 25 * ? *)\" --zone Asia/Seoul\n  balsong run next --expression \"rate(2 hours)\"",
		RunE:    func(cmd *cobra.Command, _ []string) error { return n.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&n.expression, "expression", "", "`expression`, as in \"cron(0 8 25 * ? *)\" (required)")
	flags.StringVar(&n.zone, "zone", "UTC", "IANA `name` of the schedule's time zone")
	flags.IntVar(&n.count, "count", 5, "how many times, from 1 to 1000")
	cli.InstantFlag(flags, &n.from, "from", "`instant` after which, as in 2026-11-30T09:00:00+09:00; without: now")
	cli.Require(cmd, "expression")
	cli.Describe(cmd, exitCodes)
	return cmd
}

func (n *next) run(cmd *cobra.Command) error {
	e, err := schedule.Parse(n.expression)
	if err != nil {
		return cli.Usage(err)
	}
	zone, err := window.Zone(n.zone)
	if err != nil {
		return cli.Usagef("--zone: %w", err)
	}
	if n.count < 1 || n.count > 1000 {
		return cli.Usagef("--count is %d (want 1 to 1000)", n.count)
	}
	if n.from.IsZero() {
		n.from = time.Now()
	}
	due := e.Next(n.from, zone, n.count)
	if len(due) == 0 {
		return fmt.Errorf("%w: %s in %s is not due after %s (or the clock of the zone skips that time)", port.ErrInvalid, n.expression, zone, answer.Clock(n.from, zone))
	}
	return cli.Answer(cmd, scheduleAnswer(port.RunSchedule{Expression: n.expression, Zone: zone.String()}, due), func(w io.Writer) {
		for _, at := range due {
			fmt.Fprintf(w, "%s  (%s UTC)\n", at.Format("Mon 2006-01-02 15:04 MST"), at.UTC().Format(clockTime))
		}
	})
}
