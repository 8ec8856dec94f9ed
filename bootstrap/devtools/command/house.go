package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/channel"
)

// The groups of the command list.
const (
	groupServices = "services"
	groupPeople   = "people"
	groupLocal    = "local"
)

// newHalt are the subcommands "halt" and "go-on".
func newHalt() []*cobra.Command {
	halt, goOn := &acting{}, &acting{}
	on := &cobra.Command{
		Use: "halt", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Stop everything that goes out, at once",
		Long: "Stop everything that goes out: dispatchers end before their next page, and delivery calls no gateway after a few seconds.\n" +
			"Nothing is lost; `balsong go-on` lifts the halt, and `balsong status` shows it.",
		Example: "  balsong halt --reason \"wrong amounts in the November bills\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return halt.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(cmd, o.Halt(ctx, halt.by()), "halted: dispatchers stop before their next page, delivery within seconds; `balsong go-on` lifts it")
			})
		},
	}
	off := &cobra.Command{
		Use: "go-on", GroupID: groupPeople, Args: cobra.NoArgs,
		Short:   "Lift the halt",
		Long:    "Lift the halt. Delivery goes on by itself within seconds; dispatchers go on with their next run.",
		Example: "  balsong go-on --reason \"amounts are corrected\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return goOn.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(cmd, o.LiftHalt(ctx, goOn.by()), "the halt is lifted")
			})
		},
	}
	halt.flags(on)
	goOn.flags(off)
	return []*cobra.Command{on, off}
}

// newMonth is the subcommand "month".
func newMonth() *cobra.Command {
	a := &acting{}
	var anyway bool
	cmd := &cobra.Command{Use: "month", GroupID: groupPeople, Short: "Close a billing month, remove old ones"}
	closing := &cobra.Command{
		Use: "close", Args: cobra.NoArgs, Short: "Close a month: only runs that name it take it from then on",
		Long: "Close a month: a dispatcher that names no month no longer takes it. While some of its bills have not come to an end this is\n" +
			"refused, and the message says what is left; --anyway closes the month all the same.",
		Example: "  balsong month close --month 2026-11 --reason \"all settled\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			month, err := a.parsed()
			if err != nil {
				return err
			}
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(cmd, o.CloseMonth(ctx, month, anyway, a.by()), month.String()+" is closed: only runs that name it take it")
			})
		},
	}
	a.monthFlag(closing)
	a.flags(closing)
	closing.Flags().BoolVar(&anyway, "anyway", false, "close it although some bills have not come to an end")
	cmd.AddCommand(closing, newRetention())
	return cmd
}

// newSuppress is the subcommand "suppress".
func newSuppress() *cobra.Command {
	a := &acting{}
	var channelName string
	var lift bool
	cmd := &cobra.Command{
		Use: "suppress", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Never send to a customer on a channel (--lift: allow it again)",
		Long: "Put a customer on the suppression list of one channel, or take the entry off with --lift. Bills then go out on the next\n" +
			"channel of the route, and are PAUSED where none is left. The month and the customer number name the customer; the entry holds for every month.",
		Example: "  balsong suppress --month 2026-11 --customer 7590-VHVEG --channel SMS --reason \"asked for it by phone\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, err := channel.Parse(channelName)
			if err != nil {
				return usageError{fmt.Errorf("--channel: %w", err)}
			}
			return atDesk(cmd, func(ctx context.Context, d operatorapp.Desk) error {
				k, err := a.find(ctx, d)
				if err != nil {
					return err
				}
				done := "never reached on " + string(kind) + " from now on"
				if lift {
					done = "may be reached on " + string(kind) + " again"
				}
				err = operate.New(d.Acts, 0).Suppress(ctx, port.Contact{UserID: k.UserID, Channel: kind}, !lift, a.by())
				return told(cmd, err, "customer "+a.customer+": "+done)
			})
		},
	}
	cmd.Flags().StringVar(&channelName, "channel", "", channel.Names()+" (required)")
	cmd.Flags().BoolVar(&lift, "lift", false, "take the entry off the list")
	require(cmd, "channel")
	a.targetFlags(cmd)
	a.flags(cmd)
	return cmd
}
