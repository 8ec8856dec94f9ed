package operatorcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/operatorapp"
)

// newHalt is the subcommand "halt".
func newHalt() *cobra.Command {
	a := &actFlags{}
	cmd := &cobra.Command{
		Use: "halt", Args: cli.NoArguments,
		Short: "Stop all sending, at once",
		Long: "Stop all sending: dispatchers end before their next page, and delivery calls no gateway after a few seconds.\n" +
			"Nothing is lost; `balsong resume` lifts the halt, and `balsong status` shows it. There is one halt: where everything is halted\n" +
			"already, who did it and why stay as they are, and the answer says so.",
		Example: "  balsong halt --reason \"wrong amounts in the November bills\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				halt, err := operate.New(u.Acts, 0).Halt(ctx, a.Act())
				if errors.Is(err, operate.ErrAlready) {
					return answerAlready(ctx, cmd, u, halt, "everything is halted already")
				}
				return answerDone(cmd, err, "halted: dispatchers stop before their next page, delivery within seconds; `balsong resume` lifts it")
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
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				lifted, err := operate.New(u.Acts, 0).LiftHalt(ctx, a.Act())
				switch {
				case errors.Is(err, operate.ErrAlready) && lifted.Actor == "":
					return answerDone(cmd, nil, "there was no halt; nothing was changed (`balsong target resume` resumes a bill)")
				case errors.Is(err, operate.ErrAlready):
					return answerAlready(ctx, cmd, u, lifted, "there was no halt (`balsong target resume` resumes a bill): none")
				}
				return answerDone(cmd, err, "the halt is lifted")
			})
		},
	}
	a.flags(cmd)
	return cmd
}

// answerAlready answers that the switch was where it should be, and who put it there.
func answerAlready(ctx context.Context, cmd *cobra.Command, u operatorapp.UseCases, halt port.Halt, what string) error {
	zone, err := u.Answers.Zone(ctx)
	return answerDone(cmd, err, fmt.Sprintf("%s since %s by %s: %s. Nothing was changed", what, answer.Clock(halt.Since, zone), halt.Actor, halt.Reason))
}
