package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// billFlags are the flags that name a month, or some customers' bills in it.
type billFlags struct {
	month     key.Month
	customers []string
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
	a.customerFlag(cmd)
}

// customerFlag asks for customers.
func (a *billFlags) customerFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&a.customers, "customer", nil, "customer `number` of the billing data, in any case and with or without blanks (required; for several customers repeat it)")
	cli.Require(cmd, "customer")
}

// monthFlag asks for a month, and completes it.
func (a *billFlags) monthFlag(cmd *cobra.Command) {
	cli.MonthFlag(cmd, &a.month, " (required)")
	cli.Require(cmd, "month")
	completeMonth(cmd)
}

// find turns the month and the customer numbers into bills. Where one has none it says what is known, and finds nothing.
func (a *billFlags) find(ctx context.Context, u operatorapp.UseCases) ([]answer.Found, error) {
	all := make([]answer.Found, 0, len(a.customers))
	for _, customer := range a.customers {
		found, err := u.Answers.Find(ctx, a.month, customer)
		if err != nil {
			return nil, about(customer, err)
		}
		if !slices.ContainsFunc(all, func(f answer.Found) bool { return f.Target.Key() == found.Target.Key() }) {
			all = append(all, found)
		}
	}
	return all, nil
}

// about says which customer an error is about, and of one without a bill what to do.
func about(customer string, err error) error {
	if none, is := errors.AsType[*answer.NoBill](err); is {
		return fmt.Errorf("%w %s", err, none.Next.Text)
	}
	if errors.Is(err, port.ErrNotFound) { // it names the customer
		return err
	}
	return fmt.Errorf("customer %q: %w", customer, err)
}

// each does an act on the bills of all customers that are named, once every one of them is found, and answers: with one
// document for one customer, with a list for several. A bill for which it is refused does not keep it from the others.
func (a *billFlags) each(ctx context.Context, cmd *cobra.Command, u operatorapp.UseCases, do func(answer.Found) (document any, text string, err error)) error {
	all, err := a.find(ctx, u)
	if err != nil {
		return err
	}
	var done answered
	for _, found := range all {
		done.add(do(found))
	}
	return done.answer(cmd, len(a.customers) == 1)
}

// answered collects the answers about several customers.
type answered struct {
	documents []any
	texts     []string
	failures  []error
}

func (d *answered) add(document any, text string, err error) {
	if err != nil {
		d.failures = append(d.failures, err)
	}
	if document != nil {
		d.documents, d.texts = append(d.documents, document), append(d.texts, text)
	}
}

func (d *answered) answer(cmd *cobra.Command, one bool) error {
	if len(d.documents) == 0 {
		return errors.Join(d.failures...)
	}
	var document any = d.documents
	if one {
		document = d.documents[0]
	}
	err := cli.Answer(cmd, document, func(w io.Writer) { fmt.Fprint(w, strings.Join(d.texts, "")) })
	if refused(d.failures) {
		d.failures = append(d.failures, core.ErrPartly)
	}
	return errors.Join(append(d.failures, err)...)
}

// refused reports whether there are failures, and all of them are refusals.
func refused(failures []error) bool {
	return len(failures) > 0 && !slices.ContainsFunc(failures, func(err error) bool { return !errors.Is(err, billing.ErrRefused) })
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

// alreadySo is added to an answer about what is so already.
const alreadySo = ": it was so already, and nothing was changed"

// answerDone answers with what was done, unless err says that it was not.
func answerDone(cmd *cobra.Command, err error, what string) error {
	if errors.Is(err, operate.ErrAlready) {
		what += alreadySo
	} else if err != nil {
		return err
	}
	return cli.Answer(cmd, map[string]string{"done": what}, func(w io.Writer) { fmt.Fprintln(w, what) })
}
