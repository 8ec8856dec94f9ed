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
		RunE: func(cmd *cobra.Command, _ []string) error {
			return halt.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(cmd, o.Halt(ctx, halt.by()), "halted: dispatchers stop before their next page, delivery within seconds; `balsong go-on` lifts it")
			})
		},
	}
	off := &cobra.Command{
		Use: "go-on", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Lift the halt",
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
	cmd := &cobra.Command{Use: "month", GroupID: groupPeople, Short: "Close a billing month"}
	closing := &cobra.Command{
		Use: "close", Args: cobra.NoArgs, Short: "End a month for runs that name none",
		Long: "End a month for runs that name none. While bills have not come to an end it is refused and says what is left, unless --anyway.",
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
	closing.Flags().BoolVar(&anyway, "anyway", false, "also while bills have not come to an end")
	cmd.AddCommand(closing)
	return cmd
}

// newSuppress is the subcommand "suppress".
func newSuppress() *cobra.Command {
	a := &acting{}
	var channelName string
	var lift bool
	cmd := &cobra.Command{
		Use: "suppress", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Never reach a customer on a channel (or again, with --lift)",
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
	cmd.Flags().BoolVar(&lift, "lift", false, "take off the list")
	require(cmd, "channel")
	a.targetFlags(cmd)
	a.flags(cmd)
	return cmd
}
