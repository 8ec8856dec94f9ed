package operatorcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/bootstrap/cli"
)

// newMonth is the subcommand "month".
func newMonth() *cobra.Command {
	a := &actFlags{}
	var force bool
	cmd := &cobra.Command{Use: "month", Short: "Close a billing month, remove old ones"}
	closing := &cobra.Command{
		Use: "close", Args: cli.NoArguments, Short: "Close a month: only runs that name it take it from then on",
		Long: "Close a month: a dispatcher that names no month no longer takes it. While some of its bills have not come to an end this is\n" +
			"refused, and the message says what is left; --force closes the month all the same.",
		Example: "  balsong month close --month 2026-11 --reason \"all settled\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.CloseMonth(ctx, a.month, force, a.Act()), a.month.String()+" is closed: only runs that name it take it")
			})
		},
	}
	a.monthFlag(closing)
	a.flags(closing)
	closing.Flags().BoolVar(&force, "force", false, "close it although some bills have not come to an end")
	cmd.AddCommand(closing, newRetention())
	return cmd
}
