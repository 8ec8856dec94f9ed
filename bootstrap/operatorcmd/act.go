package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/key"
)

// billFlags are the flags that name a month, or one customer's bill in it.
type billFlags struct {
	month    key.Month
	customer string
}

// actFlags are the flags of every act.
type actFlags struct {
	billFlags
	cli.By
	callDeadline time.Duration
}

func (a *actFlags) flags(cmd *cobra.Command) {
	a.ActorFlags(cmd, "", "why (required; recorded)")
	a.ApproverFlag(cmd)
	cli.Require(cmd, "reason")
	describe[config.Operator](cmd)
}

func (a *billFlags) targetFlags(cmd *cobra.Command) {
	a.monthFlag(cmd)
	cmd.Flags().StringVar(&a.customer, "customer", "", "customer number of the billing data (required)")
	cli.Require(cmd, "customer")
}

// monthFlag asks for a month, and completes it.
func (a *billFlags) monthFlag(cmd *cobra.Command) {
	cli.MonthFlag(cmd, &a.month, " (required)")
	cli.Require(cmd, "month")
	completeMonth(cmd)
}

// find turns the month and the customer number into a target. Where there is none it says what is known.
func (a *billFlags) find(ctx context.Context, u operatorapp.UseCases) (key.Target, error) {
	target, _, err := u.Acts.Report.Find(ctx, a.month, bill.CustomerNumber(a.customer))
	if errors.Is(err, port.ErrNotFound) {
		_, err = u.Answers.Why(ctx, a.month, a.customer)
		var none *answer.NoBill
		if errors.As(err, &none) {
			return key.Target{}, fmt.Errorf("%w %s", err, none.Next.Text)
		}
	}
	return target.Key(), err
}

// withUseCases runs do with the use cases of an app. A database that does not answer is an error at once: no command waits for it.
func withUseCases[C any](cmd *cobra.Command, app func(C) fx.Option, do func(context.Context, operatorapp.UseCases) error) error {
	return cli.Once(cmd, app, func(ctx context.Context, _ C, u operatorapp.UseCases) error {
		if _, err := u.Acts.Sweeps.Now(ctx); err != nil {
			return fmt.Errorf("ask the database (DATABASE_URL): %w", err)
		}
		return do(ctx, u)
	})
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
