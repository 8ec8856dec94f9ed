package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// targetAct is an act on one target.
type targetAct struct {
	use, short string
	do         func(o *operate.Operator, ctx context.Context, k key.Target, by port.Act) (billing.Target, error)
}

var targetActs = []targetAct{
	{"cancel", "End a bill that no gateway has accepted yet", (*operate.Operator).Cancel},
	{"uncancel", "Take a cancellation back", (*operate.Operator).Uncancel},
	{"pause", "Hold a bill back until it is resumed", (*operate.Operator).Pause},
	{"resume", "Resume a PAUSED bill", (*operate.Operator).Resume},
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

// newTarget is the subcommand "target": acts on one customer's bill of a month.
func newTarget() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "target",
		Short: "Act on one customer's bill of a month",
		Long: "Act on one customer's bill of a month. Every act names who and why, and is recorded. One whose end is\n" +
			"there already changes nothing, says so and succeeds. `balsong why` shows how the bill stands.",
	}
	show := &billFlags{}
	shown := &cobra.Command{
		Use: "show", Short: "The same as `balsong why`", Args: cli.NoArguments,
		Example: "  balsong target show --month 2026-11 --customer 7590-VHVEG",
		RunE:    func(cmd *cobra.Command, _ []string) error { return why(cmd, show.month, show.customers...) },
	}
	show.targetFlags(shown)
	describe[config.CustomerBills](shown)
	cmd.AddCommand(shown)
	for _, act := range targetActs {
		cmd.AddCommand(newTargetAct(act))
	}
	cmd.AddCommand(newTargetCopy(), newTargetCopies())
	return cmd
}

func newTargetAct(act targetAct) *cobra.Command {
	a := &actFlags{}
	number := 0
	cmd := &cobra.Command{
		Use: act.use, Short: act.short, Args: cli.NoArguments,
		Example: fmt.Sprintf("  balsong target %s --month 2026-11 --customer 7590-VHVEG --reason \"asked for it by phone\"", act.use),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				zone, err := u.Answers.Zone(ctx)
				if err != nil {
					return err
				}
				open, err := u.Acts.Months.List(ctx)
				if err != nil {
					return err
				}
				return a.each(ctx, cmd, u, func(found answer.Found) (any, string, error) {
					on := found.Target.Key()
					if number > 0 {
						on = on.Copy(number)
					}
					target, err := act.do(operate.New(u.Acts, a.callDeadline), ctx, on, a.Act())
					already := errors.Is(err, operate.ErrAlready)
					switch {
					case errors.Is(err, port.ErrNotFound) && number > 0:
						return nil, "", fmt.Errorf("customer %q has no copy %d of the bill (`balsong why` shows the copies): %w", found.Customer, number, err)
					case err != nil && !already:
						return nil, "", fmt.Errorf("customer %s: %w", found.Customer, err)
					}
					text := sentence(found.Customer, target.State(), zone)
					if s := target.State(); (s.Dispatch == billing.Ready || s.Dispatch == billing.Failed) && !slices.Contains(open, a.month) {
						text += fmt.Sprintf("; the month is closed, so only a run that names it takes it (`dispatcher --month %s`)", a.month)
					}
					if already {
						text += alreadySo
					}
					return documentOf(found.Customer, target.State(), already), text + "\n", nil
				})
			})
		},
	}
	a.targetFlags(cmd)
	a.flags(cmd)
	copyFlag(cmd, &number)
	if act.use == "send-anyway" {
		cmd.Flags().DurationVar(&a.callDeadline, "call-deadline", 10*time.Minute, "longest gateway call of any provider: nothing is sent before it has passed")
	}
	return cmd
}

// copyFlag adds --copy, the number of a copy.
func copyFlag(cmd *cobra.Command, number *int) {
	cmd.Flags().Func("copy", "`number` of a copy of the bill, as balsong why shows it; without: the bill itself", func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > key.MaxCopies {
			return fmt.Errorf("%q is no number from 1 to %d", text, key.MaxCopies)
		}
		*number = n
		return nil
	})
}

// targetDocument is how a target stands, for programs.
type targetDocument struct {
	Customer    string              `json:"customer"`
	Already     bool                `json:"already"` // it was so before, and nothing was changed
	Key         string              `json:"key"`
	Copy        int                 `json:"copy,omitempty"` // the number of a copy
	DeliveryKey string              `json:"delivery_key"`   // of its current or next try
	Batch       billing.BatchStatus `json:"batch_status"`
	Dispatch    billing.Status      `json:"dispatch_status"`
	Pause       billing.PauseReason `json:"pause_reason,omitempty"`
	PendingEnd  billing.Status      `json:"pending_end,omitempty"`
	AvailableAt time.Time           `json:"available_at"`
	Attempt     int16               `json:"attempt"`
	Round       int16               `json:"round"`
	Step        int16               `json:"step"`
}

func documentOf(customer string, s billing.State, already bool) targetDocument {
	return targetDocument{
		Customer: customer, Already: already,
		Key: s.Key.String(), Copy: s.Key.CopyNumber(), DeliveryKey: (key.Delivery{Month: s.Key.Month, UserID: s.Key.UserID, Attempt: s.Attempt, Round: s.Round}).String(),
		Batch: s.Batch, Dispatch: s.Dispatch, Pause: s.Pause, PendingEnd: s.PendingEnd, AvailableAt: s.AvailableAt,
		Attempt: s.Attempt, Round: s.Round, Step: s.Step,
	}
}

// sentence says how a target stands.
func sentence(customer string, s billing.State, zone *time.Location) string {
	text := fmt.Sprintf("customer %s's bill of %s (%s) is %s", customer, s.Key.Month, s.Key, s.Dispatch)
	if n := s.Key.CopyNumber(); n > 0 {
		text = fmt.Sprintf("copy %d of %s", n, text)
	}
	switch {
	case s.Dispatch == billing.Paused:
		text += " (" + string(s.Pause) + ")"
	case s.PendingEnd != "":
		text += fmt.Sprintf("; it becomes %s once its try under way has an outcome that is no success", s.PendingEnd)
	case s.Dispatch == billing.Ready || s.Dispatch == billing.Failed:
		text += ", due " + answer.Clock(s.AvailableAt, zone)
	}
	return text
}
