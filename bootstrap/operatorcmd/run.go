package operatorcmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/window"
)

const runHelp = `Start runs of the dispatcher in processes of their own, at once or at a time to come: on this machine, or
as tasks of Amazon ECS (BALSONG_RUN_ON). A run goes on whatever becomes of this command and its terminal.

Several runs at once do no harm: a statement goes out once. A run's result is in ` + "`balsong status`" + `.`

// newRun is the subcommand "run".
func newRun() *cobra.Command {
	cmd := &cobra.Command{Use: "run", Short: "Start runs of the dispatcher, at once or at a time to come", Long: runHelp}
	cmd.AddCommand(newRunStart(), newRunShow(), newRunSchedule(), newRunSchedules(), newRunUnschedule(), newRunNext())
	return cmd
}

// runFlags are the flags of what orders a run.
type runFlags struct {
	cli.By
	month  key.Month
	linger bool
}

func (r *runFlags) flags(cmd *cobra.Command, ordersRun bool) {
	if ordersRun {
		cli.MonthFlag(cmd, &r.month, "; without: every open month")
		completeMonth(cmd)
		cmd.Flags().BoolVar(&r.linger, "linger", false, "let the run wait for what comes due later (BALSONG_DISPATCH_LINGER)")
	}
	r.ActorFlags(cmd, "", "why (required; recorded)")
	r.ApproverFlag(cmd)
	cli.Require(cmd, "reason")
	describe[config.Starting](cmd)
}

func (r *runFlags) order() port.RunOrder {
	return port.RunOrder{Month: r.month, Linger: r.linger, By: r.Act()}
}

// withRuns runs do with an operator who can start runs.
func withRuns(cmd *cobra.Command, do func(context.Context, *operate.Operator) error) error {
	return withUseCases(cmd, operatorapp.Starting, func(ctx context.Context, u operatorapp.UseCases) error {
		ports := u.Acts
		ports.Starter, ports.Schedules = u.Starter, u.Schedules
		return do(ctx, operate.New(ports, 0))
	})
}

// errNoSchedules says that nothing keeps schedules here.
var errNoSchedules = fmt.Errorf("%w: nothing keeps schedules here: set BALSONG_RUN_ON=ecs and BALSONG_RUN_ECS_SCHEDULE_ROLE; on one machine, cron or a timer of systemd starts the dispatcher", config.ErrInvalid)

// withSchedules is withRuns for what needs schedules.
func withSchedules(cmd *cobra.Command, do func(context.Context, *operate.Operator) error) error {
	return withRuns(cmd, func(ctx context.Context, o *operate.Operator) error {
		if o.Schedules == nil {
			return errNoSchedules
		}
		return do(ctx, o)
	})
}

// startedDocument is a started run, for programs.
type startedDocument struct {
	Handle   string           `json:"handle"`
	Token    string           `json:"token,omitempty"`
	Status   port.StartStatus `json:"status"`
	ExitCode *int             `json:"exit_code"` // null: not ended, or not known
	Ended    string           `json:"ended,omitempty"`
	Output   string           `json:"output,omitempty"`
}

func startedAnswer(run port.StartedRun) startedDocument {
	d := startedDocument{Handle: run.Handle, Status: run.Status, Ended: run.Ended, Output: run.Output}
	if run.ExitCode >= 0 {
		d.ExitCode = &run.ExitCode
	}
	return d
}

func newRunStart() *cobra.Command {
	var r runFlags
	var token string
	cmd := &cobra.Command{
		Use: "start", Args: cli.NoArguments, Short: "Start a run now, in the background",
		Long: "Start a run now. The answer is its handle, for `balsong run show`. Where AWS did not answer, the message has the token with which the same\n" +
			"command can be repeated: then nothing is started twice.",
		Example: "  balsong run start --month 2026-11 --reason \"second run of the day\"\n  balsong run start --linger --reason \"the relay is back\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if token == "" {
				token = rand.Text()
			}
			return withRuns(cmd, func(ctx context.Context, o *operate.Operator) error {
				run, err := o.StartRun(ctx, token, r.order())
				if errors.Is(err, port.ErrUnavailable) {
					err = fmt.Errorf("%w (repeat it with --token %s: nothing is started twice)", err, token)
				}
				if err != nil {
					return err
				}
				answered := startedAnswer(run)
				answered.Token = token
				return cli.Answer(cmd, answered, func(w io.Writer) {
					fmt.Fprintf(w, "%s\nstarted; its output: %s\n`balsong run show %s` says how it stands\n", run.Handle, run.Output, cli.Quote(run.Handle))
				})
			})
		},
	}
	r.flags(cmd, true)
	cmd.Flags().StringVar(&token, "token", "", "`token` of an earlier try, whose answer was lost")
	return cmd
}

func newRunShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show HANDLE", Args: cobra.ExactArgs(1), Short: "Say how a started run stands, and its exit code",
		Long:    "Say how a run stands that `balsong run start` has started: whether it runs, else its exit code (`dispatcher --help` lists them).",
		Example: "  balsong run show HJ3KQ5MWXVE2T7B4NRYAPSCDLG",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRuns(cmd, func(ctx context.Context, o *operate.Operator) error {
				run, err := o.LookAtRun(ctx, args[0])
				if err != nil {
					return err
				}
				return cli.Answer(cmd, startedAnswer(run), func(w io.Writer) { printStarted(w, run) })
			})
		},
	}
	describe[config.Starting](cmd)
	return cmd
}

func printStarted(w io.Writer, run port.StartedRun) {
	said := strings.ToLower(string(run.Status))
	switch {
	case run.Status == port.StartEnded && run.ExitCode >= 0:
		said += fmt.Sprintf(" with exit code %d", run.ExitCode)
	case run.Status == port.StartEnded:
		said += ", its exit code is not known"
	}
	if run.Ended != "" {
		said += ": " + run.Ended
	}
	fmt.Fprintf(w, "%s; its output: %s\n", said, run.Output)
}

// clockTime is the form of times on a clock, as people write them.
const clockTime = "2006-01-02 15:04"

func newRunSchedule() *cobra.Command {
	var r runFlags
	var at, zoneName string
	cmd := &cobra.Command{
		Use: "schedule", Args: cli.NoArguments, Short: "Let a run be started once, at a time to come",
		Long: "Let EventBridge Scheduler start a run once, within the minute that is named, on the clock of a time zone. The schedule is removed after it.\n" +
			"A time that the zone's clock skips or shows twice is refused. During a halt it is made all the same: it may be lifted by then.\n" +
			"`balsong run schedules` lists what is to come.",
		Example: "  balsong run schedule --at \"2026-12-25 08:00\" --zone Asia/Seoul --month 2026-12 --reason \"bills of Christmas\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			wall, err := time.Parse(clockTime, strings.Replace(at, "T", " ", 1))
			if err != nil {
				return cli.Usagef("--at %q is not of the form \"2026-12-25 08:00\"", at)
			}
			return withUseCases(cmd, operatorapp.Starting, func(ctx context.Context, u operatorapp.UseCases) error {
				ports := u.Acts
				if ports.Starter, ports.Schedules = u.Starter, u.Schedules; u.Schedules == nil {
					return errNoSchedules
				}
				zone, err := zoneOr(ctx, zoneName, u.Answers)
				if err != nil {
					return err
				}
				made, due, err := operate.New(ports, 0).ScheduleRun(ctx, wall, zone, r.order())
				if err != nil {
					return err
				}
				halt, err := u.Acts.Control.Halted(ctx)
				if err != nil {
					return err
				}
				return cli.Answer(cmd, scheduleAnswer(made, []time.Time{due}), func(w io.Writer) {
					if halt.On {
						fmt.Fprintf(w, "everything is halted by %s: %s. Unless that is lifted before, the run ends by itself (`balsong resume`)\n", halt.Actor, halt.Reason)
					}
					fmt.Fprintf(w, "%s starts at %s (%s UTC): %s\n`balsong run unschedule %s` takes it back\n", made.Name, answer.Clock(due, zone), due.UTC().Format(clockTime), made.Note, made.Name)
				})
			})
		},
	}
	r.flags(cmd, true)
	cmd.Flags().StringVar(&at, "at", "", "`time` on the zone's clock, as in \"2026-12-25 08:00\" (required)")
	cmd.Flags().StringVar(&zoneName, "zone", "", "IANA `name` of the time zone; without it that of the ACTIVE policy, or UTC")
	cli.Require(cmd, "at")
	return cmd
}

// zoneOr is the zone of a name, else the one in which people read times.
func zoneOr(ctx context.Context, name string, answers *answer.Answers) (*time.Location, error) {
	if name == "" {
		return answers.Zone(ctx)
	}
	zone, err := window.Zone(name)
	return zone, cli.Usage(err)
}

func newRunUnschedule() *cobra.Command {
	var r runFlags
	cmd := &cobra.Command{
		Use: "unschedule NAME", Args: cobra.ExactArgs(1), Short: "Remove a schedule", Example: "  balsong run unschedule balsong-run-20261225T0800 --reason \"the bills are late\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSchedules(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.UnscheduleRun(ctx, args[0], r.Act()), args[0]+" is removed: it starts nothing")
			})
		},
	}
	r.flags(cmd, false)
	return cmd
}
