package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// acting is what every act asks for.
type acting struct {
	actor, reason, month, customer string
	callDeadline                   time.Duration
}

func (a *acting) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.actor, "actor", whoami(), "who does this")
	cmd.Flags().StringVar(&a.reason, "reason", "", "why (required; it is written down)")
	require(cmd, "reason")
}

func (a *acting) targetFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.month, "month", "", "billing month, as in 2026-11 (required)")
	cmd.Flags().StringVar(&a.customer, "customer", "", "customer number of the billing data (required)")
	require(cmd, "month", "customer")
}

func (a *acting) by() port.Act { return port.Act{Actor: a.actor, Reason: a.reason, At: time.Now()} }

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// require marks flags without which a command cannot run.
func require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined beside this call
		}
	}
}

// told prints what was done, where it was.
func told(err error, done string) error {
	if err == nil {
		fmt.Println(done)
	}
	return err
}

// withOperator runs do with the operator's use cases; the configuration comes from the environment.
func (a *acting) withOperator(cmd *cobra.Command, do func(context.Context, *operate.Operator) error) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, err := config.Load[config.Operator](ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "balsong:", err)
		return ExitError{Code: core.ExitCodeOf(ctx, err)}
	}
	code := core.Once(ctx, os.Stderr, operatorapp.Options(c), func(ctx context.Context, ports operate.Ports) error {
		return do(ctx, operate.New(ports, a.callDeadline))
	})
	if code != 0 {
		return ExitError{Code: code}
	}
	return nil
}

// find turns the month and the customer number into a target.
func (a *acting) find(ctx context.Context, o *operate.Operator) (key.Target, error) {
	month, err := key.ParseMonth(a.month)
	if err != nil {
		return key.Target{}, fmt.Errorf("--month: %w", err)
	}
	target, _, err := o.Report.Find(ctx, month, a.customer)
	if errors.Is(err, port.ErrNotFound) {
		return key.Target{}, fmt.Errorf("customer %q has no bill in %s", a.customer, month)
	}
	return target.Key(), err
}

// targetAct is an act on one target.
type targetAct struct {
	use, short string
	do         func(o *operate.Operator, ctx context.Context, k key.Target, by port.Act) (billing.Target, error)
}

var targetActs = []targetAct{
	{"cancel", "End a bill that nobody has accepted yet", (*operate.Operator).Cancel},
	{"uncancel", "Take a cancellation back", (*operate.Operator).Uncancel},
	{"pause", "Hold a bill back until it is resumed", (*operate.Operator).Pause},
	{"resume", "Let a PAUSED bill go on", (*operate.Operator).Resume},
	{"send-anyway", "Send an UNKNOWN bill once more: a second copy is possible", (*operate.Operator).SendAnyway},
	{"write-off", "Close an UNKNOWN bill; its outcome stays unknown", (*operate.Operator).WriteOff},
	{"delivered", "Say that an UNKNOWN bill was delivered", verdict(true)},
	{"not-delivered", "Say that an UNKNOWN bill was not delivered: it goes on with its route", verdict(false)},
}

func verdict(delivered bool) func(*operate.Operator, context.Context, key.Target, port.Act) (billing.Target, error) {
	return func(o *operate.Operator, ctx context.Context, k key.Target, by port.Act) (billing.Target, error) {
		return o.Verdict(ctx, k, delivered, by)
	}
}

// newTarget is the subcommand "target": one customer's bill of a month.
func newTarget() *cobra.Command {
	cmd := &cobra.Command{
		Use: "target", GroupID: groupPeople,
		Short: "Look at one customer's bill of a month, and act on it",
		Long:  "Look at one customer's bill of a month, and act on it. Every act names who and why, and is written down.",
	}
	show := &acting{}
	shown := &cobra.Command{
		Use: "show", Short: "Show a bill and what the ledger knows of it", Args: cobra.NoArgs,
		Example: "  balsong target show --month 2026-11 --customer 7590-VHVEG",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return show.print(ctx, o, cmd.OutOrStdout())
			})
		},
	}
	show.targetFlags(shown)
	cmd.AddCommand(shown)
	for _, act := range targetActs {
		cmd.AddCommand(newTargetAct(act))
	}
	return cmd
}

func newTargetAct(act targetAct) *cobra.Command {
	a := &acting{}
	cmd := &cobra.Command{
		Use: act.use, Short: act.short, Args: cobra.NoArgs,
		Example: fmt.Sprintf("  balsong target %s --month 2026-11 --customer 7590-VHVEG --reason \"asked for it by phone\"", act.use),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				k, err := a.find(ctx, o)
				if err != nil {
					return err
				}
				target, err := act.do(o, ctx, k, a.by())
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), sentence(target.State()))
				return nil
			})
		},
	}
	a.targetFlags(cmd)
	a.flags(cmd)
	if act.use == "send-anyway" {
		cmd.Flags().DurationVar(&a.callDeadline, "call-deadline", 10*time.Minute, "longest gateway call of any provider: nothing is sent before it has passed")
	}
	return cmd
}

// sentence says how a target stands.
func sentence(s billing.State) string {
	text := fmt.Sprintf("%s is %s", s.Key, s.Dispatch)
	switch {
	case s.Dispatch == billing.Paused:
		text += " (" + string(s.Pause) + ")"
	case s.Wish != "":
		text += fmt.Sprintf("; it becomes %s once its try under way has an outcome that is no success", s.Wish)
	case s.Dispatch == billing.Ready || s.Dispatch == billing.Failed:
		text += ", due " + s.AvailableAt.Local().Format(time.DateTime)
	}
	return text
}

func (a *acting) print(ctx context.Context, o *operate.Operator, out io.Writer) error {
	month, err := key.ParseMonth(a.month)
	if err != nil {
		return fmt.Errorf("--month: %w", err)
	}
	target, rows, err := o.Report.Find(ctx, month, a.customer)
	if errors.Is(err, port.ErrNotFound) {
		return fmt.Errorf("customer %q has no bill in %s", a.customer, month)
	}
	if err != nil {
		return err
	}
	s := target.State()
	fmt.Fprintln(out, sentence(s))
	fmt.Fprintf(out, "  batch %s · attempt %d, round %d, step %d · policy %s\n", s.Batch, s.Attempt, s.Round, s.Step, s.Policy)
	origin, err := o.Report.Origin(ctx, s.Key)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  imported from %s, line %d (version %d of the data)\n", origin.File, origin.Line, origin.Version)
	if s.LastDecision != "" {
		fmt.Fprintln(out, "  last decision:", s.LastDecision)
	}
	if s.LastError != "" {
		fmt.Fprintln(out, "  last error:", s.LastError)
	}
	for _, row := range rows {
		fmt.Fprintf(out, "  %s  %-9s %s", row.Key, row.State, row.Channel)
		for _, word := range []string{row.Provider, string(row.Class), string(row.Reason), row.ProviderMessageID} {
			if word != "" {
				fmt.Fprint(out, " ", word)
			}
		}
		fmt.Fprintln(out, " ", row.ChangedAt.Local().Format(time.DateTime))
	}
	return nil
}
