package operatorcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/channel"
)

// newSuppress is the subcommand "suppress".
func newSuppress() *cobra.Command {
	a := &actFlags{}
	var channelName string
	var lift bool
	cmd := &cobra.Command{
		Use: "suppress", Args: cli.NoArguments,
		Short: "Never send to a customer on a channel (--lift: allow it again)",
		Long: "Put a customer on the suppression list of one channel, or take the entry off with --lift. Bills then go out on the next\n" +
			"channel of the route, and are PAUSED where none is left. The month and the customer number name the customer; the entry holds for every month.",
		Example: "  balsong suppress --month 2026-11 --customer 7590-VHVEG --channel SMS --reason \"asked for it by phone\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, err := channel.Parse(channelName)
			if err != nil {
				return cli.Usagef("--channel: %w", err)
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				done := "never reached on " + string(kind) + " from now on"
				if lift {
					done = "may be reached on " + string(kind) + " again"
				}
				return a.each(ctx, cmd, u, func(found answer.Found) (any, string, error) {
					contact := port.Contact{UserID: found.Target.Key().UserID, Channel: kind}
					if err := operate.New(u.Acts, 0).Suppress(ctx, contact, !lift, a.Act()); err != nil {
						return nil, "", err
					}
					text := "customer " + found.Customer + ": " + done
					return map[string]string{"done": text}, text + "\n", nil
				})
			})
		},
	}
	cmd.Flags().StringVar(&channelName, "channel", "", channel.Names()+" (required)")
	cmd.Flags().BoolVar(&lift, "lift", false, "take the entry off the list")
	cli.Require(cmd, "channel")
	a.targetFlags(cmd)
	a.flags(cmd)
	return cmd
}
