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
	cmd := &cobra.Command{Use: "month", Short: "Close or reopen a billing month, remove old ones"}
	closing := &cobra.Command{
		Use: "close", Args: cli.NoArguments, Short: "Close a month: only runs that name it take it from then on",
		Long: "Close a month: a dispatcher that names no month no longer takes it. While some of its bills have not come to an end this is\n" +
			"refused, and the message says what is left; --force closes the month all the same. `balsong month reopen` takes it back.",
		Example: "  balsong month close --month 2026-11 --reason \"all settled\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.CloseMonth(ctx, a.month, force, a.Act()), a.month.String()+" is closed: only runs that name it take it (`balsong month reopen` takes that back)")
			})
		},
	}
	a.monthFlag(closing)
	a.flags(closing)
	closing.Flags().BoolVar(&force, "force", false, "close it although some bills have not come to an end")
	cmd.AddCommand(closing, newReopen(), newRetention())
	return cmd
}

func newReopen() *cobra.Command {
	a := &actFlags{}
	cmd := &cobra.Command{
		Use: "reopen", Args: cli.NoArguments, Short: "Take the closing of a month back: runs take it again, and imports are let in",
		Long:    "Take the closing of a month back. Refused where its bills were removed (`balsong month retention`): they cannot be restored.",
		Example: "  balsong month reopen --month 2026-11 --reason \"closed too early\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return answerDone(cmd, o.ReopenMonth(ctx, a.month, a.Act()), a.month.String()+" is open: every run takes it, and imports are let in")
			})
		},
	}
	a.monthFlag(cmd)
	a.flags(cmd)
	return cmd
}
