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
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// newSuppress is the subcommand "suppress".
func newSuppress() *cobra.Command {
	a := &actFlags{}
	var channelName, scopeName string
	var lift bool
	cmd := &cobra.Command{
		Use: "suppress", Args: cli.NoArguments,
		Short: "Never send to a customer on a channel (--lift: allow it again)",
		Long: "Put a customer on the suppression list of one channel, or take the entry off with --lift. --scope says what is kept back:\n" +
			"\"advertising\" is an opt-out of advertising, bills go out as before; \"all\" keeps bills back too (a dead address, a wish for paper).\n" +
			"What is kept back goes out on the next channel of the route, and is PAUSED where none is left. A wider scope replaces a\n" +
			"narrower one; to narrow it, lift it first. `balsong suppress list` shows who is on it. The entry holds for every month; --month only says in which one the customer number is looked for.",
		Example: "  balsong suppress --customer 7590-VHVEG --channel SMS --scope advertising --reason \"asked for it by phone\"\n" +
			"  balsong suppress --customer 7590-VHVEG --channel EMAIL --scope all --reason \"the mailbox is closed\"\n" +
			"  balsong suppress --customer 7590-VHVEG --channel EMAIL --lift --reason \"a new mailbox\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, err := channel.Parse(channelName)
			if err != nil {
				return cli.Usagef("--channel: %w", err)
			}
			scope, err := suppressScope(scopeName, lift)
			if err != nil {
				return err
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				done, change := suppressing(operate.New(u.Acts, 0), scope, kind)
				return a.each(ctx, cmd, u, func(found answer.Found) (any, string, error) {
					contact := port.Contact{UserID: found.Target.Key().UserID, Channel: kind}
					text := "customer " + found.Customer + ": " + done
					switch err := change(ctx, contact, a.Act()); {
					case errors.Is(err, operate.ErrAlready):
						text += alreadySo
					case err != nil:
						return nil, "", fmt.Errorf("customer %s: %w", found.Customer, err)
					}
					return map[string]string{"done": text}, text + "\n", nil
				})
			})
		},
	}
	cmd.Flags().StringVar(&channelName, "channel", "", channel.Names()+" (required)")
	cmd.Flags().StringVar(&scopeName, "scope", "", "what is kept back: all or advertising (required, unless with --lift)")
	cmd.Flags().BoolVar(&lift, "lift", false, "take the entry off the list")
	cli.Require(cmd, "channel")
	a.customerFlag(cmd)
	cli.MonthFlag(cmd, &a.month, "; without: the latest in which the customer has a bill")
	completeMonth(cmd)
	a.flags(cmd)
	cmd.AddCommand(newSuppressList())
	return cmd
}

// suppressScope reads --scope, which goes with adding an entry alone.
func suppressScope(text string, lift bool) (policy.Scope, error) {
	switch {
	case lift && text != "":
		return "", cli.Usagef("--scope does not go with --lift: the entry is taken off whatever its scope is")
	case lift:
		return "", nil
	case text == "":
		return "", cli.Usagef("--scope is missing: advertising (bills go out as before) or all (bills are kept back too)")
	}
	scope, err := policy.ParseScope(text)
	if err != nil {
		return "", cli.Usagef("--scope: %w", err)
	}
	return scope, nil
}

// suppressing returns what is done to each contact, and says it; no scope lifts.
func suppressing(o *operate.Operator, scope policy.Scope, kind channel.Kind) (done string, change func(context.Context, port.Contact, port.Act) error) {
	add := func(ctx context.Context, c port.Contact, by port.Act) error { return o.Suppress(ctx, c, scope, by) }
	switch scope {
	case "":
		return "may be reached on " + string(kind) + " again", o.Unsuppress
	case policy.ScopeAdvertising:
		return "no advertising on " + string(kind) + " from now on; bills go out as before", add
	default:
		return "never reached on " + string(kind) + " from now on, by bills neither", add
	}
}
