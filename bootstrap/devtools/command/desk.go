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

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/key"
)

// asking are the flags that name a month, or one customer's bill in it.
type asking struct{ month, customer string }

// acting are the flags of every act.
type acting struct {
	asking
	actor, reason, approvedBy string
	callDeadline              time.Duration
}

func (a *acting) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.actor, "actor", whoami(), "who does this")
	cmd.Flags().StringVar(&a.reason, "reason", "", "why (required; it is written down)")
	cmd.Flags().StringVar(&a.approvedBy, "approved-by", "", "who approved it, where that is somebody else; it is written down")
	require(cmd, "reason")
}

func (a *asking) targetFlags(cmd *cobra.Command) {
	a.monthFlag(cmd)
	cmd.Flags().StringVar(&a.customer, "customer", "", "customer number of the billing data (required)")
	require(cmd, "customer")
}

// monthFlag asks for a month, and completes it.
func (a *asking) monthFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.month, "month", "", "billing month, as in 2026-11 (required)")
	require(cmd, "month")
	completeMonth(cmd)
}

func (a *acting) by() port.Act {
	return port.Act{Actor: a.actor, Reason: a.reason, At: time.Now(), ApprovedBy: a.approvedBy}
}

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

// parsed is the month that was asked for.
func (a *asking) parsed() (key.Month, error) {
	month, err := key.ParseMonth(a.month)
	if err != nil {
		return month, usageError{fmt.Errorf("the month: %w", err)}
	}
	return month, nil
}

// find turns the month and the customer number into a target. Where there is none it says what is known.
func (a *asking) find(ctx context.Context, d operatorapp.Desk) (key.Target, error) {
	month, err := a.parsed()
	if err != nil {
		return key.Target{}, err
	}
	target, _, err := d.Acts.Report.Find(ctx, month, a.customer)
	if errors.Is(err, port.ErrNotFound) {
		_, err = d.Answers.Why(ctx, month, a.customer)
		var none *answer.NoBill
		if errors.As(err, &none) {
			return key.Target{}, fmt.Errorf("%w %s", err, none.Next.Text)
		}
	}
	return target.Key(), err
}

// atDesk runs do with what people work with; the configuration comes from the environment. A database that does not answer
// is an error at once: nobody is left waiting for it.
func atDesk(cmd *cobra.Command, do func(context.Context, operatorapp.Desk) error) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, err := config.Load[config.Operator](ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "balsong:", err)
		return ExitError{Code: core.ExitCodeOf(ctx, err)}
	}
	code := core.Once(ctx, os.Stderr, operatorapp.Options(c), func(ctx context.Context, d operatorapp.Desk) error {
		if _, err := d.Acts.Sweeps.Now(ctx); err != nil {
			return fmt.Errorf("ask the database (DATABASE_URL): %w", err)
		}
		return do(ctx, d)
	})
	if code != 0 {
		return ExitError{Code: code}
	}
	return nil
}

// withOperator runs do with the operator's use cases.
func (a *acting) withOperator(cmd *cobra.Command, do func(context.Context, *operate.Operator) error) error {
	return atDesk(cmd, func(ctx context.Context, d operatorapp.Desk) error {
		return do(ctx, operate.New(d.Acts, a.callDeadline))
	})
}

// outputOf is how a command was asked to answer.
func outputOf(cmd *cobra.Command) core.Output {
	if flag := cmd.Flag("output"); flag != nil {
		return core.Output(flag.Value.String())
	}
	return core.Text
}

// respond writes a command's answer in the form that was asked for.
func respond(cmd *cobra.Command, document any, text func(io.Writer)) error {
	return outputOf(cmd).Answer(cmd.OutOrStdout(), document, text)
}

// told answers with what was done, unless err says that it was not.
func told(cmd *cobra.Command, err error, done string) error {
	if err != nil {
		return err
	}
	return respond(cmd, map[string]string{"done": done}, func(w io.Writer) { fmt.Fprintln(w, done) })
}
