package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/key"
)

// billFlags are the flags that name a month, or one customer's bill in it.
type billFlags struct{ month, customer string }

// actFlags are the flags of every act.
type actFlags struct {
	billFlags
	actor, reason, approvedBy string
	callDeadline              time.Duration
}

func (a *actFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.actor, "actor", whoami(), "who does this")
	cmd.Flags().StringVar(&a.reason, "reason", "", "why (required; recorded)")
	cmd.Flags().StringVar(&a.approvedBy, "approved-by", "", "who approved it, where that is somebody else; recorded")
	cli.Require(cmd, "reason")
}

func (a *billFlags) targetFlags(cmd *cobra.Command) {
	a.monthFlag(cmd)
	cmd.Flags().StringVar(&a.customer, "customer", "", "customer number of the billing data (required)")
	cli.Require(cmd, "customer")
}

// monthFlag asks for a month, and completes it.
func (a *billFlags) monthFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.month, "month", "", "billing month, as in 2026-11 (required)")
	cli.Require(cmd, "month")
	completeMonth(cmd)
}

func (a *actFlags) by() port.Act {
	return port.Act{Actor: a.actor, Reason: a.reason, At: time.Now(), ApprovedBy: a.approvedBy}
}

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// parseMonth returns the month that was asked for.
func (a *billFlags) parseMonth() (key.Month, error) {
	month, err := key.ParseMonth(a.month)
	if err != nil {
		return month, cli.Usagef("the month: %w", err)
	}
	return month, nil
}

// find turns the month and the customer number into a target. Where there is none it says what is known.
func (a *billFlags) find(ctx context.Context, u operatorapp.UseCases) (key.Target, error) {
	month, err := a.parseMonth()
	if err != nil {
		return key.Target{}, err
	}
	target, _, err := u.Acts.Report.Find(ctx, month, bill.CustomerNumber(a.customer))
	if errors.Is(err, port.ErrNotFound) {
		_, err = u.Answers.Why(ctx, month, a.customer)
		var none *answer.NoBill
		if errors.As(err, &none) {
			return key.Target{}, fmt.Errorf("%w %s", err, none.Next.Text)
		}
	}
	return target.Key(), err
}

// withUseCases runs do with the use cases of an app; its configuration comes from the environment. A database that does not
// answer is an error at once: nobody is left waiting for it.
func withUseCases[C any](cmd *cobra.Command, app func(C) fx.Option, do func(context.Context, operatorapp.UseCases) error) error {
	ctx := cmd.Context()
	c, err := config.Load[C](ctx)
	if err != nil {
		return err
	}
	return cli.Exit(core.Once(ctx, cmd.ErrOrStderr(), app(c), func(ctx context.Context, u operatorapp.UseCases) error {
		if _, err := u.Acts.Sweeps.Now(ctx); err != nil {
			return fmt.Errorf("ask the database (DATABASE_URL): %w", err)
		}
		return do(ctx, u)
	}))
}

// withOperator runs do with the operator's use cases.
func (a *actFlags) withOperator(cmd *cobra.Command, do func(context.Context, *operate.Operator) error) error {
	return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
		return do(ctx, operate.New(u.Acts, a.callDeadline))
	})
}

// answerDone answers with what was done, unless err says that it was not.
func answerDone(cmd *cobra.Command, err error, what string) error {
	if err != nil {
		return err
	}
	return cli.Answer(cmd, map[string]string{"done": what}, func(w io.Writer) { fmt.Fprintln(w, what) })
}
