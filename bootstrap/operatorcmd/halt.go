package operatorcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/bootstrap/cli"
)

// newHalt is the subcommand "halt".
func newHalt() *cobra.Command {
	a := &actFlags{}
	cmd := &cobra.Command{
		Use: "halt", Args: cli.NoArguments,
		Short: "Stop all sending, at once",
		Long: "Stop all sending: dispatchers end before their next page, and delivery calls no gateway after a few seconds.\n" +
			"Nothing is lost; `balsong resume` lifts the halt, and `balsong status` shows it.",
		Example: "  balsong halt --reason \"wrong amounts in the November bills\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.Halt(ctx, a.Act()), "halted: dispatchers stop before their next page, delivery within seconds; `balsong resume` lifts it")
			})
		},
	}
	a.flags(cmd)
	return cmd
}

// newResume is the subcommand "resume".
func newResume() *cobra.Command {
	a := &actFlags{}
	cmd := &cobra.Command{
		Use: "resume", Args: cli.NoArguments,
		Short:   "Lift the halt",
		Long:    "Lift the halt. Delivery continues by itself within seconds; dispatchers continue with their next run.",
		Example: "  balsong resume --reason \"amounts are corrected\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.LiftHalt(ctx, a.Act()), "the halt is lifted")
			})
		},
	}
	a.flags(cmd)
	return cmd
}
