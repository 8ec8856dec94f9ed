package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/channel"
)

// newHalt is the subcommand "halt".
func newHalt() *cobra.Command {
	a, of := &actFlags{}, ""
	cmd := &cobra.Command{
		Use: "halt", Args: cli.NoArguments,
		Short: "Stop all sending, or that by one channel, at once",
		Long: "Stop all sending: dispatchers end before their next page, and delivery calls no gateway after a few seconds.\n" +
			"With --channel, stop sending by that channel alone: dispatchers leave its bills as they are, and those that were refused on it\n" +
			"and would continue on the next one; delivery halts a channel so itself where more than a fifth of the last 500 are refused.\n" +
			"Nothing is lost; `balsong resume` lifts the halt, and `balsong status` shows it. There is one halt of everything and one of each\n" +
			"channel: where it is halted already, who did it and why stay as they are, and the answer says so.",
		Example: "  balsong halt --reason \"wrong amounts in the November bills\"\n  balsong halt --channel SMS --reason \"the vendor's register is down\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, err := optionalChannel(of)
			if err != nil {
				return err
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				if kind != "" {
					halt, err := operate.New(u.Acts, 0).HaltChannel(ctx, kind, a.Act())
					if errors.Is(err, operate.ErrAlready) {
						return answerAlready(ctx, cmd, u, halt.Halt, fmt.Sprintf("the channel %s is halted already", kind))
					}
					return answerDone(cmd, err, fmt.Sprintf("the channel %s is halted: dispatchers leave its bills before their next page, delivery stops within seconds; `balsong resume --channel %s --reason …` lifts it", kind, strings.ToLower(string(kind))))
				}
				halt, err := operate.New(u.Acts, 0).Halt(ctx, a.Act())
				if errors.Is(err, operate.ErrAlready) {
					return answerAlready(ctx, cmd, u, halt, "everything is halted already")
				}
				return answerDone(cmd, err, "halted: dispatchers stop before their next page, delivery within seconds; `balsong resume --reason …` lifts it")
			})
		},
	}
	cmd.Flags().StringVar(&of, "channel", "", "stop this channel alone: "+channel.Names())
	a.flags(cmd)
	return cmd
}

// newResume is the subcommand "resume".
func newResume() *cobra.Command {
	a, of, share := &actFlags{}, "", 0
	cmd := &cobra.Command{
		Use: "resume", Args: cli.NoArguments,
		Short: "Lift the halt, or that of one channel",
		Long: "Lift the halt of everything, or with --channel that of one channel; each is lifted by itself. Delivery continues within seconds;\n" +
			"dispatchers continue with their next run. A channel that was halted because many were refused counts from nothing again. Where the\n" +
			"customers are the cause (an old file), --share says at how many percent of refusals it is halted next, until that halt; at 100 never.",
		Example: "  balsong resume --reason \"amounts are corrected\"\n  balsong resume --channel SMS --reason \"the vendor's register is up again\"\n" +
			"  balsong resume --channel EMAIL --share 50 --reason \"addresses of 2019, compared with the month before\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, err := optionalChannel(of)
			switch {
			case err != nil:
				return err
			case cmd.Flags().Changed("share") && (kind == "" || share < 1 || share > 100):
				return cli.Usagef("--share: 1 to 100 percent, with --channel")
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				if kind != "" {
					return resumeChannel(ctx, cmd, u, kind, share, a.Act())
				}
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
	cmd.Flags().StringVar(&of, "channel", "", "lift the halt of this channel alone: "+channel.Names())
	cmd.Flags().IntVar(&share, "share", 0, fmt.Sprintf("percent of refusals above which the channel is halted again, until then (default %d)", port.HaltShare))
	a.flags(cmd)
	return cmd
}

func resumeChannel(ctx context.Context, cmd *cobra.Command, u operatorapp.UseCases, kind channel.Kind, share int, by port.Act) error {
	lifted, err := operate.New(u.Acts, 0).LiftChannelHalt(ctx, kind, share, by)
	switch {
	case errors.Is(err, operate.ErrAlready) && lifted.Actor == "":
		return answerDone(cmd, nil, fmt.Sprintf("the channel %s was never halted; nothing was changed", kind))
	case errors.Is(err, operate.ErrAlready):
		return answerAlready(ctx, cmd, u, lifted.Halt, fmt.Sprintf("the channel %s was not halted: it is not", kind))
	}
	return answerDone(cmd, err, fmt.Sprintf("the halt of the channel %s is lifted; it is halted again above %d %% of refusals", kind, lifted.Share))
}

// optionalChannel reads --channel; "" where it was not given.
func optionalChannel(name string) (kind channel.Kind, err error) {
	if name == "" {
		return "", nil
	}
	if kind, err = channel.Parse(name); err != nil {
		return "", cli.Usagef("--channel: %w", err)
	}
	return kind, nil
}

// answerAlready answers that the switch was where it should be, and who put it there.
func answerAlready(ctx context.Context, cmd *cobra.Command, u operatorapp.UseCases, halt port.Halt, what string) error {
	zone, err := u.Answers.Zone(ctx)
	return answerDone(cmd, err, fmt.Sprintf("%s since %s by %s: %s. Nothing was changed", what, answer.Clock(halt.Since, zone), halt.Actor, halt.Reason))
}
